import { SqliteError } from "./error.ts";
import type { Library } from "./library.ts";
import { encodeCString } from "./memory.ts";

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
export class ClockVfs {
  readonly name = `raftlite-${crypto.randomUUID()}`;
  readonly #c: Library["symbols"];
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
    for (const callback of this.#callbacks) callback.close();
  }

  #write(target: Deno.PointerValue, value: BigInt64Array<ArrayBuffer> | Float64Array<ArrayBuffer>) {
    if (target === null) return;
    if (this.#c.memcpy_out !== null) return this.#c.memcpy_out(target, value, 8n);
    const bytes = new Uint8Array(value.buffer, value.byteOffset, 8);
    new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(target, 8)).set(bytes);
  }
}
