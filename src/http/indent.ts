import { ByteWriter } from "../base/bytes.ts";

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

  /** The next piece, laid out. */
  push(piece: Uint8Array): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter(piece.length * 2 + 64);
    for (const byte of piece) {
      if (this.#inString) {
        out.uint8(byte);
        if (this.#escaped) this.#escaped = false;
        else if (byte === code.backslash) this.#escaped = true;
        else if (byte === code.quote) this.#inString = false;
        continue;
      }
      const closes = byte === code.closeArray || byte === code.closeObject;
      if (this.#opened) {
        this.#opened = false;
        if (closes) {
          out.uint8(byte);
          continue;
        }
        this.#depth++;
        this.#newLine(out);
      } else if (closes) {
        this.#depth--;
        this.#newLine(out);
      }
      out.uint8(byte);
      if (byte === code.quote) this.#inString = true;
      else if (byte === code.comma) this.#newLine(out);
      else if (byte === code.colon) out.uint8(code.space);
      else if (byte === code.openArray || byte === code.openObject) this.#opened = true;
    }
    return out.copy();
  }

  #newLine(out: ByteWriter): void {
    out.uint8(code.newline);
    for (let i = this.#depth * 4; i > 0; i--) out.uint8(code.space);
  }
}

/** Lays a whole JSON text out. */
export function indentText(text: string): Uint8Array<ArrayBuffer> {
  return new Indenter().push(new TextEncoder().encode(text));
}
