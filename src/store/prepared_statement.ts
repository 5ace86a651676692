import { type Database, type SqlSource, SqlTokens, type Statement } from "../sqlite/mod.ts";
import { PreparationNotes } from "./preparation_notes.ts";
import type { SqlPolicy } from "./sql_policy.ts";
import { kindOf, type StatementKind } from "./sql_text.ts";

/** A statement with what is asked of it over and over. */
export interface PreparedStatement {
  readonly statement: Statement;
  readonly kind: StatementKind;
  readonly readonly: boolean;
  /** It has result columns: a query, or a change with RETURNING. */
  readonly hasColumns: boolean;
  readonly notes: Readonly<PreparationNotes>;
}

/** How a statement is to be prepared. */
export interface Preparation {
  /** It is going to be kept. */
  readonly persistent?: boolean;
  /** It is of a load, which carries out what it controls. */
  readonly ofLoad?: boolean;
}

/**
 * Prepares the next statement of `source`; undefined when only blanks and comments are left.
 * Without a policy nothing is noted of it.
 */
export function prepareNext(
  database: Database,
  policy: SqlPolicy | undefined,
  source: SqlSource,
  { persistent = false, ofLoad = false }: Preparation = {},
): PreparedStatement | undefined {
  const notes = new PreparationNotes();
  const prepare = () => database.prepareNext(source, { persistent });
  const statement = policy === undefined ? prepare() : policy.noting(notes, ofLoad, prepare);
  if (statement === undefined) return undefined;
  // EXPLAIN says of a statement how it would write; what that controls is not carried out.
  const explains = statement.isExplain !== 0;
  if (explains) notes.pragma = notes.control = undefined;
  const readonly = statement.readonly || explains;
  return {
    statement,
    kind: kindOf(new SqlTokens(source.bytes, statement.sqlStart, statement.sqlEnd), readonly),
    readonly,
    hasColumns: statement.columnCount > 0,
    notes,
  };
}

/** Whether a transaction of several requests can hold it: it ends none, and is about the database only. */
export function staysInBatch({ kind, notes }: PreparedStatement): boolean {
  return kind !== "pragma" && kind !== "vacuum" && notes.control === undefined;
}
