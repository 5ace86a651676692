import { connectionError } from "./connection_error.ts";
import type { Database } from "./database.ts";
import { ResultCode, SqliteError } from "./error.ts";
import { encodeCString, out, outPointer } from "./memory.ts";

/** https://www.sqlite.org/c3ref/c_fcntl_begin_atomic_write.html */
const fileControls = {
  /** SQLITE_FCNTL_FILE_POINTER. */
  database: 7,
  /** SQLITE_FCNTL_JOURNAL_POINTER; of a connection that has read in WAL mode, the WAL. */
  wal: 28,
} as const;

/** `struct sqlite3_io_methods` on 64-bit machines, in bytes. https://www.sqlite.org/c3ref/io_methods.html */
const methodOffsets = { read: 16, shmMap: 104, shmBarrier: 120 } as const;
/** The first of its versions that has shared memory. */
const shmVersion = 2;

/** SQLITE_IOERR_SHORT_READ: the file ends before; the rest of the buffer is 0. */
const shortRead = 522;

const readSignature = { parameters: ["pointer", "buffer", "i32", "i64"], result: "i32" } as const;
const mapSignature = {
  parameters: ["pointer", "i32", "i32", "i32", "buffer"],
  result: "i32",
} as const;
const barrierSignature = { parameters: ["pointer"], result: "void" } as const;

/**
 * A file that a connection has open, read beside what the connection itself does with it, by the
 * methods of SQLite's own handle.
 *
 * A second handle on the database file would not do: to close it would drop the locks that the whole
 * process has on the file, and another process could then take the WAL away.
 */
export class OpenFile {
  readonly #path: string;
  readonly #file: Deno.PointerObject;
  readonly #read: Deno.UnsafeFnPointer<typeof readSignature>;
  readonly #methods: Deno.UnsafePointerView;

  /** Valid as long as the connection is open, for the WAL as long as it is in a transaction. */
  constructor(database: Database, kind: keyof typeof fileControls) {
    const c = database.library.symbols;
    out[0] = 0n;
    const main = encodeCString("main");
    const code = c.sqlite3_file_control(database.pointer, main, fileControls[kind], out);
    if (code !== ResultCode.ok) throw connectionError(database.library, null, code);
    const file = outPointer(0);
    const methods = file === null ? null : new Deno.UnsafePointerView(file).getPointer();
    this.#path = kind === "wal" ? `${database.path}-wal` : database.path;
    if (file === null || methods === null) throw new Error(`${this.#path} is not open`);
    this.#file = file;
    this.#methods = new Deno.UnsafePointerView(methods);
    this.#read = new Deno.UnsafeFnPointer(this.#method(methodOffsets.read), readSignature);
  }

  #method<Definition>(offset: number): Deno.PointerObject<Definition> {
    const method = this.#methods.getPointer<Definition>(offset);
    if (method === null) throw new Error("SQLite's virtual file system has not all its methods");
    return method;
  }

  /** Fills `into` with what is at `offset`; false when the file ends before, and the rest is 0. */
  read(offset: number, into: Uint8Array<ArrayBuffer>): boolean {
    const code = this.#read.call(this.#file, into, into.length, BigInt(offset));
    if (code === ResultCode.ok) return true;
    if (code === shortRead) return false;
    const why = code === ResultCode.wrongPage ? ": a page is not what was written there" : "";
    throw new SqliteError(code, `${this.#path} cannot be read at ${offset}${why}`);
  }

  /** A region of the index of this database's WAL, which all connections share. */
  sharedMemory(region: number, bytes: number): Deno.UnsafePointerView {
    if (this.#methods.getInt32() < shmVersion) {
      throw new Error("SQLite's virtual file system has no shared memory");
    }
    const map = new Deno.UnsafeFnPointer(this.#method(methodOffsets.shmMap), mapSignature);
    out[0] = 0n;
    const code = map.call(this.#file, region, bytes, 0, out);
    const memory = outPointer(0);
    if (code !== ResultCode.ok || memory === null) {
      throw new SqliteError(code, `The index of ${this.#path}-wal cannot be read`);
    }
    return new Deno.UnsafePointerView(memory);
  }

  /** What is read of shared memory from here on is not older than what was read before. */
  sharedMemoryBarrier(): void {
    const method = this.#method<typeof barrierSignature>(methodOffsets.shmBarrier);
    new Deno.UnsafeFnPointer(method, barrierSignature).call(this.#file);
  }
}
