/** Thrown when bytes are not what their format says: cut short, out of range, not UTF-8. */
export class FormatError extends Error {
  override name = "FormatError";
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Up to so many characters the encoder's call costs more than its work (measured: 120 ns against 47 for 40). */
const shortTextMax = 64;

/** All parts in a row, in a buffer of their own. `joinInSlices` does so where they are long. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * Gives the memory of bytes back that nobody looks at any more, nor at others of their buffer. V8
 * would keep some 64 MB of such in each thread before it looks for what is garbage.
 */
export function releaseBytes({ buffer }: Uint8Array<ArrayBuffer>): void {
  buffer.transfer(0);
}

/** Of fewer bytes the memory is not worth the call. */
export const releasedBytesMin = 64 * 1024;

/** Whether both hold the same bytes. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/** Whether bytes begin with these, as a file of some format does. */
export function beginsWith(bytes: Uint8Array, beginning: readonly number[]): boolean {
  return beginning.every((byte, at) => bytes[at] === byte);
}

/** Appends values to a buffer that grows; all integers are little-endian. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** How many bytes have been written. */
  get length(): number {
    return this.#length;
  }

  /** How many bytes the buffer has room for. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Makes room for `count` more bytes and returns where they start. */
  #grow(count: number): number {
    const start = this.#length;
    const needed = start + count;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = needed;
    return start;
  }

  uint8(value: number): void {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
  }

  uint16(value: number): void {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
  }

  uint32(value: number): void {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
  }

  uint64(value: bigint): void {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, value, true);
  }

  int64(value: bigint): void {
    const at = this.#grow(8);
    this.#view.setBigInt64(at, value, true);
  }

  /** A whole number from 0 to 2^53 - 1 in 8 bytes: indexes, terms, sizes, times. */
  integer(value: number): void {
    const at = this.#grow(8);
    this.#view.setUint32(at, value % 0x1_0000_0000, true);
    this.#view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
  }

  /** As `int64`, for a whole number between -(2^53 - 1) and 2^53 - 1, without a bigint. */
  safeInteger(value: number): void {
    const at = this.#grow(8);
    const high = Math.floor(value / 0x1_0000_0000);
    this.#view.setUint32(at, value - high * 0x1_0000_0000, true);
    this.#view.setInt32(at + 4, high, true);
  }

  float64(value: number): void {
    const at = this.#grow(8);
    this.#view.setFloat64(at, value, true);
  }

  /** Bytes as they are, with no length before them. */
  raw(value: Uint8Array): void {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
  }

  /** Room for `count` bytes, which the caller fills before anything else is written. */
  space(count: number): Uint8Array<ArrayBuffer> {
    const at = this.#grow(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** Takes back all but the first `length` bytes. */
  truncate(length: number): void {
    if (length > this.#length) throw new RangeError(`${length} bytes were never written`);
    this.#length = length;
  }

  /** A 32-bit length and the bytes. */
  bytes(value: Uint8Array): void {
    this.uint32(value.length);
    this.raw(value);
  }

  /** A 32-bit length and the text in UTF-8. */
  text(value: string): void {
    const at = this.#grow(4);
    this.rawText(value);
    this.#view.setUint32(at, this.#length - at - 4, true);
  }

  /** The text in UTF-8, with no length before it. */
  rawText(value: string): void {
    const at = this.#grow(value.length * 3);
    this.#length = at + (
      value.length <= shortTextMax && this.#ascii(value, at)
        ? value.length
        : encoder.encodeInto(value, this.#bytes.subarray(at)).written
    );
  }

  /** Writes a text of ASCII alone at `at`; false if it is another. */
  #ascii(value: string, at: number): boolean {
    const bytes = this.#bytes;
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 0x7f) return false;
      bytes[at + i] = unit;
    }
    return true;
  }

  /** Overwrites the 32-bit number at `offset`, which has been written before. */
  setUint32(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }

  /** What has been written, as a view of the buffer: valid until the next write. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What has been written, as a copy of its own. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Starts again with the same buffer, or a new one of `capacity` if it has grown beyond that. */
  reset(capacity = this.#bytes.length): void {
    this.#length = 0;
    if (this.#bytes.length <= capacity) return;
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }
}

/** Reads what a {@linkcode ByteWriter} wrote; throws a {@linkcode FormatError} at anything else. */
export class ByteReader {
  #bytes: Uint8Array;
  #view: DataView;
  #offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#offset = offset;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  #take(count: number): number {
    const at = this.#offset;
    if (count > this.#bytes.length - at) {
      throw new FormatError(`Cut short: ${count} bytes wanted at ${at} of ${this.#bytes.length}`);
    }
    this.#offset = at + count;
    return at;
  }

  uint8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  uint64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.#take(8), true);
  }

  /** A whole number from 0 to 2^53 - 1; a larger one is an error. */
  integer(): number {
    const at = this.#take(8);
    const high = this.#view.getUint32(at + 4, true);
    if (high > 0x1f_ffff) throw new FormatError(`Number out of range at ${at}`);
    return high * 0x1_0000_0000 + this.#view.getUint32(at, true);
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  /** The next `count` bytes, as a view of the buffer. */
  raw(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** The bytes from `offset` up to the next one, as a view of the buffer. */
  since(offset: number): Uint8Array {
    return this.#bytes.subarray(offset, this.offset);
  }

  /** Bytes behind a 32-bit length, as a view of the buffer. */
  bytes(): Uint8Array {
    return this.raw(this.uint32());
  }

  /** Text behind a 32-bit length; bytes that are not UTF-8 are an error. */
  text(): string {
    const bytes = this.bytes();
    try {
      return decoder.decode(bytes);
    } catch {
      throw new FormatError(`Text at ${this.#offset - bytes.length} is not UTF-8`);
    }
  }

  /** Throws unless everything has been read. */
  end(): void {
    if (this.remaining !== 0) throw new FormatError(`${this.remaining} bytes left over`);
  }
}

/** Bytes of one slab; a piece larger than a quarter of it gets memory of its own. */
const slabBytes = 64 * 1024;

let slab = new Uint8Array(slabBytes);
let used = 0;

/**
 * Memory for a small piece of bytes, zeroed, that lives about as long as its neighbours: the
 * runtime takes several times as long to make, and to collect, many small buffers (measured: 10 % of
 * the main thread at 64 inserting clients). The piece shares its buffer with others, which must
 * therefore never be transferred to a Worker.
 */
export function allocateSmall(length: number): Uint8Array<ArrayBuffer> {
  if (length > slabBytes / 4) return new Uint8Array(length);
  if (used + length > slabBytes) {
    slab = new Uint8Array(slabBytes);
    used = 0;
  }
  const piece = slab.subarray(used, used + length);
  used += length;
  return piece;
}

/** A copy in memory of that kind. */
export function copySmall(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const piece = allocateSmall(bytes.length);
  piece.set(bytes);
  return piece;
}

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
