import { isUtf8 } from "node:buffer";
import type { ByteWriter } from "../../base/bytes.ts";
import type { Database, Statement } from "../../sqlite/mod.ts";
import {
  type Encoding,
  LiteralWriter,
  plainRealMax,
  plainRealMin,
  realFormat,
} from "./dump_literals.ts";
import { identifier } from "../../sqlite/identifier.ts";

/** What is to be written of a table's rows. */
export interface DumpedRows {
  readonly table: string;
  /** Columns that can be inserted. */
  readonly columns: readonly string[];
  /** The columns' names have to be said. */
  readonly named: boolean;
  /** The name of the row id; undefined when a column has it, or there is none. */
  readonly rowId: string | undefined;
}

const encoder = new TextEncoder();
const comma = 0x2c;
const closeParenthesis = 0x29;

/**
 * Writes a table's rows as INSERT statements, each row's literals as SQLite makes them in one text.
 * A row of which some value needs more than that comes without its text, and is written value by
 * value. A row id is said where inserting the row gave another: by itself it is one more than the
 * last.
 */
export class InsertWriter implements Disposable {
  readonly #database: Database;
  readonly #literals: LiteralWriter;
  readonly #texts: Statement;
  readonly #valuesQuery: string;
  readonly #columnCount: number;
  readonly #plainStart: Uint8Array;
  readonly #rowIdStart: Uint8Array;
  readonly #hasRowId: boolean;
  /** Where the values of a row are read when it has no text; made when first needed. */
  #values: Statement | undefined;
  #valuesAt = 0;
  #row = 0;
  #lastRowId: number | bigint = 0;

  constructor(database: Database, rows: DumpedRows, encoding: Encoding) {
    this.#database = database;
    this.#literals = new LiteralWriter(database, encoding);
    const columns = rows.columns.map(identifier);
    const table = identifier(rows.table);
    const names = columns.join(",");
    const { rowId } = rows;
    this.#plainStart = encoder.encode(
      `INSERT INTO ${table}${rows.named ? `(${names})` : ""} VALUES(`,
    );
    this.#rowIdStart = encoder.encode(`INSERT INTO ${table}(${rowId},${names}) VALUES(`);
    this.#hasRowId = rowId !== undefined;
    this.#columnCount = columns.length;
    // In the order of the table itself, and in the same one by both queries.
    this.#valuesQuery = `SELECT ${names} FROM ${table} NOT INDEXED`;
    const special = balanced(columns.map((column) => specialTest(column, encoding)), "OR");
    const text = balanced(
      columns.map((column, i) => `${i === 0 ? "" : "','||"}${literal(column)}`),
      "||",
    );
    this.#texts = database.prepare(
      `SELECT CASE WHEN ${special} THEN NULL ELSE ${text} END, ${rowId ?? "NULL"} ` +
        `FROM ${table} NOT INDEXED`,
    );
  }

  /** Writes the next row; false when there is none. */
  write(out: ByteWriter): boolean {
    const texts = this.#texts;
    if (!texts.step()) return false;
    this.#row++;
    this.#writeStart(out);
    const text = texts.columnTextBytes(0);
    if (text.length > 0 && isUtf8(text)) out.raw(text);
    else this.#writeValues(out);
    out.uint8(closeParenthesis);
    return true;
  }

  #writeStart(out: ByteWriter): void {
    if (!this.#hasRowId) return out.raw(this.#plainStart);
    const rowId = this.#texts.columnInteger(1);
    const follows = typeof rowId === "number" && typeof this.#lastRowId === "number" &&
      rowId === this.#lastRowId + 1;
    this.#lastRowId = rowId;
    if (follows) return out.raw(this.#plainStart);
    out.raw(this.#rowIdStart);
    out.rawText(`${rowId},`);
  }

  #writeValues(out: ByteWriter): void {
    this.#values ??= this.#database.prepare(this.#valuesQuery);
    for (; this.#valuesAt < this.#row; this.#valuesAt++) {
      if (!this.#values.step()) throw new Error("A table has fewer rows when read again");
    }
    for (let column = 0; column < this.#columnCount; column++) {
      if (column > 0) out.uint8(comma);
      this.#literals.write(out, this.#values, column);
    }
  }

  [Symbol.dispose](): void {
    this.#texts.finalize();
    this.#values?.finalize();
    this.#literals[Symbol.dispose]();
  }
}

function literal(column: string): string {
  return `CASE typeof(${column}) WHEN 'real' THEN printf('${realFormat}', ${column}) ` +
    `ELSE quote(${column}) END`;
}

/**
 * Whether a value needs more than quote(): text with a NUL or a carriage return, or in UTF-16 with
 * what does not come back from UTF-8, such as halves of a pair; a real that is zero, whose sign SQL
 * does not show, infinite or very small.
 */
function specialTest(column: string, encoding: Encoding): string {
  const throughUtf8 = `CAST(substr(${column}, 1) AS BLOB)`;
  const wide = encoding === "UTF-8" ? "" : ` OR CAST(${column} AS BLOB) <> ${throughUtf8}`;
  return `CASE typeof(${column}) ` +
    `WHEN 'text' THEN instr(${column}, char(0)) OR instr(${column}, char(13))${wide} ` +
    `WHEN 'real' THEN abs(${column}) NOT BETWEEN ${plainRealMin} AND ${plainRealMax} ELSE 0 END`;
}

/** Joins expressions so that they nest no deeper than needed: SQLite takes 1,000 levels, and 2,000 columns. */
function balanced(expressions: readonly string[], operator: string): string {
  if (expressions.length <= 1) return `(${expressions.join()})`;
  const middle = expressions.length >> 1;
  const left = balanced(expressions.slice(0, middle), operator);
  return `(${left} ${operator} ${balanced(expressions.slice(middle), operator)})`;
}
