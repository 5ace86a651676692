import type { Statement } from "../store/types.ts";

const mentionsPragma = /pragma/i;
const breakingPragma =
  /^\s*PRAGMA\s+(?:(?:\w+\.)?(?:(?:journal_mode|synchronous|query_only)\s*=|wal_checkpoint)|wal_autocheckpoint\s*=)/i;

/** Whether a request holds a PRAGMA for which rqlite refuses all of it, reads too. */
export function hasBreakingPragma(statements: readonly Statement[]): boolean {
  for (const { sql } of statements) {
    if (mentionsPragma.test(sql) && breakingPragma.test(sql)) return true;
  }
  return false;
}
