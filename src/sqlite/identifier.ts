/** A name as SQL takes it, whatever is in it: https://www.sqlite.org/lang_keywords.html */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * What the row id of a table with such columns is called in SQL: one of its three names, that no
 * column has. Undefined where columns have all three.
 */
export function freeRowIdName(columns: readonly string[]): string | undefined {
  const taken = new Set(columns.map((name) => name.toLowerCase()));
  return ["rowid", "_rowid_", "oid"].find((name) => !taken.has(name));
}
