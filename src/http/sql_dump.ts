const space = String.raw`(?:\s|--[^\n]*(?:\n|$)|/\*[\s\S]*?\*/)*`;
const start = new RegExp(
  `^(${space})(PRAGMA\\s+foreign_keys\\s*=\\s*\\w+\\s*;${space})?` +
    `BEGIN(?:\\s+(?:DEFERRED|IMMEDIATE|EXCLUSIVE))?(?:\\s+TRANSACTION)?\\s*;`,
  "i",
);
/** rqlite's own shell adds a PRAGMA behind a dump, for the connection of its server. */
const end =
  /(?<=;\s*)COMMIT(?:\s+TRANSACTION)?\s*(?:;\s*(?:PRAGMA\s+foreign_keys\s*=\s*\w+\s*;?\s*)?)?$/i;

/**
 * A SQL dump without the BEGIN and COMMIT that it is wrapped in: it runs in a transaction anyway.
 * Where it turns foreign keys off, which has no effect inside of a transaction, they are checked at
 * its end. Text that does not have both BEGIN and COMMIT is left as it is.
 */
export function withoutDumpTransaction(sql: string): string {
  const opening = start.exec(sql);
  const closing = end.exec(sql);
  if (opening === null || closing === null) return sql;
  const deferral = opening[2] === undefined ? "" : "PRAGMA defer_foreign_keys=ON;";
  return (opening[1] ?? "") + deferral + sql.slice(opening[0].length, closing.index);
}
