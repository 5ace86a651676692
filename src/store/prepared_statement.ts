import { assert } from "../base/assert.ts";
import { type Database, SqlSource, SqlTokens, type Statement } from "../sqlite/mod.ts";
import { StatementError } from "./failures.ts";
import type { StatementRecord } from "./statements/statement_statistics.ts";
import { PreparationNotes } from "./preparation_notes.ts";
import type { SqlPolicy } from "./sql_policy.ts";

/** A statement with what is asked of it over and over. */
export interface PreparedStatement {
  readonly statement: Statement;
  readonly kind: StatementKind;
  readonly readonly: boolean;
  /** It has result columns: a query, or a change with RETURNING. */
  readonly hasColumns: boolean;
  readonly notes: Readonly<PreparationNotes>;
  /** Where its last run was noted. */
  record: StatementRecord | undefined;
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
 * Without a policy nothing is noted of it. Throws a StatementError for what its user may not do and
 * SQLite has not told of.
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
  try {
    const refusal = policy?.unseen(
      database,
      () => source.text(statement.sqlStart, statement.sqlEnd),
    );
    if (refusal !== undefined) throw new StatementError(refusal);
  } catch (error) {
    statement.finalize();
    throw error;
  }
  // EXPLAIN says of a statement how it would write; what that controls is not carried out.
  const explains = statement.isExplain !== 0;
  if (explains) notes.pragma = notes.control = undefined;
  // The program names how often its connection has loaded the schema; the plan does not.
  if (statement.isExplain === 1) notes.tellsOfNode = true;
  const readonly = statement.readonly || explains;
  return {
    statement,
    kind: kindOf(new SqlTokens(source.bytes, statement.sqlStart, statement.sqlEnd), readonly),
    readonly,
    hasColumns: statement.columnCount > 0,
    notes,
    record: undefined,
  };
}

/** Whether a transaction of several requests can hold it: it ends none, and is about the database only. */
export function staysInBatch({ kind, notes }: PreparedStatement): boolean {
  return kind !== "pragma" && kind !== "vacuum" && notes.control === undefined;
}

/** What a statement is, as far as it matters to how it is run. */
export type StatementKind =
  /** INSERT, REPLACE, UPDATE or DELETE: it sets changes() and last_insert_rowid(). */
  | "change"
  /** CREATE without a query: what it does is the same by any plan. */
  | "create"
  | "pragma"
  | "vacuum"
  /** ANALYZE or REINDEX: it changes nothing that is the user's. */
  | "upkeep"
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
    case "ANALYZE":
    case "REINDEX":
      return "upkeep";
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

const statementsMax = 512;
/** Characters of SQL kept in all, and in one text. */
const charactersMax = 0x40_0000;
const textMax = 0x1_0000;

interface Cached extends PreparedStatement {
  lastUsed: number;
}

/** Prepared statements by their text, for texts of one statement; SQLite prepares one anew when the schema has changed. */
export class StatementCache {
  readonly #database: Database;
  readonly #policy: SqlPolicy | undefined;
  readonly #statements = new Map<string, Cached>();
  #characters = 0;
  #uses = 0;

  /** Without a policy nothing is noted of them. */
  constructor(database: Database, policy?: SqlPolicy) {
    this.#database = database;
    this.#policy = policy;
  }

  get size(): number {
    return this.#statements.size;
  }

  get(sql: string): PreparedStatement | undefined {
    const cached = this.#statements.get(sql);
    if (cached !== undefined) cached.lastUsed = ++this.#uses;
    return cached;
  }

  /** The statement of a text that has just one, kept for the next time; undefined for any other text. */
  prepare(sql: string, ofLoad = false): PreparedStatement | undefined {
    const cached = this.get(sql);
    if (cached !== undefined) return cached;
    if (sql.length > textMax) return undefined;
    const source = new SqlSource(sql);
    const prepared = prepareNext(this.#database, this.#policy, source, {
      persistent: true,
      ofLoad,
    });
    if (prepared === undefined) return undefined;
    if (!isBlank(source) || !staysInBatch(prepared)) {
      prepared.statement.finalize();
      return undefined;
    }
    if (
      this.#statements.size >= statementsMax || this.#characters + sql.length > charactersMax
    ) this.#evict();
    const kept = { ...prepared, lastUsed: ++this.#uses };
    this.#statements.set(sql, kept);
    this.#characters += sql.length;
    assert(
      this.#statements.size <= statementsMax && this.#characters <= charactersMax,
      "More statements are kept than may be",
    );
    return kept;
  }

  /** Drops the half that was not used for longest: rare, and so cheaper than order kept at each use. */
  #evict(): void {
    const oldest = [...this.#statements].sort(([, a], [, b]) => a.lastUsed - b.lastUsed);
    oldest.length = Math.ceil(oldest.length / 2);
    for (const [sql, { statement }] of oldest) {
      statement.finalize();
      this.#statements.delete(sql);
      this.#characters -= sql.length;
    }
    assert(this.#characters >= 0, "More statements were dropped than were kept");
  }

  clear(): void {
    for (const { statement } of this.#statements.values()) statement.finalize();
    this.#statements.clear();
    this.#characters = 0;
  }
}
