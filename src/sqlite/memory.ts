import { fitsInt64 } from "../base/int64.ts";

/** Memory that C and JavaScript exchange texts and numbers through. One set a thread: no call here yields. */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Longest text whose encoding surely fits into `scratch`. */
const shortTextBytes = 0x4000;

/**
 * Always behind an ArrayBuffer of its own, as all buffers that C keeps during a call that may call
 * back: V8 stores small typed arrays in its heap and moves them.
 */
export const scratch: Uint8Array<ArrayBuffer> = new Uint8Array(
  new ArrayBuffer(shortTextBytes * 3 + 1),
);

/** Two places for results that C writes through a pointer. */
export const out: BigUint64Array<ArrayBuffer> = new BigUint64Array(new ArrayBuffer(16));

/** SQLITE_TRANSIENT, as a destructor: SQLite copies the bytes before its call returns. */
export const transient: Deno.PointerValue = Deno.UnsafePointer.create(
  0xffff_ffff_ffff_ffffn,
);

/** Bytes of a text in UTF-8, where `encoded` put them. */
export interface EncodedText {
  buffer: Uint8Array<ArrayBuffer>;
  length: number;
}

const encoded: EncodedText = { buffer: scratch, length: 0 };

/** Encodes for a call that copies: the result is valid until the next call here. The buffer is never empty. */
export function encodeText(text: string): EncodedText {
  const { length } = text;
  if (length <= shortTextBytes) {
    encoded.buffer = scratch;
    encoded.length = encodeShort(text, length);
  } else {
    encoded.buffer = encode(text);
    encoded.length = encoded.buffer.length;
  }
  return encoded;
}

/** Up to here a loop is faster than the call out of JavaScript (measured: level at about 40). */
const loopLength = 32;

function encodeShort(text: string, length: number): number {
  if (length <= loopLength) {
    let at = 0;
    for (; at < length; at++) {
      const unit = text.charCodeAt(at);
      if (unit > 0x7f) break;
      scratch[at] = unit;
    }
    if (at === length) return length;
  }
  return encoder.encodeInto(text, scratch).written;
}

/** Text that ends in a NUL, for calls that take no length; throws a RangeError when it holds a NUL itself. */
export function encodeCString(text: string): Uint8Array<ArrayBuffer> {
  const nulAt = text.indexOf("\0");
  if (nulAt >= 0) throw new RangeError(`Text has a NUL in it, at character ${nulAt + 1}`);
  return encode(text + "\0");
}

/** The types of Deno 2.4 don't say that the buffer is an ordinary one. */
function encode(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text) as Uint8Array<ArrayBuffer>;
}

/** Decodes UTF-8; what is not UTF-8 becomes U+FFFD. */
export function decodeText(bytes: Uint8Array, length: number): string {
  if (length <= loopLength) {
    let text = "";
    let at = 0;
    for (; at < length; at++) {
      const byte = bytes[at] ?? 0;
      if (byte > 0x7f) break;
      text += String.fromCharCode(byte);
    }
    if (at === length) return text;
  }
  return decoder.decode(bytes.subarray(0, length));
}

/** The text up to its NUL at a C pointer; null at a null one. */
export function readCString(pointer: Deno.PointerValue): string | null {
  return pointer === null ? null : Deno.UnsafePointerView.getCString(pointer);
}

/** The pointer that C wrote into `out[place]`. */
export function outPointer(place: 0 | 1): Deno.PointerValue {
  const address = out[place] ?? 0n;
  return address === 0n ? null : Deno.UnsafePointer.create(address);
}

/** A value as SQLite hands it out: integers are numbers where those are exact, else bigints. */
export type ColumnValue = null | number | bigint | string | Uint8Array<ArrayBuffer>;

/** A parameter: booleans, bigints and numbers without a fraction bind as integers, other numbers as reals. */
export type BindValue = null | undefined | number | bigint | boolean | string | Uint8Array;

/** Parameters by position, or by name with or without the `:`, `@` or `$` before it. */
export type BindParameters = readonly BindValue[] | Readonly<Record<string, BindValue>>;

/** As `Database.exec` takes them: one by one, or as one array or object. */
export type BindArguments = BindValue[] | [BindParameters];

/** Result of `columnType`. https://www.sqlite.org/c3ref/c_blob.html */
export const ColumnType = { integer: 1, float: 2, text: 3, blob: 4, null: 5 } as const;

/** `value` as SQLite's integer; throws when it does not fit in 64 bits. */
export function toInt64(value: bigint | number): bigint {
  const integer = BigInt(value);
  if (!fitsInt64(integer)) {
    throw new RangeError(`Integer does not fit in 64 bits: ${value}`);
  }
  return integer;
}

/** Whether a number is bound as an integer: it has no fraction and fits in 64 bits. */
export function isInt64(value: number): boolean {
  return Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63;
}

/** Splits what a call was given into parameters by position or by name. */
export function toParameters(given: BindArguments): BindParameters {
  const [first] = given;
  if (
    given.length === 1 && typeof first === "object" && first !== null &&
    !(first instanceof Uint8Array)
  ) return first;
  return given as BindValue[];
}

/** Whether parameters are given by position; otherwise they are by name. */
export function isPositional(parameters: BindParameters): parameters is readonly BindValue[] {
  return Array.isArray(parameters);
}
