import type { Statement } from "../store/types.ts";

const words = /\b(?:pragma|begin|commit|end|rollback|savepoint|release)\b/gi;

/**
 * Whether a request may hold a statement that says how, or in which transaction, others of it are to
 * run, and so must share neither batch nor fate with another's. Says so too often rather than too
 * rarely: of a trigger's END, for one.
 */
export function setsContext(statements: readonly Statement[]): boolean {
  return statements.some(({ sql }) => {
    // Looked for once: a text may hold as many of the words as it is long.
    const hasLineComments = sql.includes("--");
    for (const { index } of sql.matchAll(words)) {
      if (startsStatement(sql, index, hasLineComments)) return true;
    }
    return false;
  });
}

/** Behind nothing but blanks, a `;` or a comment. */
function startsStatement(sql: string, at: number, hasLineComments: boolean): boolean {
  const before = sql.slice(0, at).trimEnd();
  return before === "" || before.endsWith(";") || before.endsWith("*/") ||
    (hasLineComments && sql.slice(before.length, at).includes("\n"));
}
