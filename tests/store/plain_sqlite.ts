import {
  Database,
  type Library,
  SqliteError,
  SqlSource,
  type Statement,
} from "../../src/sqlite/mod.ts";
import type { SqlValue } from "../../src/store/types.ts";
import type { RandomRequest } from "./random_entries.ts";

/** Runs requests on a database of its own, the way that rqlite does: an oracle for the store. */
export class PlainSqlite implements Disposable {
  readonly #database: Database;

  constructor(library: Library) {
    this.#database = new Database(":memory:", { library });
    this.#database.exec("PRAGMA foreign_keys = ON");
  }

  run(request: RandomRequest): unknown[] {
    const database = this.#database;
    const results: unknown[] = [];
    if (request.transaction) database.exec("BEGIN");
    for (const { sql, positional = [] } of request.statements) {
      try {
        results.push(this.#text(sql, positional, request.unified));
      } catch (error) {
        results.push({ error: error instanceof Error ? error.message : String(error) });
        if (!request.transaction) continue;
        if (database.inTransaction) database.exec("ROLLBACK");
        return results;
      }
    }
    if (!request.transaction) {
      // What a request set ends with it: SQLite would keep this up to the next COMMIT, whoever's it is.
      database.exec("PRAGMA defer_foreign_keys = OFF");
      return results;
    }
    try {
      database.exec("COMMIT");
    } catch (error) {
      database.exec("ROLLBACK");
      return [{ error: (error as SqliteError).message }];
    }
    return results;
  }

  #text(sql: string, positional: readonly SqlValue[], unified: boolean): unknown {
    const source = new SqlSource(sql);
    let used = 0;
    for (let first = true, query = false;; first = false) {
      using statement = this.#database.prepareNext(source);
      if (statement === undefined) return {};
      if (first) {
        query = (unified && statement.readonly) ||
          (!statement.readonly && statement.columnCount > 0 &&
            !/^PRAGMA/.test(sql));
      }
      const wanted = statement.bindParameterCount;
      if (positional.length - used < wanted) {
        throw new Error(
          `not enough args to execute query: want ${wanted} got ${positional.length - used}`,
        );
      }
      statement.bind(positional.slice(used, used + wanted) as number[]);
      used += wanted;
      const last = source.text().trim() === "";
      if (last && query) return rowsOf(statement);
      const before = this.#database.lastInsertRowId;
      while (statement.step());
      // A quirk that the store does not have: it would count hidden tables.
      if (/VACUUM/.test(source.text(statement.sqlStart, statement.sqlEnd))) {
        this.#database.lastInsertRowId = before;
      }
      // Outside of a transaction it would stay on until the next write; the store ends it at once.
      if (this.#database.autocommit) this.#database.exec("PRAGMA defer_foreign_keys = OFF");
      if (last) return this.#changes();
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
  }
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
