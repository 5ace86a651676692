import type { ByteWriter } from "../base/bytes.ts";
import type { Database } from "./database.ts";
import type { Library } from "./library.ts";
import { ColumnType } from "./memory.ts";

/** What happens to a row, in SQLite's numbers (SQLITE_DELETE, SQLITE_INSERT, SQLITE_UPDATE). */
export const RowOperation = { delete: 9, insert: 18, update: 23 } as const;

/**
 * Told of a row before it changes. `oldRowId` and `newRowId` mean nothing in a WITHOUT ROWID table,
 * nor the one that an operation has none of. Row ids are SQLite's own, exact.
 */
export type RowHandler = (
  operation: number,
  schema: string,
  table: string,
  oldRowId: bigint,
  newRowId: bigint,
) => void;

const hookSignature = {
  parameters: ["pointer", "pointer", "i32", "pointer", "pointer", "i64", "i64"],
  result: "void",
} as const;

/** The functions that a library has only if it was built with SQLITE_ENABLE_PREUPDATE_HOOK. */
function functionsOf({ symbols: c, path }: Library) {
  const {
    sqlite3_preupdate_hook: hook,
    sqlite3_preupdate_old: old,
    sqlite3_preupdate_new: next,
    sqlite3_preupdate_blobwrite: blobWrite,
  } = c;
  if (hook === null || old === null || next === null) {
    throw new Error(
      `SQLite library ${path} cannot tell of row changes: it was built without ` +
        "SQLITE_ENABLE_PREUPDATE_HOOK. Use the library that comes with the program, or start " +
        "without what reads the change log",
    );
  }
  return { hook, old, next, blobWrite };
}

/** Throws an error for the user where a library cannot tell of row changes. */
export function requirePreupdateHook(library: Library): void {
  functionsOf(library);
}

/**
 * Calls a handler before each row of a connection changes
 * (https://www.sqlite.org/c3ref/preupdate_blobwrite.html), which may then read the row. A statement
 * that was prepared before there was one can delete all rows of a table unseen, so it comes first.
 * An error in the handler is kept for `rethrow`.
 */
export class PreupdateHook implements Disposable {
  readonly #database: Database;
  readonly #c: Library["symbols"];
  readonly #functions: ReturnType<typeof functionsOf>;
  readonly #connection: Deno.PointerValue;
  readonly #callback: Deno.UnsafeCallback<typeof hookSignature>;
  /** Of its own: the call that the row changes in may use the others. */
  readonly #out = new BigUint64Array(new ArrayBuffer(8));
  #failure: { readonly error: unknown } | undefined;

  constructor(database: Database, handler: RowHandler) {
    this.#database = database;
    this.#c = database.library.symbols;
    this.#functions = functionsOf(database.library);
    this.#connection = database.pointer;
    this.#callback = new Deno.UnsafeCallback(
      hookSignature,
      (_, _connection, operation, schema, table, oldRowId, newRowId) => {
        try {
          handler(operation, textAt(schema), textAt(table), oldRowId, newRowId);
        } catch (error) {
          this.#failure ??= { error };
        }
      },
    );
    this.#functions.hook(this.#connection, this.#callback.pointer, null);
    database.dependents.add(this);
  }

  /** Runs `body`, which changes no rows, as if there were no handler. */
  without<Result>(body: () => Result): Result {
    this.#functions.hook(this.#connection, null, null);
    try {
      return body();
    } finally {
      this.#functions.hook(this.#connection, this.#callback.pointer, null);
    }
  }

  /** Throws what the handler has thrown since. */
  rethrow(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
  }

  /** It changes by sqlite3_blob_write, which tells no new value. */
  get isBlobWrite(): boolean {
    const { blobWrite } = this.#functions;
    return blobWrite !== null && blobWrite(this.#connection) >= 0;
  }

  /**
   * Writes a column's value as it is before the change, or behind it: its type's byte (`ColumnType`),
   * and for an integer its 64 bits, for a real its double, for a text or blob the 32-bit length and
   * the bytes, as `readValue` of changes/value_codec.ts reads it. An integer in a column that stores
   * reals so is written as the real that it stands for.
   */
  writeValue(which: "old" | "new", column: number, isReal: boolean, writer: ByteWriter): void {
    const read = which === "old" ? this.#functions.old : this.#functions.next;
    const code = read(this.#connection, column, this.#out);
    if (code !== 0) {
      throw new Error(`SQLite does not tell a changed row's column ${column}: ${code}`);
    }
    const value = Deno.UnsafePointer.create(this.#out[0] ?? 0n);
    const c = this.#c;
    const type = c.sqlite3_value_type(value);
    switch (type) {
      case ColumnType.integer: {
        const nearest = c.sqlite3_value_double(value);
        if (isReal) {
          writer.uint8(ColumnType.float);
          return writer.float64(nearest);
        }
        writer.uint8(type);
        if (Number.isSafeInteger(nearest)) return writer.safeInteger(nearest);
        return writer.int64(c.sqlite3_value_int64(value));
      }
      case ColumnType.float:
        writer.uint8(type);
        return writer.float64(c.sqlite3_value_double(value));
      case ColumnType.text:
      case ColumnType.blob: {
        writer.uint8(type);
        const bytes = type === ColumnType.text
          ? c.sqlite3_value_text(value)
          : c.sqlite3_value_blob(value);
        return this.#writeBytes(bytes, c.sqlite3_value_bytes(value), writer);
      }
      default:
        return writer.uint8(ColumnType.null);
    }
  }

  #writeBytes(bytes: Deno.PointerValue, length: number, writer: ByteWriter): void {
    writer.uint32(length);
    if (length === 0) return;
    if (bytes === null) throw new Error("No memory for a changed row's value");
    const target = writer.space(length);
    if (this.#c.memcpy !== null) this.#c.memcpy(target, bytes, BigInt(length));
    else Deno.UnsafePointerView.copyInto(bytes, target);
  }

  /** Ends with its connection, if not before. */
  [Symbol.dispose](): void {
    const database = this.#database;
    if (!database.dependents.delete(this)) return;
    this.#functions.hook(this.#connection, null, null);
    this.#callback.close();
  }
}

function textAt(pointer: Deno.PointerValue): string {
  return pointer === null ? "" : Deno.UnsafePointerView.getCString(pointer);
}
