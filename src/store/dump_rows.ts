import { isUtf8 } from "node:buffer";
import type { ByteWriter } from "../base/bytes.ts";
import { ColumnType, type Database, type Statement } from "../sqlite/mod.ts";
import { identifier } from "./identifier.ts";

const encoder = new TextEncoder();
const comma = 0x2c;
const closeParenthesis = 0x29;
const castStart = encoder.encode("CAST(");
const castEnd = encoder.encode(" AS TEXT)");

/** Columns of its query before the table's own. */
const ownColumns = 2;

/**
 * Writes a table's rows as INSERT statements, with the literals that SQLite's quote() gives. No
 * literal can hold a text with a NUL in it, at which quote() ends, or one that is no UTF-8, which no
 * program takes for SQL: those are casts of blobs.
 */
export class InsertWriter implements Disposable {
  readonly #rows: Statement;
  readonly #quote: Statement;
  readonly #start: Uint8Array;

  constructor(database: Database, table: string, withRowId: boolean) {
    const name = identifier(table);
    using info = database.prepare(`PRAGMA table_info(${name})`);
    const columns = info.values<[number, string]>().map(([, column]) => identifier(column));
    if (withRowId) columns.unshift("rowid");
    const start = `INSERT INTO ${name}${withRowId ? `(${columns.join(",")})` : ""} VALUES(`;
    const literals = columns.map((column) => `'||quote(${column})||'`);
    const hasNul = columns.map((column) =>
      `(typeof(${column}) = 'text' AND instr(${column}, char(0)))`
    );
    this.#start = encoder.encode(start);
    this.#rows = database.prepare(
      `SELECT '${start.replaceAll("'", "''")}${literals.join(",")})', ` +
        `${hasNul.join(" OR ")}, ${columns.join(", ")} FROM ${name}`,
    );
    this.#quote = database.prepare("SELECT quote(?)");
  }

  /** Writes the next row; false when there is none. */
  write(out: ByteWriter): boolean {
    const rows = this.#rows;
    if (!rows.step()) return false;
    const text = rows.columnTextBytes(0);
    if (isUtf8(text) && rows.columnInteger(1) === 0) out.raw(text);
    else this.#writeByColumn(out);
    return true;
  }

  #writeByColumn(out: ByteWriter): void {
    out.raw(this.#start);
    for (let column = ownColumns; column < this.#rows.columnCount; column++) {
      if (column > ownColumns) out.uint8(comma);
      this.#writeValue(out, column);
    }
    out.uint8(closeParenthesis);
  }

  #writeValue(out: ByteWriter, column: number): void {
    const rows = this.#rows;
    const quote = this.#quote;
    if (rows.columnType(column) === ColumnType.text) {
      const text = rows.columnTextBytes(column);
      if (text.includes(0) || !isUtf8(text)) {
        quote.bindBlob(1, text);
        out.raw(castStart);
        this.#writeQuoted(out);
        out.raw(castEnd);
        return;
      }
      quote.bindTextBytes(1, text);
    } else if (rows.columnType(column) === ColumnType.float) {
      quote.bindDouble(1, rows.columnDouble(column));
    } else {
      quote.bindValue(1, rows.columnValue(column));
    }
    this.#writeQuoted(out);
  }

  #writeQuoted(out: ByteWriter): void {
    this.#quote.step();
    out.raw(this.#quote.columnTextBytes(0));
    this.#quote.reset();
  }

  [Symbol.dispose](): void {
    this.#rows.finalize();
    this.#quote.finalize();
  }
}
