import { encodeCString } from "./memory.ts";

/**
 * SQL text that may hold several statements, in UTF-8, and how far it has been read:
 * `Database.prepareNext` moves on by one statement.
 *
 * SQLite ends SQL at its first NUL; here a NUL in SQL is a RangeError, so that nothing behind one
 * is silently left out.
 */
export class SqlSource {
  /** The text in UTF-8, ended by a NUL. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Byte offset of what has not been read. */
  offset = 0;
  #address: bigint | undefined;

  constructor(sql: string) {
    this.bytes = encodeCString(sql);
  }

  /** Length of the text in bytes. */
  get length(): number {
    return this.bytes.length - 1;
  }

  /** Where the text is in memory. */
  get address(): bigint {
    this.#address ??= Deno.UnsafePointer.value(Deno.UnsafePointer.of(this.bytes));
    return this.#address;
  }

  /** The SQL from byte `start` to byte `end`; without them, what has not been read. */
  text(start: number = this.offset, end: number = this.length): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.bytes.subarray(start, end));
  }
}
