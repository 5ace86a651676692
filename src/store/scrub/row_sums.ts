import { checksum } from "../../base/checksum.ts";
import { type Database, type Statement } from "../../sqlite/mod.ts";
import { freeRowIdName, identifier } from "../../sqlite/identifier.ts";

/** The name under which the schema is compared, as if it were a table. */
export const schemaName = "sqlite_schema";

/** A table of a database, or its schema, and how its rows are read. */
export interface ScrubbedTable {
  readonly name: string;
  /** Gives each row as one text, in the order of the table itself. */
  readonly query: string;
}

/** What the store keeps for itself says, of two equal copies, not always the same. */
const isOwn = "LIKE 'sqlite\\_raft%' ESCAPE '\\'";

/** What is to be compared of a database, by name. What virtual tables hold is in others. */
export function scrubbedTables(database: Database): ScrubbedTable[] {
  using statement = database.prepare(
    "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') " +
      `AND name NOT ${isOwn} AND name <> 'sqlite_schema' ORDER BY name`,
  );
  const tables = statement.values<[string, number]>().map(([name, withoutRowId]) => ({
    name,
    query: `SELECT ${rowText(columnsOf(database, name, withoutRowId === 1))} ` +
      `FROM main.${identifier(name)} NOT INDEXED`,
  }));
  // Where a table lies in the file is not the same everywhere.
  const schema = `SELECT ${rowText(["type", "name", "tbl_name", "sql"])} FROM main.sqlite_schema ` +
    `WHERE name NOT ${isOwn} ORDER BY type, name, tbl_name`;
  return [{ name: schemaName, query: schema }, ...tables];
}

/** Of those that are stored; the row id first, where it is none of them. */
function columnsOf(database: Database, table: string, withoutRowId: boolean): string[] {
  using statement = database.prepare(
    "SELECT name, hidden FROM pragma_table_xinfo(?1, 'main')",
  );
  const all = statement.bind(table).values<[string, number]>();
  const columns = all.filter(([, hidden]) => hidden !== 2).map(([name]) => identifier(name));
  const rowId = withoutRowId ? undefined : freeRowIdName(all.map(([name]) => name));
  return rowId === undefined ? columns : [rowId, ...columns];
}

/** An expression for all values of a row, each with its type and its length, in one text. */
function rowText(columns: readonly string[]): string {
  const [column = "''", ...others] = columns;
  if (others.length === 0) return valueText(column);
  // SQLite bounds the depth of an expression.
  const middle = Math.ceil(columns.length / 2);
  return `(${rowText(columns.slice(0, middle))} || ${rowText(columns.slice(middle))})`;
}

/** Text and blobs are as they are, also behind a NUL; reals are written so that they are read as the same. */
function valueText(column: string): string {
  return `CASE typeof(${column}) ` +
    `WHEN 'text' THEN 't' || length(CAST(${column} AS BLOB)) || ':' || ${column} ` +
    `WHEN 'integer' THEN 'i' || ${column} || ';' ` +
    `WHEN 'real' THEN 'r' || quote(${column}) || ';' ` +
    `WHEN 'blob' THEN 'b' || length(${column}) || ':' || CAST(${column} AS TEXT) ` +
    "ELSE 'n' END";
}

/** Of the row that the statement stands at. */
export function rowSum(statement: Statement): number {
  return checksum(statement.columnTextBytes(0));
}

/** 64 bits over a sequence of numbers of 32 bits each: any that differs makes another of it. */
export class SequenceSum {
  #a = 0x811c_9dc5;
  #b = 0x9e37_79b1;

  add(number: number): void {
    this.#a = Math.imul(this.#a ^ number, 0x0100_0193);
    this.#b = Math.imul(((this.#b << 13) | (this.#b >>> 19)) + number, 0x85eb_ca6b);
  }

  /** 16 hexadecimal digits. */
  get text(): string {
    return [this.#a, this.#b].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }
}
