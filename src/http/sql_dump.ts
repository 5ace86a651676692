const space = String.raw`(?:\s|--[^\n]*(?:\n|$)|/\*[\s\S]*?\*/)*`;
const start = new RegExp(
  `^(${space}(?:PRAGMA\\s+foreign_keys\\s*=\\s*\\w+\\s*;${space})?)` +
    `BEGIN(?:\\s+(?:DEFERRED|IMMEDIATE|EXCLUSIVE))?(?:\\s+TRANSACTION)?\\s*;`,
  "i",
);
const end = new RegExp(`;\\s*(?:COMMIT|END)(?:\\s+TRANSACTION)?\\s*;?\\s*$`, "i");

/**
 * A SQL dump without the BEGIN and COMMIT that it is wrapped in: it runs in a transaction anyway.
 * Text that does not have both is left as it is.
 */
export function withoutDumpTransaction(sql: string): string {
  const opening = start.exec(sql);
  if (opening === null) return sql;
  const body = (opening[1] ?? "") + sql.slice(opening[0].length);
  const closed = body.replace(end, ";");
  // An empty dump has nothing between the two but the end of BEGIN itself.
  if (closed === body) return body.replace(/^(\s*)COMMIT;?\s*$/i, "$1");
  return closed;
}
