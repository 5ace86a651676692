import { realText } from "../../base/real_text.ts";
import { ColumnType, type Statement } from "../../sqlite/mod.ts";
import { writeColumnText } from "./column_text.ts";
import { timeFromInteger, timeFromText } from "./column_time.ts";
import { JsonText } from "./json_text.ts";
import { type Column, columnsOf, type ResultColumns } from "./result_columns.ts";
import type { Failure } from "../failures.ts";
import type { AnswerFormat } from "../types.ts";

/** A value has no form in JSON, or a result is too large to be held. */
export class RenderError extends Error {
  override name = "RenderError";
}

const encoder = new TextEncoder();
const trueText = encoder.encode("true");
const falseText = encoder.encode("false");
const nullText = encoder.encode("null");
const columnsStart = encoder.encode('{"columns":[');
const typesStart = encoder.encode('],"types":[');
const valuesStart = encoder.encode('],"values":[');
const lastInsertId = encoder.encode('"last_insert_id":');
const rowsAffected = encoder.encode('"rows_affected":');

/** Characters of an error's text in an answer: SQLite repeats names and tokens as long as they are. */
const errorLengthMax = 1000;

const comma = 0x2c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Writes a result of rows: header, then row after row, then its end. */
export class RowsWriter {
  readonly #out: JsonText;
  readonly #format: AnswerFormat;
  readonly #statement: Statement;
  readonly #result: ResultColumns;
  readonly #columns: readonly Column[];
  #rows = 0;
  #rowStart = 0;
  #inRow = false;

  /** To be made after the first `step`, before which the statement may still be prepared anew. */
  constructor(out: JsonText, statement: Statement, format: AnswerFormat, hasRow: boolean) {
    this.#out = out;
    this.#format = format;
    this.#statement = statement;
    this.#result = columnsOf(statement, format.qualifyColumns, hasRow);
    this.#columns = this.#result.list;
    this.#header();
  }

  /** Written once for as long as the columns stay as they are. */
  #header(): void {
    const out = this.#out;
    const form = this.#format.associative ? "associative" : "plain";
    const known = this.#result.header[form];
    if (known !== undefined) {
      out.raw(known);
      return;
    }
    const start = out.length;
    if (form === "associative") this.#associativeHeader();
    else this.#plainHeader();
    this.#result.header[form] = out.bytes.slice(start, out.length);
  }

  #plainHeader(): void {
    const out = this.#out;
    if (this.#columns.length === 0) {
      out.byte(openBrace);
      return;
    }
    out.raw(columnsStart);
    this.#columns.forEach((column, i) => {
      if (i > 0) out.byte(comma);
      out.text(column.name);
    });
    out.raw(typesStart);
    this.#columns.forEach((column, i) => {
      if (i > 0) out.byte(comma);
      out.text(column.type);
    });
  }

  #associativeHeader(): void {
    const out = this.#out;
    out.byte(openBrace);
    const { order } = this.#result;
    if (order.length > 0) {
      out.ascii('"types":{');
      order.forEach(({ column, key }, i) => {
        if (i > 0) out.byte(comma);
        out.raw(key);
        out.text(this.#columns[column]?.type ?? "");
      });
      out.ascii("},");
    }
    out.ascii('"rows":[');
  }

  /** The row that the statement stands on. */
  row(): void {
    const out = this.#out;
    if (this.#columns.length === 0) return;
    this.#rowStart = out.length;
    this.#inRow = true;
    this.#writeRow();
    this.#inRow = false;
  }

  #writeRow(): void {
    const out = this.#out;
    if (this.#format.associative) {
      if (this.#rows++ > 0) out.byte(comma);
      out.byte(openBrace);
      const { order } = this.#result;
      for (let i = 0; i < order.length; i++) {
        const { column, key } = order[i] as { column: number; key: Uint8Array };
        if (i > 0) out.byte(comma);
        out.raw(key);
        this.#value(column);
      }
      out.byte(closeBrace);
      return;
    }
    if (this.#rows++ === 0) out.raw(valuesStart);
    else out.byte(comma);
    out.byte(openBracket);
    for (let i = 0; i < this.#columns.length; i++) {
      if (i > 0) out.byte(comma);
      this.#value(i);
    }
    out.byte(closeBracket);
  }

  /** Closes the result; `error` says that rows are missing, `seconds` is written when above 0. */
  end(seconds: number, error?: string): void {
    const out = this.#out;
    const bare = !this.#format.associative && this.#columns.length === 0;
    if (!bare) out.byte(closeBracket);
    let separator = bare ? "" : ",";
    if (error !== undefined) {
      out.ascii(`${separator}"error":`);
      out.text(shortened(error));
      separator = ",";
    }
    if (seconds > 0) {
      out.ascii(`${separator}"time":`);
      out.real(seconds);
    }
    out.byte(closeBrace);
  }

  /** Closes a result that an error cut short; a row begun is taken back. */
  endPartial({ message }: Failure): void {
    if (this.#inRow) this.#out.length = this.#rowStart;
    this.end(0, message);
  }

  #value(column: number): void {
    if (this.#format.exact) return this.#exactValue(column);
    const out = this.#out;
    const statement = this.#statement;
    switch (statement.columnType(column)) {
      case ColumnType.integer:
        this.#integer(column, statement.columnInteger(column));
        return;
      case ColumnType.float: {
        const value = statement.columnDouble(column);
        if (!Number.isFinite(value)) {
          throw new RenderError(
            `Column ${
              this.#columns[column]?.name
            } holds ${value}, which JSON has no number for: cast it to text`,
          );
        }
        out.real(value);
        return;
      }
      case ColumnType.text:
        if (this.#columns[column]?.conversion === "time") {
          const text = statement.columnText(column);
          out.text(timeFromText(text) ?? text);
        } else {
          this.#text(column);
        }
        return;
      case ColumnType.blob:
        if (this.#columns[column]?.blobAsText) this.#text(column);
        else if (this.#format.blobArray) out.byteArray(statement.columnBlobBytes(column));
        else out.base64(statement.columnBlobBytes(column));
        return;
      default:
        out.raw(nullText);
    }
  }

  /** As SQLite has it: its type can be told, and no column's declaration changes it. */
  #exactValue(column: number): void {
    const out = this.#out;
    const statement = this.#statement;
    switch (statement.columnType(column)) {
      case ColumnType.integer:
        out.integer(statement.columnInteger(column));
        return;
      case ColumnType.float:
        out.ascii(exactReal(statement.columnDouble(column)));
        return;
      case ColumnType.text:
        this.#text(column);
        return;
      case ColumnType.blob:
        out.byteArray(statement.columnBlobBytes(column));
        return;
      default:
        out.raw(nullText);
    }
  }

  #integer(column: number, value: number | bigint): void {
    const out = this.#out;
    const { conversion = "none" } = this.#columns[column] ?? {};
    if (conversion === "none") {
      out.integer(value);
    } else if (conversion === "boolean") {
      out.raw(value > 0 ? trueText : falseText);
    } else {
      const time = timeFromInteger(value);
      // Microseconds, say: the number as it is loses nothing.
      if (time === undefined) out.integer(value);
      else out.text(time);
    }
  }

  #text(column: number): void {
    writeColumnText(this.#out, this.#statement, column);
  }
}

/** A number that no integer is written as; beyond all numbers what JSON.parse reads as infinite. */
function exactReal(value: number): string {
  if (!Number.isFinite(value)) return value < 0 ? "-1e999" : "1e999";
  return realText(value);
}

/** The result of a statement that changes rows; values of zero are left out. */
export function writeChanges(
  out: JsonText,
  rowId: number | bigint,
  changes: number,
  seconds: number,
  format: AnswerFormat,
): void {
  const start = out.length;
  out.byte(openBrace);
  if (Number(rowId) !== 0) {
    out.raw(lastInsertId);
    out.integer(rowId);
  }
  if (changes !== 0) {
    if (out.length > start + 1) out.byte(comma);
    out.raw(rowsAffected);
    out.integer(changes);
  }
  if (seconds > 0) {
    if (out.length > start + 1) out.byte(comma);
    out.ascii('"time":');
    out.real(seconds);
  }
  if (format.unified && format.associative) {
    out.ascii(out.length > start + 1 ? ',"rows":null' : '"rows":null');
  }
  out.byte(closeBrace);
}

/** The result of a text whose last statement is none: of a read, or of a write. */
export function writeEmpty(
  out: JsonText,
  read: boolean,
  seconds: number,
  format: AnswerFormat,
): void {
  if (!read || !format.associative) return writeChanges(out, 0, 0, seconds, format);
  out.ascii('{"rows":[]');
  if (seconds > 0) {
    out.ascii(',"time":');
    out.real(seconds);
  }
  out.byte(closeBrace);
}

/** The result of a failed statement; of a failed associative query with its empty rows. */
export function writeError(out: JsonText, message: string, emptyRows = false): void {
  out.ascii(emptyRows ? '{"rows":[],"error":' : '{"error":');
  out.text(shortened(message));
  out.byte(closeBrace);
}

/** An error's text, as far as it is shown. */
export function shortened(message: string): string {
  if (message.length <= errorLengthMax) return message;
  const start = message.slice(0, errorLengthMax);
  // Not half of a character.
  return `${/[\ud800-\udbff]$/.test(start) ? start.slice(0, -1) : start}…`;
}
