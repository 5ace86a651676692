import type { Statement } from "../store/types.ts";
import { LargeStatements } from "./large_statements.ts";

/** Characters of a statement: behind more blanks than that a PRAGMA is refused by the store itself. */
const lookedAt = 1000;

const mentionsPragma = /pragma/i;
const breakingPragma =
  /^\s*PRAGMA\s+(?:(?:\w+\.)?(?:(?:journal_mode|synchronous|query_only)\s*=|wal_checkpoint)|wal_autocheckpoint\s*=)/i;

/** Whether a request holds a PRAGMA for which rqlite refuses all of it, reads too. */
export function hasBreakingPragma(statements: readonly Statement[] | LargeStatements): boolean {
  if (statements instanceof LargeStatements) return statements.breaking;
  for (const { sql } of statements) if (isBreakingPragma(sql)) return true;
  return false;
}

/** Whether it is such a PRAGMA. */
export function isBreakingPragma(sql: string): boolean {
  const start = sql.length > lookedAt ? sql.slice(0, lookedAt) : sql;
  return mentionsPragma.test(start) && breakingPragma.test(start);
}
