import assert from "node:assert/strict";
import {
  AuthorizerResult,
  type Database,
  Determinism,
  type Library,
  SqliteError,
  SqlSource,
  type Statement,
} from "../../src/sqlite/mod.ts";
import type { SqlValue } from "../../src/store/types.ts";
import { clockOf, seedOf } from "./fixture.ts";
import type { RandomRequest } from "./random_entries.ts";

/** Ends its request. */
class Refused extends Error {}

function refused(what: string): string {
  return `${what} is refused: send the statements as one request with the transaction parameter`;
}

const pragma = /^\s*PRAGMA (foreign_keys|defer_foreign_keys|legacy_alter_table) = (\w+)/;
const switches = new Map([["0", false], ["1", true], ["ON", true]]);
const control = /^\s*(BEGIN|COMMIT|ROLLBACK)\b/;

/**
 * Runs requests on a database of its own, the way that rqlite does, with the clock and the random
 * numbers of the entries that `Entries` makes: an oracle for the store. What PRAGMAs set ends with
 * the request, but for foreign_keys alone in one.
 */
export class PlainSqlite implements Disposable {
  readonly #database: Database;
  readonly #determinism: Determinism;
  /** Of the request that is run: the index of its entry, and how many statements have begun. */
  #index = 0;
  #begun = 0;
  #foreignKeys = true;
  #deferred = false;
  /** Nothing but such PRAGMAs has run in the transaction. */
  #untouched = false;
  /** Results in front of a BEGIN that is not ended yet. */
  #begunAt: number | undefined;
  #alone = false;

  constructor(library: Library) {
    this.#determinism = new Determinism(library);
    this.#database = this.#determinism.open(":memory:");
  }

  run(request: RandomRequest): unknown[] {
    const database = this.#database;
    this.#index++;
    this.#begun = 0;
    this.#set("foreign_keys", this.#foreignKeys);
    this.#set("legacy_alter_table", false);
    this.#deferred = false;
    this.#begunAt = undefined;
    const [only, ...others] = request.statements;
    this.#alone = others.length === 0 && !only?.sql.includes(";");
    const results: unknown[] = [];
    if (request.transaction) this.#begin();
    for (const { sql, positional = [] } of request.statements) {
      try {
        results.push(this.#text(sql, positional, request, results.length));
      } catch (error) {
        results.push({ error: error instanceof Error ? error.message : String(error) });
        const ends = this.#begunAt !== undefined || error instanceof Refused;
        if (!request.transaction && !ends) continue;
        if (database.inTransaction) database.exec("ROLLBACK");
        return results;
      }
    }
    if (this.#begunAt !== undefined) {
      database.exec("ROLLBACK");
      results.length = this.#begunAt;
      results.push({ error: refused("BEGIN without a COMMIT behind it") });
    }
    if (!request.transaction) return results;
    try {
      database.exec("COMMIT");
    } catch (error) {
      database.exec("ROLLBACK");
      return [{ error: (error as SqliteError).message }];
    }
    return results;
  }

  #begin(): void {
    this.#database.exec("BEGIN");
    this.#untouched = true;
    this.#set("defer_foreign_keys", this.#deferred);
  }

  #set(name: string, on: boolean): void {
    this.#database.exec(`PRAGMA ${name} = ${on ? 1 : 0}`);
  }

  #isOn(name: string): boolean {
    return this.#database.scalar(`PRAGMA ${name}`) === 1;
  }

  #pragma(name: string, on: boolean): void {
    const database = this.#database;
    if (name === "legacy_alter_table" && on && this.#alone) {
      throw new Refused(
        "PRAGMA legacy_alter_table is refused: it holds within its request, send it with the " +
          "statements that it is for",
      );
    }
    if (name === "defer_foreign_keys") this.#deferred = on;
    if (name === "foreign_keys" && this.#alone) this.#foreignKeys = on;
    if (name === "foreign_keys" && database.inTransaction) {
      if (this.#untouched) {
        database.exec("ROLLBACK");
        this.#set(name, on);
        this.#begin();
      } else if (!on && this.#isOn(name)) {
        throw new Error(
          "PRAGMA foreign_keys = OFF is refused: a transaction cannot turn them off once it has " +
            "begun, put it before the other statements",
        );
      }
    } else this.#set(name, on);
  }

  #control(word: string, transaction: boolean, resultsBefore: number): void {
    if (transaction) {
      throw new Refused(`${word} is refused: the request is a transaction already`);
    }
    const begun = this.#begunAt !== undefined;
    if ((word === "BEGIN") === begun) {
      throw new Refused(
        begun ? "BEGIN is refused: a transaction has begun already" : refused(word),
      );
    }
    if (word === "BEGIN") {
      this.#begin();
      this.#begunAt = resultsBefore;
    } else {
      this.#database.exec(word);
      this.#begunAt = undefined;
    }
  }

  #text(
    sql: string,
    positional: readonly SqlValue[],
    { unified, transaction }: RandomRequest,
    resultsBefore: number,
  ): unknown {
    const source = new SqlSource(sql);
    let used = 0;
    for (let first = true, query = false;; first = false) {
      const rest = source.text();
      const [, name, value] = pragma.exec(rest) ?? [];
      const [, word] = control.exec(rest) ?? [];
      if (this.#database.autocommit) this.#set("defer_foreign_keys", this.#deferred);
      using statement = name !== undefined || word !== undefined
        ? this.#passOver(source)
        : this.#database.prepareNext(source);
      if (statement === undefined) return {};
      if (first) {
        query = (unified && statement.readonly) ||
          (!statement.readonly && statement.columnCount > 0 &&
            !/^PRAGMA/.test(sql));
      }
      this.#determinism.set(clockOf(this.#index), seedOf(this.#index), this.#begun++);
      const wanted = statement.bindParameterCount;
      if (positional.length - used < wanted) {
        throw new Error(
          `not enough args to execute query: want ${wanted} got ${positional.length - used}`,
        );
      }
      statement.bind(...positional.slice(used, used + wanted) as number[]);
      used += wanted;
      const last = source.text().trim() === "";
      if (name !== undefined || word !== undefined) {
        if (name !== undefined) this.#pragma(name, switchOf(value));
        else this.#control(word ?? "", transaction, resultsBefore);
        if (last) return query ? {} : this.#changes();
        continue;
      }
      this.#untouched = false;
      if (last && query) return rowsOf(statement);
      const before = this.#database.lastInsertRowId;
      while (statement.step());
      // A quirk that the store does not have: it would count hidden tables.
      if (/VACUUM/.test(source.text(statement.sqlStart, statement.sqlEnd))) {
        this.#database.lastInsertRowId = before;
      }
      if (last) return this.#changes();
    }
  }

  /** A statement that does nothing, in place of one that SQLite would obey while it prepares it. */
  #passOver(source: SqlSource): Statement | undefined {
    this.#database.setAuthorizer(() => AuthorizerResult.ignore);
    try {
      return this.#database.prepareNext(source);
    } finally {
      this.#database.setAuthorizer(undefined);
    }
  }

  #changes(): unknown {
    const { lastInsertRowId, changes } = this.#database;
    return {
      ...(lastInsertRowId === 0 ? {} : { last_insert_id: lastInsertRowId }),
      ...(changes === 0 ? {} : { rows_affected: changes }),
    };
  }

  rows(sql: string): unknown[][] {
    using statement = this.#database.prepare(sql);
    return statement.values();
  }

  [Symbol.dispose](): void {
    this.#database.close();
    this.#determinism.close();
  }
}

/** SQLite would obey an unknown word only up to the next statement: not what the store is held to. */
function switchOf(value = ""): boolean {
  const on = switches.get(value);
  assert(on !== undefined, `The oracle does not know the PRAGMA's value ${value}`);
  return on;
}

function rowsOf(statement: Statement): unknown {
  const values: unknown[][] = [];
  let types: string[] = [];
  let row = statement.step();
  const columns = statement.columnNames();
  types = columns.map((_, i) =>
    statement.columnDeclType(i)?.toLowerCase() ||
    (row ? ["", "integer", "real", "text", "text", ""][statement.columnType(i)] ?? "" : "")
  );
  if (columns.length === 0) return {};
  for (; row; row = statement.step()) values.push(columns.map((_, i) => statement.columnValue(i)));
  return { columns, types, ...(values.length > 0 ? { values } : {}) };
}
