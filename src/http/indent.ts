const code = {
  quote: 0x22,
  backslash: 0x5c,
  comma: 0x2c,
  colon: 0x3a,
  openArray: 0x5b,
  closeArray: 0x5d,
  openObject: 0x7b,
  closeObject: 0x7d,
  newline: 0x0a,
  space: 0x20,
} as const;

/** Room at first for so many bytes more than a piece has. */
const roomBytes = 256;

/**
 * Lays JSON without spaces out over lines, four spaces a level, as Go's json.Indent does; takes it
 * in pieces, cut anywhere.
 */
export class Indenter {
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** An array or object was opened and nothing of it has been seen. */
  #opened = false;
  #out = new Uint8Array(0);
  #length = 0;

  /** The next piece, laid out. */
  push(piece: Uint8Array): Uint8Array<ArrayBuffer> {
    this.#out = new Uint8Array(piece.length + roomBytes);
    this.#length = 0;
    for (let at = 0; at < piece.length;) {
      if (this.#inString) at = this.#string(piece, at);
      else this.#structure(piece[at++] as number);
    }
    return this.#out.subarray(0, this.#length);
  }

  /** Takes what is of a string as it is; returns where the piece goes on. */
  #string(piece: Uint8Array, start: number): number {
    let at = start;
    if (this.#escaped) {
      this.#escaped = false;
      at++;
    }
    for (; at < piece.length; at++) {
      const byte = piece[at];
      if (byte === code.quote) {
        this.#inString = false;
        at++;
        break;
      }
      if (byte !== code.backslash) continue;
      at++;
      if (at === piece.length) {
        this.#escaped = true;
        break;
      }
    }
    const part = piece.subarray(start, at);
    this.#reserve(part.length);
    this.#out.set(part, this.#length);
    this.#length += part.length;
    return at;
  }

  #structure(byte: number): void {
    const closes = byte === code.closeArray || byte === code.closeObject;
    if (this.#opened) {
      this.#opened = false;
      if (closes) return this.#byte(byte);
      this.#depth++;
      this.#newLine();
    } else if (closes) {
      this.#depth--;
      this.#newLine();
    }
    this.#byte(byte);
    if (byte === code.quote) this.#inString = true;
    else if (byte === code.comma) this.#newLine();
    else if (byte === code.colon) this.#byte(code.space);
    else if (byte === code.openArray || byte === code.openObject) this.#opened = true;
  }

  #newLine(): void {
    this.#byte(code.newline);
    const spaces = this.#depth * 4;
    this.#reserve(spaces);
    this.#out.fill(code.space, this.#length, this.#length + spaces);
    this.#length += spaces;
  }

  #byte(value: number): void {
    if (this.#length === this.#out.length) this.#reserve(1);
    this.#out[this.#length++] = value;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#out.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#out.length * 2));
    grown.set(this.#out.subarray(0, this.#length));
    this.#out = grown;
  }
}

/** A whole JSON text, laid out if it is to be. */
export function laidOut(text: string, pretty: boolean): string | Uint8Array<ArrayBuffer> {
  return pretty ? new Indenter().push(new TextEncoder().encode(text)) : text;
}
