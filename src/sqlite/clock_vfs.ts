import { SqliteError } from "./error.ts";
import type { Library } from "./library.ts";
import { encodeCString } from "./memory.ts";

/**
 * `struct sqlite3_vfs` of version 2 and 3 on 64-bit machines, in bytes.
 * https://www.sqlite.org/c3ref/vfs.html
 */
const VFS_SIZE = 168;
const OFFSET_VERSION = 0;
const OFFSET_NAME = 24;
const OFFSET_CURRENT_TIME = 120;
const OFFSET_CURRENT_TIME_INT64 = 136;

/** Julian day of 1970-01-01 00:00 UTC in milliseconds. */
const UNIX_EPOCH_MS = 210_866_760_000_000;
const MS_PER_DAY = 86_400_000;

const timeSignature = { parameters: ["pointer", "pointer"], result: "i32" } as const;

/** Keeps in JavaScript's sight what C has the address of. */
const registered = new Set<ClockVfs>();

/**
 * The default virtual file system under another name and with a clock that can be set.
 *
 * It is never the process's default, so only a connection opened with its name sees the clock; that
 * connection must be of the thread that made the VFS.
 */
export class ClockVfs {
  readonly name = `raftlite-${crypto.randomUUID()}`;
  readonly #c: Library["symbols"];
  readonly #nameBytes = encodeCString(this.name);
  readonly #struct = new Uint8Array(new ArrayBuffer(VFS_SIZE));
  readonly #callbacks: readonly { close(): void }[];
  readonly #julianMs = new BigInt64Array(new ArrayBuffer(8));
  #fixed = false;

  constructor(library: Library) {
    this.#c = library.symbols;
    const original = this.#c.sqlite3_vfs_find(null);
    if (original === null) throw new Error("SQLite library has no virtual file system");
    const originalView = new Deno.UnsafePointerView(original);
    if (originalView.getInt32(OFFSET_VERSION) < 2) {
      throw new Error("SQLite library's virtual file system has no 64-bit clock");
    }
    originalView.copyInto(this.#struct);
    const julianMs = new Deno.UnsafeCallback(timeSignature, (_, result) => {
      if (!this.#fixed) this.#julianMs[0] = BigInt(Date.now() + UNIX_EPOCH_MS);
      this.#write(result, this.#julianMs);
      return 0;
    });
    const julianDay = new Deno.UnsafeCallback(timeSignature, (_, result) => {
      const ms = this.#fixed ? Number(this.#julianMs[0]) : Date.now() + UNIX_EPOCH_MS;
      this.#write(result, Float64Array.of(ms / MS_PER_DAY));
      return 0;
    });
    this.#callbacks = [julianMs, julianDay];
    const view = new DataView(this.#struct.buffer);
    const setPointer = (offset: number, pointer: Deno.PointerValue) =>
      view.setBigUint64(offset, Deno.UnsafePointer.value(pointer), true);
    setPointer(OFFSET_NAME, Deno.UnsafePointer.of(this.#nameBytes));
    setPointer(OFFSET_CURRENT_TIME, julianDay.pointer);
    setPointer(OFFSET_CURRENT_TIME_INT64, julianMs.pointer);
    const code = this.#c.sqlite3_vfs_register(this.#struct, 0);
    if (code !== 0) throw new SqliteError(code, "Virtual file system can't be registered");
    registered.add(this);
  }

  /** Sets the clock to milliseconds since 1970 UTC; undefined for the machine's. */
  set(clockMs: number | undefined): void {
    this.#fixed = clockMs !== undefined;
    if (clockMs !== undefined) this.#julianMs[0] = BigInt(clockMs + UNIX_EPOCH_MS);
  }

  /** Only when no connection uses it. */
  close(): void {
    if (!registered.delete(this)) return;
    this.#c.sqlite3_vfs_unregister(this.#struct);
    for (const callback of this.#callbacks) callback.close();
  }

  #write(target: Deno.PointerValue, value: BigInt64Array<ArrayBuffer> | Float64Array<ArrayBuffer>) {
    if (target === null) return;
    if (this.#c.memcpy_out !== null) return this.#c.memcpy_out(target, value, 8n);
    const bytes = new Uint8Array(value.buffer, value.byteOffset, 8);
    new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(target, 8)).set(bytes);
  }
}
