/** A name as SQL takes it, whatever is in it: https://www.sqlite.org/lang_keywords.html */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
