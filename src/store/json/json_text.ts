/**
 * JSON text in UTF-8, byte for byte as Go's encoding/json writes it: `<`, `>`, `&`, U+2028 and
 * U+2029 escaped, bytes that are not UTF-8 as the escape of U+FFFD, reals in the shortest form.
 */

const encoder = new TextEncoder();
const hex = encoder.encode("0123456789abcdef");
const base64Digits = encoder.encode(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
);

/** 1 for bytes that a string may hold as they are. */
const plain = new Uint8Array(256);
for (let byte = 0x20; byte < 0x80; byte++) plain[byte] = 1;
for (const character of `"\\<>&`) plain[character.charCodeAt(0)] = 0;

/** The letter behind the backslash, for the bytes that have a short escape. */
const shortEscapes = new Uint8Array(128);
for (const [character, letter] of [`""`, "\\\\", "\bb", "\ff", "\nn", "\rr", "\tt"]) {
  shortEscapes[(character ?? "").charCodeAt(0)] = (letter ?? "").charCodeAt(0);
}

const quote = 0x22;
const backslash = 0x5c;
const replacement = encoder.encode("\\ufffd");

/** Appends JSON to a buffer that grows. */
export class JsonText {
  /** May be replaced by a longer one at every call here. */
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;
  /** Bytes of texts so far that are no UTF-8, and were written as U+FFFD. */
  replaced = 0;

  constructor(capacity = 4096) {
    this.bytes = new Uint8Array(new ArrayBuffer(capacity));
  }

  /** Makes room for `count` more bytes; where they will start is `length`. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(new ArrayBuffer(Math.max(needed, this.bytes.length * 2)));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Bytes that are JSON already. */
  raw(value: Uint8Array): void {
    this.reserve(value.length);
    this.bytes.set(value, this.length);
    this.length += value.length;
  }

  /** Text of ASCII characters that is JSON already. */
  ascii(text: string): void {
    const { length } = text;
    this.reserve(length);
    for (let i = 0; i < length; i++) this.bytes[this.length + i] = text.charCodeAt(i);
    this.length += length;
  }

  integer(value: number | bigint): void {
    if (typeof value === "number" && value >= 0 && value < 0x8000_0000) this.#small(value);
    else this.ascii(value.toString());
  }

  #small(value: number): void {
    let digits = 1;
    for (let limit = 10; limit <= value; limit *= 10) digits++;
    this.reserve(digits);
    let rest = value;
    for (let at = this.length + digits - 1; at >= this.length; at--) {
      const tens = (rest / 10) | 0;
      this.bytes[at] = 0x30 + (rest - tens * 10);
      rest = tens;
    }
    this.length += digits;
  }

  /** JavaScript and Go agree on the shortest form but for the sign of zero; `value` must be finite. */
  real(value: number): void {
    this.ascii(Object.is(value, -0) ? "-0" : String(value));
  }

  text(value: string): void {
    this.reserve(value.length * 3 + 2);
    const { written } = encoder.encodeInto(value, this.bytes.subarray(this.length + 1));
    this.quoteInPlace(written);
  }

  /** Makes a string of the `count` bytes of text that stand one byte behind `length`, in reserved room. */
  quoteInPlace(count: number): void {
    const { bytes } = this;
    const start = this.length + 1;
    const end = start + count;
    bytes[this.length] = quote;
    let at = start;
    while (at < end && plain[bytes[at] as number] === 1) at++;
    this.length = at;
    if (at < end) this.#escape(bytes.slice(at, end));
    this.byte(quote);
  }

  #escape(rest: Uint8Array): void {
    // Six bytes for one is the most that an escape takes.
    this.reserve(rest.length * 6 + 1);
    const { bytes } = this;
    let out = this.length;
    for (let at = 0; at < rest.length;) {
      const byte = rest[at] as number;
      if (plain[byte] === 1) {
        bytes[out++] = byte;
        at++;
      } else if (byte < 0x80) {
        out = escapeAscii(bytes, out, byte);
        at++;
      } else {
        const size = sequenceLength(rest, at);
        if (size === 0) {
          bytes.set(replacement, out);
          out += replacement.length;
          at++;
          this.replaced++;
        } else if (size === 3 && isLineSeparator(rest, at)) {
          out = escapeUnit(bytes, out, 0x2000 | (0x28 + (rest[at + 2] as number) - 0xa8));
          at += 3;
        } else {
          for (let i = 0; i < size; i++) bytes[out++] = rest[at++] as number;
        }
      }
    }
    this.length = out;
  }

  /** In the standard alphabet; `padded`: with `=` up to a whole number of fours. */
  base64(value: Uint8Array, padded = true): void {
    const { length } = value;
    this.reserve(Math.ceil(length / 3) * 4 + 2);
    const { bytes } = this;
    let out = this.length;
    bytes[out++] = quote;
    for (let at = 0; at < length; at += 3) {
      const left = length - at;
      const bits = ((value[at] as number) << 16) | ((value[at + 1] ?? 0) << 8) |
        (value[at + 2] ?? 0);
      bytes[out++] = digit(bits >> 18);
      bytes[out++] = digit(bits >> 12);
      if (left > 1 || padded) bytes[out++] = left > 1 ? digit(bits >> 6) : 0x3d;
      if (left > 2 || padded) bytes[out++] = left > 2 ? digit(bits) : 0x3d;
    }
    bytes[out++] = quote;
    this.length = out;
  }

  /** The bytes as an array of integers. */
  byteArray(value: Uint8Array): void {
    this.reserve(value.length * 4 + 2);
    this.byte(0x5b);
    for (let i = 0; i < value.length; i++) {
      if (i > 0) this.byte(0x2c);
      this.#small(value[i] as number);
    }
    this.byte(0x5d);
  }

  /** Everything written, as a copy of its own. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length);
  }
}

function digit(bits: number): number {
  return base64Digits[bits & 63] as number;
}

function escapeAscii(bytes: Uint8Array, at: number, byte: number): number {
  const letter = shortEscapes[byte] as number;
  if (letter === 0) return escapeUnit(bytes, at, byte);
  bytes[at] = backslash;
  bytes[at + 1] = letter;
  return at + 2;
}

/** Writes `\uXXXX`. */
function escapeUnit(bytes: Uint8Array, at: number, unit: number): number {
  bytes[at] = backslash;
  bytes[at + 1] = 0x75;
  for (let digit = 0; digit < 4; digit++) {
    bytes[at + 2 + digit] = hex[(unit >> (12 - 4 * digit)) & 15] as number;
  }
  return at + 6;
}

/** U+2028 and U+2029: e2 80 a8 and e2 80 a9. */
function isLineSeparator(bytes: Uint8Array, at: number): boolean {
  const last = bytes[at + 2];
  return bytes[at] === 0xe2 && bytes[at + 1] === 0x80 && (last === 0xa8 || last === 0xa9);
}

/** Length of the UTF-8 sequence at `at` that begins with a byte of 0x80 or more; 0 when it is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  const second = bytes[at + 1] ?? 0;
  if (first < 0xc2 || first > 0xf4) return 0;
  if (first < 0xe0) return isContinuation(second) ? 2 : 0;
  if (!isContinuation(bytes[at + 2] ?? 0)) return 0;
  if (first < 0xf0) {
    const low = first === 0xe0 ? 0xa0 : 0x80;
    const high = first === 0xed ? 0x9f : 0xbf;
    return second >= low && second <= high ? 3 : 0;
  }
  if (!isContinuation(bytes[at + 3] ?? 0)) return 0;
  const low = first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xf4 ? 0x8f : 0xbf;
  return second >= low && second <= high ? 4 : 0;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** A duration in ms as the seconds of an answer: whole nanoseconds, one at least, as rqlite writes them. */
export function wholeNanoseconds(elapsedMs: number): number {
  return Math.max(1, Math.round(elapsedMs * 1e6)) / 1e9;
}
