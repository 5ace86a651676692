import { int64Max } from "../base/int64.ts";
import type { Database } from "./database.ts";

const hookSignature = {
  parameters: ["pointer", "i32", "pointer", "pointer", "i64"],
  result: "void",
} as const;

/**
 * Notices when a row gets the largest row id, 9223372036854775807.
 *
 * Once a table holds that row, SQLite draws the ids of new rows at random, from a generator that
 * the whole process shares and that no call can seed for one connection alone
 * (https://www.sqlite.org/autoinc.html). So a replicated statement that puts a row there must be
 * rolled back: then no replica ever has such a table.
 *
 * It is an update hook, which SQLite calls for each row that an INSERT or UPDATE writes.
 */
export class MaxRowIdWatch implements Disposable {
  readonly #database: Database;
  readonly #callback: Deno.UnsafeCallback<typeof hookSignature>;
  #reached = false;

  constructor(database: Database) {
    this.#database = database;
    this.#callback = new Deno.UnsafeCallback(
      hookSignature,
      (_, _operation, _schema, _table, id) => {
        if (id === int64Max) this.#reached = true;
      },
    );
    database.library.symbols.sqlite3_update_hook(database.pointer, this.#callback.pointer, null);
    database.dependents.add(this);
  }

  /** Whether a row got the largest id since this was last asked. */
  take(): boolean {
    const reached = this.#reached;
    this.#reached = false;
    return reached;
  }

  /** Ends with its connection, if not before. */
  [Symbol.dispose](): void {
    const database = this.#database;
    if (!database.dependents.delete(this)) return;
    database.library.symbols.sqlite3_update_hook(database.pointer, null, null);
    this.#callback.close();
  }
}
