import type { Database } from "./database.ts";

/** A value as SQLite hands it out: integers are numbers where those are exact, else bigints. */
export type ColumnValue = null | number | bigint | string | Uint8Array<ArrayBuffer>;

/** A parameter: booleans, bigints and numbers without a fraction bind as integers, other numbers as reals. */
export type BindValue = null | undefined | number | bigint | boolean | string | Uint8Array;

/** Parameters by position, or by name with or without the `:`, `@` or `$` before it. */
export type BindParameters = readonly BindValue[] | Readonly<Record<string, BindValue>>;

/** Result of `columnType`. https://www.sqlite.org/c3ref/c_blob.html */
export const ColumnType = { integer: 1, float: 2, text: 3, blob: 4, null: 5 } as const;

/**
 * A prepared statement; made by `Database.prepare` and `prepareNext`.
 *
 * Columns and parameters count as in C: columns from 0, parameters from 1. All calls throw a
 * SqliteError with SQLite's own code and message. A finalized statement refuses every call.
 */
export declare class Statement implements Disposable {
  readonly database: Database;
  /** Where in its SqlSource the statement starts and ends, in bytes of UTF-8. */
  readonly sqlStart: number;
  readonly sqlEnd: number;

  // The level of @db/sqlite
  /** Runs to the end, discarding rows; returns sqlite3_changes. */
  run(...parameters: BindValue[] | [BindParameters]): number;
  /** First row as an object, or undefined. */
  get<Row = Record<string, ColumnValue>>(
    ...parameters: BindValue[] | [BindParameters]
  ): Row | undefined;
  /** First row as an array, or undefined. */
  value<Row = ColumnValue[]>(...parameters: BindValue[] | [BindParameters]): Row | undefined;
  all<Row = Record<string, ColumnValue>>(...parameters: BindValue[] | [BindParameters]): Row[];
  values<Row = ColumnValue[]>(...parameters: BindValue[] | [BindParameters]): Row[];
  iter<Row = Record<string, ColumnValue>>(
    ...parameters: BindValue[] | [BindParameters]
  ): IterableIterator<Row>;
  bind(...parameters: BindValue[] | [BindParameters]): this;
  columnNames(): string[];

  // The level of C
  get bindParameterCount(): number;
  /** With its `:`, `@`, `$` or `?`; null for a nameless one. */
  bindParameterName(index: number): string | null;
  /** 0 when there is none; `name` with its prefix. */
  bindParameterIndex(name: string): number;
  bindValue(index: number, value: BindValue): void;
  bindNull(index: number): void;
  /** A number must be whole and safe. */
  bindInt64(index: number, value: bigint | number): void;
  bindDouble(index: number, value: number): void;
  bindText(index: number, value: string): void;
  /** Text from its bytes in UTF-8. */
  bindTextBytes(index: number, value: Uint8Array): void;
  bindBlob(index: number, value: Uint8Array): void;
  clearBindings(): void;

  /** True: a row is there. False: done. Throws after an error, having reset the statement. */
  step(): boolean;
  reset(): void;
  finalize(): void;
  get finalized(): boolean;

  get columnCount(): number;
  columnName(column: number): string;
  /** Declared type of the table's column that the result column is, or null. */
  columnDeclType(column: number): string | null;
  /** Null for an expression, and where the library has no column metadata; as the next two. */
  columnDatabaseName(column: number): string | null;
  columnTableName(column: number): string | null;
  columnOriginName(column: number): string | null;
  columnType(column: number): number;
  /** Exact. */
  columnInt64(column: number): bigint;
  /** An integer as a number where that is exact, else as a bigint; faster than `columnInt64`. */
  columnInteger(column: number): number | bigint;
  columnDouble(column: number): number;
  /** All of it, also behind a NUL; bytes that are not UTF-8 become U+FFFD. */
  columnText(column: number): string;
  /** The text's bytes, in a buffer that the connection uses again: valid until its next column call. */
  columnTextBytes(column: number): Uint8Array<ArrayBuffer>;
  /** A copy. */
  columnBlob(column: number): Uint8Array<ArrayBuffer>;
  /** As `columnTextBytes`. */
  columnBlobBytes(column: number): Uint8Array<ArrayBuffer>;
  /** The value in the type that it is stored with. */
  columnValue(column: number): ColumnValue;
  /** Writes the bytes of a text or blob into `target` at `offset`, which must have room for `columnBytes`. */
  columnCopy(column: number, target: Uint8Array<ArrayBuffer>, offset: number): number;
  /** Length of a text or blob in bytes. */
  columnBytes(column: number): number;

  /** sqlite3_stmt_readonly: does not write the database file itself. BEGIN and some PRAGMAs count as readonly. */
  get readonly(): boolean;
  /** 0: no EXPLAIN, 1: EXPLAIN, 2: EXPLAIN QUERY PLAN. */
  get isExplain(): number;
  get busy(): boolean;
  get sql(): string;
  get expandedSql(): string;

  [Symbol.dispose](): void;
}
