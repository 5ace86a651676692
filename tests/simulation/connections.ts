import type { Library } from "../../src/sqlite/mod.ts";

/** https://www.sqlite.org/c3ref/c_dbconfig_defensive.html */
const noCheckpointOnClose = 1006;

/** A program's connections to its databases: when it dies, they end as the system would end them. */
export class Connections {
  /** Counts them. */
  readonly library: Library;
  readonly #open = new Map<bigint, Deno.PointerObject>();

  constructor(library: Library) {
    const { symbols: c } = library;
    this.library = {
      ...library,
      symbols: {
        ...c,
        sqlite3_open_v2: (path, out, flags, vfs) => {
          const code = c.sqlite3_open_v2(path, out, flags, vfs);
          if (!(out instanceof BigUint64Array)) throw new TypeError("Nowhere to put a connection");
          const connection = Deno.UnsafePointer.create(out[0] ?? 0n);
          if (connection !== null) this.#open.set(out[0] ?? 0n, connection);
          return code;
        },
        sqlite3_close_v2: (connection) => {
          this.#open.delete(Deno.UnsafePointer.value(connection));
          return c.sqlite3_close_v2(connection);
        },
      },
    };
  }

  /** What they have not committed is gone, and the WAL stays as it is. */
  closeAll(): void {
    const { library } = this;
    const { symbols: c } = library;
    for (const connection of [...this.#open.values()]) {
      library.configure(connection, noCheckpointOnClose, 1, new Int32Array(1));
      for (;;) {
        const statement = c.sqlite3_next_stmt(connection, null);
        if (statement === null) break;
        c.sqlite3_finalize(statement);
      }
      c.sqlite3_close_v2(connection);
    }
  }
}
