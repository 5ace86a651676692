import { type SqlSource, SqlTokens } from "../sqlite/mod.ts";
import { StatementError } from "./failures.ts";

/** What a statement is, as far as it matters to how it is run. */
export type StatementKind =
  /** INSERT, REPLACE, UPDATE or DELETE: it sets changes() and last_insert_rowid(). */
  | "change"
  /** CREATE without a query: what it does is the same by any plan. */
  | "create"
  | "pragma"
  | "vacuum"
  | "other";

/** Tells the kind by the first word; a WITH that is not read-only can only be a change. */
export function kindOf(sql: SqlTokens, readonly: boolean): StatementKind {
  sql.nextMeaning();
  switch (sql.keyword) {
    case "INSERT":
    case "REPLACE":
    case "UPDATE":
    case "DELETE":
      return "change";
    case "CREATE":
      return hasKeyword(sql, "AS") ? "other" : "create";
    case "WITH":
      return readonly ? "other" : "change";
    case "PRAGMA":
      return "pragma";
    case "VACUUM":
      return "vacuum";
    default:
      return "other";
  }
}

/** Whether a VACUUM writes a copy: VACUUM INTO. */
export function isVacuumInto(sql: string): boolean {
  return hasKeyword(SqlTokens.of(sql), "INTO");
}

/** Throws a StatementError for a VACUUM that writes a copy. */
export function refuseVacuumInto(sql: string): void {
  if (!isVacuumInto(sql)) return;
  throw new StatementError("VACUUM INTO is refused: copies come from the backup endpoint");
}

function hasKeyword(rest: SqlTokens, keyword: string): boolean {
  while (rest.nextMeaning()) if (rest.keyword === keyword) return true;
  return false;
}

/** Whether nothing but blanks is left; a comment or a `;` counts as one more, empty statement. */
export function isBlank(source: SqlSource): boolean {
  for (let at = source.offset; at < source.length; at++) {
    const byte = source.bytes[at];
    if (byte !== 0x20 && (byte === undefined || byte < 0x09 || byte > 0x0d)) return false;
  }
  return true;
}
