import type { ByteWriter } from "../../base/bytes.ts";
import { ColumnType, type Database, type Statement } from "../../sqlite/mod.ts";

/** What `PRAGMA encoding` says. */
export type Encoding = "UTF-8" | "UTF-16le" | "UTF-16be";

const encoder = new TextEncoder();
const hexDigits = encoder.encode("0123456789ABCDEF");
/** What SQLite takes for no character when it makes UTF-16 of UTF-8. */
const lostInUtf16 = /[\ufffe\uffff]/;
/** What stands for a carriage return while text is on its way. */
const returnMark = "\\r";

/** Writes values as SQL literals that every SQLite reads as the same type and bits. */
export class LiteralWriter implements Disposable {
  readonly #encoding: Encoding;
  readonly #decoder: TextDecoder;
  readonly #realText: Statement;

  constructor(database: Database, encoding: Encoding) {
    this.#encoding = encoding;
    this.#decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
    this.#realText = database.prepare(`SELECT printf('${realFormat}', ?1)`);
  }

  write(out: ByteWriter, rows: Statement, column: number): void {
    switch (rows.columnType(column)) {
      case ColumnType.integer:
        return out.rawText(String(rows.columnInt64(column)));
      case ColumnType.float:
        return this.#real(out, rows.columnDouble(column));
      case ColumnType.text:
        return this.#text(out, rows, column);
      case ColumnType.blob:
        return writeBlob(out, rows.columnBlobBytes(column));
      default:
        return out.rawText("NULL");
    }
  }

  #real(out: ByteWriter, value: number): void {
    const special = specialReal(value);
    if (special !== undefined) return out.rawText(special);
    this.#realText.bindDouble(1, value);
    this.#realText.step();
    out.raw(this.#realText.columnTextBytes(0));
    this.#realText.reset();
  }

  /** Read as a blob first, since asking for UTF-8 converts the text of a database in UTF-16. */
  #text(out: ByteWriter, rows: Statement, column: number): void {
    const stored = rows.columnBlob(column);
    const text = this.#decode(stored);
    const isUtf8 = this.#encoding === "UTF-8";
    if (text !== undefined && (isUtf8 || !lostInUtf16.test(text)) && writePlainText(out, text)) {
      return;
    }
    if (isUtf8) return writeCast(out, stored);
    const utf8 = text === undefined ? rows.columnTextBytes(column) : encoder.encode(text);
    out.rawText(`CASE CAST('a' AS BLOB) WHEN X'${this.#letterA}' THEN `);
    writeCast(out, stored);
    out.rawText(" ELSE ");
    writeCast(out, utf8);
    out.rawText(" END");
  }

  #decode(stored: Uint8Array<ArrayBuffer>): string | undefined {
    try {
      return this.#decoder.decode(stored);
    } catch (error) {
      if (error instanceof TypeError) return undefined;
      throw error;
    }
  }

  get #letterA(): string {
    return this.#encoding === "UTF-16le" ? "6100" : "0061";
  }

  [Symbol.dispose](): void {
    this.#realText.finalize();
  }
}

/**
 * False for text with a NUL, which ends a program's SQL. A carriage return is not written as it is:
 * the sqlite3 program drops it at the end of a line, and so does much else that reads text.
 */
function writePlainText(out: ByteWriter, text: string): boolean {
  if (text.includes("\0")) return false;
  const quoted = text.replaceAll("'", "''");
  if (!text.includes("\r")) {
    out.rawText(`'${quoted}'`);
    return true;
  }
  if (text.includes(returnMark)) return false;
  out.rawText(`replace('${quoted.replaceAll("\r", returnMark)}','${returnMark}',char(13))`);
  return true;
}

/** Text from its bytes, in the database's own encoding. */
function writeCast(out: ByteWriter, bytes: Uint8Array): void {
  out.rawText("CAST(");
  writeBlob(out, bytes);
  out.rawText(" AS TEXT)");
}

function writeBlob(out: ByteWriter, bytes: Uint8Array): void {
  const literal = new Uint8Array(2 * bytes.length + 3);
  literal.set([0x58, 0x27]);
  let at = 2;
  for (const byte of bytes) {
    literal[at++] = hexDigits[byte >> 4] ?? 0;
    literal[at++] = hexDigits[byte & 0xf] ?? 0;
  }
  literal[at] = 0x27;
  out.raw(literal);
}

/** Sizes between which SQLite of whatever version reads the digits that `realFormat` gives as the same double. */
export const plainRealMin = 1e-270;
export const plainRealMax = Number.MAX_VALUE;

/** Of SQLite's printf(): with the 15 digits of quote(), other versions take one real in a thousand for its neighbour. */
export const realFormat = "%!.20g";

/** So large a power of two that SQL has as an integer. */
const powerMax = 62;

/** What no digits say for every version; undefined for other reals. */
function specialReal(value: number): string | undefined {
  if (Math.abs(value) > plainRealMax) return value < 0 ? "-9.0e+999" : "9.0e+999";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  return Math.abs(value) < plainRealMin ? quotientOf(value) : undefined;
}

/** The fraction that a very small double is, with divisors that are powers of two: nothing is rounded. */
function quotientOf(value: number): string {
  let numerator = value;
  let exponent = 0;
  for (; !Number.isInteger(numerator); exponent++) numerator *= 2;
  let divisors = "";
  for (let left = exponent; left > 0; left -= powerMax) {
    divisors += `/${2n ** BigInt(Math.min(left, powerMax))}`;
  }
  return `(${numerator}*1.0${divisors})`;
}
