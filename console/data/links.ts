/** The address of a table's page. */
export function tableLink(name: string, tab: "" | "structure" = ""): string {
  return `#/data/${encodeURIComponent(name)}${tab === "" ? "" : `/${tab}`}`;
}
