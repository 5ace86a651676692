const space = String.raw`(?:\s|--[^\n]*(?:\n|$)|/\*[\s\S]*?\*/)*`;
const start = new RegExp(
  `^(${space}(?:PRAGMA\\s+foreign_keys\\s*=\\s*\\w+\\s*;${space})?)` +
    `BEGIN(?:\\s+(?:DEFERRED|IMMEDIATE|EXCLUSIVE))?(?:\\s+TRANSACTION)?\\s*;`,
  "i",
);
const end = /(?<=;\s*)COMMIT(?:\s+TRANSACTION)?\s*;?\s*$/i;

/**
 * A SQL dump without the BEGIN and COMMIT that it is wrapped in: it runs in a transaction anyway.
 * Text that does not have both is left as it is.
 */
export function withoutDumpTransaction(sql: string): string {
  const opening = start.exec(sql);
  const closing = end.exec(sql);
  if (opening === null || closing === null) return sql;
  return (opening[1] ?? "") + sql.slice(opening[0].length, closing.index);
}
