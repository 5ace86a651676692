/** Has a connection enforce foreign keys, or not. */
export function foreignKeysPragma(foreignKeys: boolean): string {
  return `PRAGMA foreign_keys = ${foreignKeys ? "ON" : "OFF"}`;
}

/** What the connections are set to, as SQLite numbers it. */
export function connectionPragmas(
  foreignKeys: boolean,
): Record<"reader" | "writer", Record<string, string>> {
  const both = { foreign_keys: foreignKeys ? "1" : "0", journal_mode: "wal" };
  return {
    reader: { ...both, busy_timeout: "5000", synchronous: "2", wal_autocheckpoint: "1000" },
    writer: { ...both, busy_timeout: "0", synchronous: "1", wal_autocheckpoint: "0" },
  };
}
