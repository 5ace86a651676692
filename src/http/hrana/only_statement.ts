import type { HranaError } from "./errors.ts";
import { sqlLengthMax, statementsIn, type StatementText } from "./statement_text.ts";

/** The statement that a text consists of, or why it does not consist of one. */
export type OnlyStatement = { readonly text: StatementText } | { readonly error: HranaError };

export const noStatement: HranaError = {
  message: "SQL string does not contain any statement",
  code: "SQL_NO_STATEMENT",
};
const manyStatements: HranaError = {
  message: "SQL string contains more than one statement",
  code: "SQL_MANY_STATEMENTS",
};
export const tooLong: HranaError = {
  message: `A statement is longer than ${sqlLengthMax} characters: give its values as arguments`,
  code: "SQLITE_TOOBIG",
};

/** Short texts that were looked at last, of which programs send the same ones over and over. */
const known = new Map<string, OnlyStatement>();
const knownMax = 1024;
const knownLengthMax = 1024;
/** Parameters of any text that is kept; of a longer one as many as it has characters. */
const keptParametersMax = 1024;

/** The statement that a text is to consist of. */
export function onlyStatement(sql: string): OnlyStatement {
  if (sql.length > knownLengthMax) return readStatement(sql);
  const found = known.get(sql);
  if (found !== undefined) return found;
  const read = readStatement(sql);
  if (!isKept(read)) return read;
  if (known.size >= knownMax) known.clear();
  known.set(sql, read);
  return read;
}

/** Whether it may be kept beside its text: `?32766` alone has 32,766 parameters. */
export function isKept(read: OnlyStatement): boolean {
  if ("error" in read) return true;
  const { text: { sql, parameters } } = read;
  return parameters.length <= Math.max(keptParametersMax, sql.length);
}

export function readStatement(sql: string): OnlyStatement {
  if (sql.length > sqlLengthMax) return { error: tooLong };
  const statements = statementsIn(sql);
  const { value: text } = statements.next();
  if (text === undefined) return { error: noStatement };
  return statements.next().done ? { text } : { error: manyStatements };
}
