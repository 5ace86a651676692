import { assert } from "../base/assert.ts";
import { type Database, SqlSource } from "../sqlite/mod.ts";
import { type PreparedStatement, prepareNext, staysInBatch } from "./prepared_statement.ts";
import type { SqlPolicy } from "./sql_policy.ts";
import { isBlank } from "./sql_text.ts";

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
  prepare(sql: string): PreparedStatement | undefined {
    const cached = this.get(sql);
    if (cached !== undefined) return cached;
    if (sql.length > textMax) return undefined;
    const source = new SqlSource(sql);
    const prepared = prepareNext(this.#database, this.#policy, source, { persistent: true });
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
