import type { Database } from "../../sqlite/mod.ts";

/**
 * Pieces of a SQLite file to be loaded, in the hidden table sqlite_raft_load: there snapshots and
 * restarts carry them like everything else. Piece follows on piece; the first one of another load
 * drops what there was.
 */
export class LoadTable {
  readonly #end;
  readonly #put;
  readonly #clear;
  #changed = false;

  /** The connection must let its own SQL touch the table. */
  constructor(database: Database) {
    const prepare = (sql: string) => database.prepare(sql, { persistent: true });
    this.#end = prepare(
      "SELECT load_id, offset + length(bytes) FROM sqlite_raft_load ORDER BY offset DESC LIMIT 1",
    );
    this.#put = prepare(
      "INSERT INTO sqlite_raft_load (offset, load_id, bytes) VALUES (?1, ?2, ?3)",
    );
    this.#clear = prepare("DELETE FROM sqlite_raft_load");
  }

  /** Whose pieces are there, and up to where they reach. */
  #state(): { loadId: bigint; size: number } | undefined {
    const statement = this.#end;
    try {
      if (!statement.step()) return undefined;
      return {
        loadId: BigInt.asUintN(64, statement.columnInt64(0)),
        size: Number(statement.columnInteger(1)),
      };
    } finally {
      statement.reset();
    }
  }

  /** Whether pieces may have come or gone since this was asked. */
  takeChanged(): boolean {
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }

  /** Adds a piece; returns why it cannot be added, or undefined. */
  add(loadId: bigint, offset: number, bytes: Uint8Array): string | undefined {
    const state = this.#state();
    if (offset === 0) {
      if (state !== undefined) this.clear();
    } else if (state?.loadId !== loadId) {
      return "Load failed: another load took its place, send the file again";
    } else if (state.size !== offset) {
      return `Load failed: piece at ${offset} came when ${state.size} bytes were there, send the file again`;
    }
    this.#changed = true;
    this.#put.bindInt64(1, offset);
    this.#put.bindInt64(2, BigInt.asIntN(64, loadId));
    this.#put.bindBlob(3, bytes);
    this.#put.step();
    this.#put.reset();
    this.#put.clearBindings();
    return undefined;
  }

  /** Drops the pieces if they are of this load. */
  abort(loadId: bigint): void {
    if (this.#state()?.loadId === loadId) this.clear();
  }

  /** Bytes that are there of this load; undefined when there are none. */
  sizeOf(loadId: bigint): number | undefined {
    const state = this.#state();
    return state?.loadId === loadId ? state.size : undefined;
  }

  clear(): void {
    this.#changed = true;
    this.#clear.step();
    this.#clear.reset();
  }
}

/** The pieces that are committed, by where they begin. */
export class PieceReader implements Disposable {
  readonly #database: Pick<Database, "scalar">;
  readonly #own: <Result>(body: () => Result) => Result;
  readonly #statement;

  /** @param own Runs what the connection's policy is not asked about. */
  constructor(database: Database, own: <Result>(body: () => Result) => Result) {
    this.#database = database;
    this.#own = own;
    this.#statement = own(() =>
      database.prepare("SELECT bytes FROM sqlite_raft_load WHERE offset = ?1")
    );
  }

  /** Whose pieces there are; undefined when there are none. */
  get loadId(): bigint | undefined {
    // As text: its 64 bits are more than a number has.
    const id = this.#own(() =>
      this.#database.scalar("SELECT CAST(load_id AS TEXT) FROM sqlite_raft_load LIMIT 1")
    );
    return id === undefined ? undefined : BigInt.asUintN(64, BigInt(String(id)));
  }

  /**
   * Whether there is something in the piece that begins at `offset`, which `take` gets then: a view
   * that is valid while it runs.
   */
  read(offset: number, take: (bytes: Uint8Array<ArrayBuffer>) => void): boolean {
    const statement = this.#statement;
    return this.#own(() => {
      try {
        statement.bindInt64(1, offset);
        if (!statement.step()) return false;
        const bytes = statement.columnBlobBytes(0);
        if (bytes.length === 0) return false;
        take(bytes);
        return true;
      } finally {
        statement.reset();
      }
    });
  }

  [Symbol.dispose](): void {
    this.#statement.finalize();
  }
}
