import { type Database, SqlSource, SqlTokens, type Statement } from "../sqlite/mod.ts";
import type { RequestPragma } from "./request_pragmas.ts";
import type { Control, SqlPolicy } from "./sql_policy.ts";
import { isBlank, kindOf, type StatementKind } from "./sql_text.ts";

const statementsMax = 512;
/** Characters of SQL kept in all, and in one text. */
const charactersMax = 0x40_0000;
const textMax = 0x1_0000;

/** A statement with what is asked of it over and over. */
export interface PreparedStatement {
  readonly statement: Statement;
  readonly kind: StatementKind;
  readonly readonly: boolean;
  /** It has result columns: a query, or a change with RETURNING. */
  readonly hasColumns: boolean;
  /** It, or a trigger or view that it uses, calls changes(). */
  readonly callsChanges: boolean;
  /** It, or a trigger that it fires, writes the planner's statistics. */
  readonly writesStatistics: boolean;
  /** Tables that it, or a trigger that it fires, inserts into. */
  readonly insertsInto: readonly string[];
  /** It is not for SQLite to carry out: it gives this PRAGMA a value, or controls this. */
  readonly pragma: RequestPragma | undefined;
  readonly control: Control | undefined;
}

/** What is noted of a statement while it is prepared; see {@linkcode SqlPolicy}. */
export type PreparationNotes = Pick<
  SqlPolicy,
  | "callsChanges"
  | "writesStatistics"
  | "insertsInto"
  | "optimizes"
  | "pragma"
  | "control"
  | "refusedContext"
  | "preparing"
>;

interface Cached extends PreparedStatement {
  lastUsed: number;
}

/** Whether a transaction of several requests can hold it: it ends none, and is about the database only. */
export function staysInBatch({ kind, control }: PreparedStatement): boolean {
  return kind !== "pragma" && kind !== "vacuum" && control === undefined;
}

/** Prepares the next statement of `source`; undefined when only blanks and comments are left. */
export function prepareNext(
  database: Database,
  policy: PreparationNotes,
  source: SqlSource,
  persistent: boolean,
): PreparedStatement | undefined {
  policy.callsChanges = false;
  policy.writesStatistics = false;
  policy.insertsInto.clear();
  policy.optimizes = undefined;
  policy.pragma = undefined;
  policy.control = undefined;
  policy.refusedContext = false;
  policy.preparing = true;
  let statement: Statement | undefined;
  try {
    statement = database.prepareNext(source, { persistent });
  } finally {
    policy.preparing = false;
  }
  if (statement === undefined) return undefined;
  // EXPLAIN says of a statement how it would write.
  const explains = statement.isExplain !== 0;
  const readonly = statement.readonly || explains;
  return {
    statement,
    kind: kindOf(new SqlTokens(source.bytes, statement.sqlStart, statement.sqlEnd), readonly),
    readonly,
    hasColumns: statement.columnCount > 0,
    callsChanges: policy.callsChanges,
    writesStatistics: policy.writesStatistics,
    insertsInto: [...policy.insertsInto],
    pragma: explains ? undefined : policy.pragma,
    control: explains ? undefined : policy.control,
  };
}

/** Prepared statements by their text, for texts of one statement; SQLite prepares one anew when the schema has changed. */
export class StatementCache {
  readonly #database: Database;
  readonly #policy: PreparationNotes;
  readonly #statements = new Map<string, Cached>();
  #characters = 0;
  #uses = 0;

  constructor(database: Database, policy: PreparationNotes) {
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
  prepare(sql: string): PreparedStatement | undefined {
    const cached = this.get(sql);
    if (cached !== undefined) return cached;
    if (sql.length > textMax) return undefined;
    const source = new SqlSource(sql);
    const prepared = prepareNext(this.#database, this.#policy, source, true);
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
  }

  clear(): void {
    for (const { statement } of this.#statements.values()) statement.finalize();
    this.#statements.clear();
    this.#characters = 0;
  }
}
