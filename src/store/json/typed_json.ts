import { ColumnType, type Database, type Statement } from "../../sqlite/mod.ts";
import type { PreparedStatement } from "../prepared_statement.ts";
import type { Failure } from "../failures.ts";
import { writeColumnText } from "./column_text.ts";
import { JsonText } from "./json_text.ts";
import { RenderError, shortened } from "./result_json.ts";

/**
 * Results as libSQL's remote protocol has them (StmtResult of Hrana 3): each value with its type,
 * integers as texts, and none of the conversions by declared types that rqlite makes. Each row is a
 * line of its own, the only line breaks there are, so that a result can be taken apart without
 * being read:
 *
 *     {"cols":[…],"rows":[
 *     [{"type":"integer","value":"1"},…]
 *     ,[…]
 *     ],"affected_row_count":0,"last_insert_rowid":null}
 *
 * One that failed is `{"error":{"message":…,"code":"SQLITE_…"}}`; one that failed when rows of it
 * were sent already ends with that member in place of the last two.
 */

const encoder = new TextEncoder();
const rowsStart = encoder.encode('],"rows":[');
const integerStart = encoder.encode('{"type":"integer","value":"');
const floatStart = encoder.encode('{"type":"float","value":');
const textStart = encoder.encode('{"type":"text","value":');
const blobStart = encoder.encode('{"type":"blob","base64":');
const nullValue = encoder.encode('{"type":"null"}');
const nullText = encoder.encode("null");

const newline = 0x0a;
const quote = 0x22;
const comma = 0x2c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const closeBrace = 0x7d;

/** Where a statement leaves what it did. */
export type Effects = Pick<Database, "changes" | "lastInsertRowId">;

/** What stands before the rows of a statement that may be run again. */
interface Kept {
  readonly header: Uint8Array;
  readonly repreparations: number;
}

const kept = new WeakMap<Statement, Kept>();

/** Writes a result: header, then row after row, then its end. */
export class TypedRowsWriter {
  readonly #out: JsonText;
  readonly #prepared: PreparedStatement;
  readonly #effects: Effects | undefined;
  readonly #columns: number;
  #rows = 0;
  #rowStart = 0;
  #inRow = false;

  /**
   * To be made after the first `step`, before which the statement may still be prepared anew.
   * `effects`: undefined for one that only reads.
   */
  constructor(out: JsonText, prepared: PreparedStatement, effects: Effects | undefined) {
    this.#out = out;
    this.#prepared = prepared;
    this.#effects = effects;
    const { statement } = prepared;
    this.#columns = statement.columnCount;
    const known = kept.get(statement);
    const { repreparations } = statement;
    if (known?.repreparations === repreparations) {
      out.raw(known.header);
      return;
    }
    const start = out.length;
    out.ascii('{"cols":[');
    writeColumns(out, statement);
    out.raw(rowsStart);
    kept.set(statement, { header: out.bytes.slice(start, out.length), repreparations });
  }

  /** The row that the statement stands on. */
  row(): void {
    const out = this.#out;
    if (this.#columns === 0) return;
    this.#rowStart = out.length;
    this.#inRow = true;
    out.byte(newline);
    if (this.#rows++ > 0) out.byte(comma);
    out.byte(openBracket);
    for (let i = 0; i < this.#columns; i++) {
      if (i > 0) out.byte(comma);
      this.#value(i);
    }
    out.byte(closeBracket);
    this.#inRow = false;
  }

  end(): void {
    const out = this.#out;
    this.#endRows();
    const effects = this.#prepared.kind === "change" ? this.#effects : undefined;
    const changes = effects?.changes ?? 0;
    out.ascii('"affected_row_count":');
    out.integer(changes);
    out.ascii(',"last_insert_rowid":');
    if (effects === undefined || !this.#prepared.notes.inserts) {
      out.raw(nullText);
    } else {
      out.byte(quote);
      // One that inserted nothing left what is none of its client's.
      out.integer(changes === 0 ? 0 : effects.lastInsertRowId);
      out.byte(quote);
    }
    out.byte(closeBrace);
  }

  /** Closes a result that an error cut short; a row begun is taken back. */
  endPartial(failure: Failure): void {
    if (this.#inRow) this.#out.length = this.#rowStart;
    this.#endRows();
    writeErrorMember(this.#out, failure);
    this.#out.byte(closeBrace);
  }

  #endRows(): void {
    const out = this.#out;
    if (this.#rows > 0) out.byte(newline);
    out.byte(closeBracket);
    out.byte(comma);
  }

  #value(column: number): void {
    const out = this.#out;
    const { statement } = this.#prepared;
    switch (statement.columnType(column)) {
      case ColumnType.integer:
        out.raw(integerStart);
        out.integer(statement.columnInteger(column));
        out.byte(quote);
        break;
      case ColumnType.float: {
        const value = statement.columnDouble(column);
        out.raw(floatStart);
        if (Number.isFinite(value)) out.real(value);
        else out.raw(nullText);
        break;
      }
      case ColumnType.text:
        out.raw(textStart);
        this.#text(column);
        break;
      case ColumnType.blob:
        out.raw(blobStart);
        // Go's client takes one with padding for NULL.
        out.base64(statement.columnBlobBytes(column), false);
        break;
      default:
        out.raw(nullValue);
        return;
    }
    out.byte(closeBrace);
  }

  #text(column: number): void {
    const out = this.#out;
    const { statement } = this.#prepared;
    const replacedBefore = out.replaced;
    writeColumnText(out, statement, column);
    if (out.replaced > replacedBefore) {
      throw new RenderError(
        `Column ${statement.columnName(column)} holds text that is not UTF-8: cast it to a blob`,
      );
    }
  }
}

function writeColumns(out: JsonText, statement: Statement): void {
  statement.columnNames().forEach((name, i) => {
    if (i > 0) out.byte(comma);
    out.ascii('{"name":');
    out.text(name);
    out.ascii(',"decltype":');
    const declared = statement.columnDeclType(i);
    if (declared === null) out.raw(nullText);
    else out.text(declared);
    out.byte(closeBrace);
  });
}

/** The result of what has none: neither rows nor changes. */
export function writeNothing(out: JsonText): void {
  out.ascii('{"cols":[],"rows":[],"affected_row_count":0,"last_insert_rowid":null}');
}

/** The result of a failed statement. */
export function writeTypedError(out: JsonText, failure: Failure): void {
  out.ascii("{");
  writeErrorMember(out, failure);
  out.byte(closeBrace);
}

function writeErrorMember(out: JsonText, { message, code }: Failure): void {
  out.ascii('"error":{"message":');
  out.text(shortened(message));
  out.ascii(',"code":');
  out.text(code);
  out.byte(closeBrace);
}

/** What a statement is, in place of its result: DescribeResult of Hrana 3. */
export function writeDescription(
  out: JsonText,
  { statement, readonly }: PreparedStatement,
): void {
  out.ascii('{"params":[');
  for (let i = 1; i <= statement.bindParameterCount; i++) {
    if (i > 1) out.byte(comma);
    out.ascii('{"name":');
    const name = statement.bindParameterName(i);
    if (name === null) out.raw(nullText);
    else out.text(name);
    out.byte(closeBrace);
  }
  out.ascii('],"cols":[');
  writeColumns(out, statement);
  out.ascii(`],"is_explain":${statement.isExplain !== 0},"is_readonly":${readonly}}`);
}
