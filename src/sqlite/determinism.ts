import { Prng } from "../base/prng.ts";
import type { RawFunctionBody } from "./callbacks.ts";
import { Database } from "./database.ts";
import type { Library } from "./library.ts";
import { transient } from "./memory.ts";
import { ClockVfs } from "./clock_vfs.ts";
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
