import { ByteWriter } from "./bytes.ts";

/** Bytes as long as that are not copied. */
export const longBytesMin = 256 * 1024;

interface Long {
  /** How many of the bytes that were copied stand before it. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

/**
 * A writer that takes long bytes as they are, without a copy: what it has written comes in parts.
 * `length` and `view` are of the bytes between them.
 */
export class PartsWriter extends ByteWriter {
  #long: Long[] = [];
  #longBytes = 0;

  /** How many bytes have been written, the long ones included. */
  get size(): number {
    return this.length + this.#longBytes;
  }

  /** Whether it took long bytes. */
  get inParts(): boolean {
    return this.#long.length > 0;
  }

  /** `value` must not change as long as the parts are used. */
  override raw(value: Uint8Array): void {
    if (value.length < longBytesMin) return super.raw(value);
    this.#long.push({ at: this.length, bytes: value });
    this.#longBytes += value.length;
  }

  /** What has been written, in its order: views, valid until the next write. */
  parts(): Uint8Array[] {
    const parts: Uint8Array[] = [];
    const short = this.view();
    let done = 0;
    for (const { at, bytes } of this.#long) {
      if (at > done) parts.push(short.subarray(done, at));
      parts.push(bytes);
      done = at;
    }
    if (done < short.length) parts.push(short.subarray(done));
    return parts;
  }

  override reset(capacity?: number): void {
    super.reset(capacity);
    this.#long = [];
    this.#longBytes = 0;
  }
}
