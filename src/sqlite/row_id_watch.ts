import { int64Max } from "../base/int64.ts";
import type { Database } from "./database.ts";

const hookSignature = {
  parameters: ["pointer", "i32", "pointer", "pointer", "i64"],
  result: "void",
} as const;

/** Whether a row got the largest id, and what ends the looking. */
interface Hook {
  take(): boolean;
  close(): void;
}

/**
 * Notices when a row gets the largest row id, 9223372036854775807.
 *
 * Once a table holds that row, SQLite draws the ids of new rows at random, from a generator that
 * the whole process shares and that no call can seed for one connection alone
 * (https://www.sqlite.org/autoinc.html). So a replicated statement that puts a row there must be
 * rolled back: then no replica ever has such a table.
 *
 * It is an update hook, which SQLite calls for each row that an INSERT or UPDATE writes: one in C
 * where the library was built with it (`row_id_watch_source.ts`), as a call of JavaScript takes
 * longer than SQLite does to insert a short row.
 */
export class MaxRowIdWatch implements Disposable {
  readonly #database: Database;
  readonly #hook: Hook;

  constructor(database: Database) {
    this.#database = database;
    this.#hook = hookInC(database) ?? hookInJavaScript(database);
    database.dependents.add(this);
  }

  /** Whether a row got the largest id since this was last asked. */
  take(): boolean {
    return this.#hook.take();
  }

  /** Ends with its connection, if not before. */
  [Symbol.dispose](): void {
    if (this.#database.dependents.delete(this)) this.#hook.close();
  }
}

/** Undefined where the library has none, or no memory. */
function hookInC({ library: { symbols }, pointer }: Database): Hook | undefined {
  const { raftlite_watch_row_ids: watch } = symbols;
  // Of SQLite's memory: the connection of a Worker that was terminated outlives JavaScript's.
  const reached = watch === null ? null : symbols.sqlite3_malloc64(4n);
  if (watch === null || reached === null) return undefined;
  let view = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(reached, 4));
  view[0] = 0;
  watch(pointer, reached);
  return {
    take() {
      if (view[0] === 0) return false;
      view[0] = 0;
      return true;
    },
    close() {
      watch(pointer, null);
      view = new Int32Array(1);
      symbols.sqlite3_free(reached);
    },
  };
}

function hookInJavaScript({ library: { symbols }, pointer }: Database): Hook {
  let reached = false;
  const callback = new Deno.UnsafeCallback(hookSignature, (_, _operation, _schema, _table, id) => {
    if (id === int64Max) reached = true;
  });
  symbols.sqlite3_update_hook(pointer, callback.pointer, null);
  return {
    take() {
      const was = reached;
      reached = false;
      return was;
    },
    close() {
      symbols.sqlite3_update_hook(pointer, null, null);
      callback.close();
    },
  };
}
