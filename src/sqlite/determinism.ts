import { Prng } from "../base/prng.ts";
import type { RawFunctionBody } from "./callbacks.ts";
import { Database } from "./database.ts";
import { SqliteError } from "./error.ts";
import type { Library } from "./library.ts";
import { encodeCString, transient } from "./memory.ts";
import type { OpenOptions } from "./open_options.ts";

/** SQLITE_LIMIT_LENGTH. */
const limitLength = 0;

/** An odd constant unlike the one that Prng steps by, so that neighbours' seeds give unlike numbers. */
const statementStep = 0xd134_2543_de82_ef95n;

/**
 * Fixes the clock and the randomness that SQL sees on one connection, so that a log entry has the
 * same effect on every node.
 *
 * The clock is a virtual file system, which a connection is opened with; random() and randomblob()
 * are replaced as SQL functions; before the first `set` both are real. Column defaults, triggers and views see the same.
 *
 * Not covered is the row id that SQLite draws at random once a table holds row 9223372036854775807:
 * a `MaxRowIdWatch` notices when one does.
 */
export class Determinism implements Disposable {
  readonly #library: Library;
  readonly #vfs: ClockVfs;
  #database: Database | undefined;
  #fixed = false;
  #seed = 0n;
  #prng: Prng | undefined;

  constructor(library: Library) {
    this.#library = library;
    this.#vfs = new ClockVfs(library);
  }

  /** Opens a connection whose clock and randomness this governs; one at a time. */
  open(path: string, options: Omit<OpenOptions, "library" | "vfs"> = {}): Database {
    if (this.#database?.open) throw new TypeError("Determinism governs an open connection already");
    const library = this.#library;
    const database = new Database(path, { ...options, library, vfs: this.#vfs.name });
    this.#database = database;
    const c = library.symbols;
    const random: RawFunctionBody = (context) => {
      const bits = BigInt.asIntN(64, this.#random().uint64());
      // As SQLite does: never the one integer that abs() fails for.
      c.sqlite3_result_int64(context, bits < 0n ? -(bits & 0x7fff_ffff_ffff_ffffn) : bits);
    };
    const randomBlob: RawFunctionBody = (context, _, argv) => {
      if (argv === null) return;
      const wanted = c.sqlite3_value_int64(new Deno.UnsafePointerView(argv).getPointer());
      if (wanted > BigInt(database.limit(limitLength))) {
        return c.sqlite3_result_error_toobig(context);
      }
      const bytes = allocate(wanted < 1n ? 1 : Number(wanted));
      // An error of this machine's, which must not become the result of the SQL.
      if (bytes === undefined) return c.sqlite3_result_error_nomem(context);
      this.#random().fill(bytes);
      c.sqlite3_result_blob(
        context,
        bytes,
        bytes.length,
        transient,
      );
    };
    // Innocuous, as the functions replaced are: schemas may use them with trusted_schema off.
    const innocuous = true;
    database.createRawFunction({ name: "random", argumentCount: 0, innocuous, body: random });
    database.createRawFunction({
      name: "randomblob",
      argumentCount: 1,
      innocuous,
      body: randomBlob,
    });
    return database;
  }

  /**
   * From now on every statement sees `clockMs` (milliseconds since 1970 UTC) as the time, and
   * the random numbers that `seed` and `statement`, its number in the entry, determine.
   */
  set(clockMs: number, seed: bigint, statement: number): void {
    this.#vfs.set(clockMs);
    // Most entries have one statement: arithmetic with bigints costs a tenth of a microsecond.
    this.#seed = statement === 0 ? seed : seed + BigInt(statement) * statementStep;
    this.#prng = undefined;
    this.#fixed = true;
  }

  /** Only after the connection is closed. */
  close(): void {
    if (this.#database?.open) {
      throw new TypeError(`Determinism governs ${this.#database.path}: close that first`);
    }
    this.#vfs.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Made when first asked for: most statements want no random numbers. */
  #random(): Prng {
    this.#prng ??= new Prng(this.#fixed ? this.#seed : realSeed());
    return this.#prng;
  }
}

/** Undefined when there is no memory for so many bytes. */
function allocate(length: number): Uint8Array<ArrayBuffer> | undefined {
  try {
    return new Uint8Array(length);
  } catch {
    return undefined;
  }
}

function realSeed(): bigint {
  return crypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n;
}

/**
 * `struct sqlite3_vfs` of version 2 and 3 on 64-bit machines, in bytes.
 * https://www.sqlite.org/c3ref/vfs.html
 */
const vfsBytes = 168;
const versionOffset = 0;
const nameOffset = 24;
const currentTimeOffset = 120;
const currentTimeInt64Offset = 136;

/** Julian day of 1970-01-01 00:00 UTC in milliseconds. */
const unixEpochMs = 210_866_760_000_000;
const msPerDay = 86_400_000;

const timeSignature = { parameters: ["pointer", "pointer"], result: "i32" } as const;

/**
 * The default virtual file system under another name and with a clock that can be set.
 *
 * It is never the process's default, so only a connection opened with its name sees the clock; that
 * connection must be of the thread that made the VFS.
 */
class ClockVfs {
  readonly name = `raftlite-${crypto.randomUUID()}`;
  readonly #c: Library["symbols"];
  readonly #clocks: Library["clocks"];
  /**
   * The struct and the name behind it. Of SQLite's memory, not JavaScript's: every thread walks
   * the list of file systems, also after the Worker of this one was terminated without `close`.
   */
  #struct: Deno.PointerObject | null;
  readonly #callbacks: readonly { close(): void }[];
  readonly #julianMs = new BigInt64Array(new ArrayBuffer(8));
  #fixed = false;

  constructor(library: Library) {
    this.#c = library.symbols;
    this.#clocks = library.clocks;
    const original = this.#c.sqlite3_vfs_find(null);
    if (original === null) throw new Error("SQLite library has no virtual file system");
    const originalView = new Deno.UnsafePointerView(original);
    if (originalView.getInt32(versionOffset) < 2) {
      throw new Error("SQLite library's virtual file system has no 64-bit clock");
    }
    const julianMs = new Deno.UnsafeCallback(timeSignature, (_, result) => {
      if (!this.#fixed) this.#julianMs[0] = BigInt(Date.now() + unixEpochMs);
      this.#write(result, this.#julianMs);
      return 0;
    });
    const julianDay = new Deno.UnsafeCallback(timeSignature, (_, result) => {
      const ms = this.#fixed ? Number(this.#julianMs[0]) : Date.now() + unixEpochMs;
      this.#write(result, Float64Array.of(ms / msPerDay));
      return 0;
    });
    this.#callbacks = [julianMs, julianDay];
    const name = encodeCString(this.name);
    this.#struct = this.#c.sqlite3_malloc64(BigInt(vfsBytes + name.length));
    if (this.#struct === null) throw new Error("SQLite has no memory for a virtual file system");
    const memory = Deno.UnsafePointerView.getArrayBuffer(this.#struct, vfsBytes + name.length);
    originalView.copyInto(new Uint8Array(memory, 0, vfsBytes));
    new Uint8Array(memory).set(name, vfsBytes);
    const view = new DataView(memory);
    const address = Deno.UnsafePointer.value(this.#struct);
    view.setBigUint64(nameOffset, address + BigInt(vfsBytes), true);
    view.setBigUint64(currentTimeOffset, Deno.UnsafePointer.value(julianDay.pointer), true);
    view.setBigUint64(currentTimeInt64Offset, Deno.UnsafePointer.value(julianMs.pointer), true);
    const code = this.#c.sqlite3_vfs_register(this.#struct, 0);
    if (code !== 0) throw new SqliteError(code, "Virtual file system can't be registered");
    this.#clocks.add(this);
  }

  /** Sets the clock, the machine's until then, to milliseconds since 1970 UTC. */
  set(clockMs: number): void {
    this.#fixed = true;
    this.#julianMs[0] = BigInt(clockMs + unixEpochMs);
  }

  /** Only when no connection uses it. */
  close(): void {
    if (this.#struct === null) return;
    this.#c.sqlite3_vfs_unregister(this.#struct);
    this.#c.sqlite3_free(this.#struct);
    this.#struct = null;
    this.#clocks.delete(this);
    for (const callback of this.#callbacks) callback.close();
  }

  #write(target: Deno.PointerValue, value: BigInt64Array<ArrayBuffer> | Float64Array<ArrayBuffer>) {
    if (target === null) return;
    if (this.#c.memcpy_out !== null) return this.#c.memcpy_out(target, value, 8n);
    const bytes = new Uint8Array(value.buffer, value.byteOffset, 8);
    new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(target, 8)).set(bytes);
  }
}
