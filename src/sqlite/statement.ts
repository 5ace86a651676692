import { assert } from "../base/assert.ts";
import { connectionError } from "./connection_error.ts";
import type { Database } from "./database.ts";
import { ResultCode } from "./error.ts";
import type { Library } from "./library.ts";
import {
  type BindValue,
  ColumnType,
  type ColumnValue,
  decodeText,
  encodeCString,
  encodeText,
  isInt64,
  readCString,
  scratch,
  toInt64,
  transient,
} from "./memory.ts";

const statusReprepare = 5;

/** What a statement needs to know of its connection. */
export interface StatementOwner {
  readonly database: Database;
  readonly connection: Deno.PointerValue;
  /** Closed with the connection. */
  readonly dependents: Set<Disposable>;
}

/**
 * A prepared statement; made by `Database.prepare` and `prepareNext`.
 *
 * Columns and parameters count as in C: columns from 0, parameters from 1. All calls throw a
 * SqliteError with SQLite's own code and message. A finalized statement refuses every call.
 */
export class Statement implements Disposable {
  readonly database: Database;
  /** Where in its SqlSource the statement starts and ends, in bytes of UTF-8. */
  readonly sqlStart: number;
  readonly sqlEnd: number;
  readonly #owner: StatementOwner;
  readonly #library: Library;
  readonly #c: Library["symbols"];
  #pointer: Deno.PointerValue;
  #names: string[] | undefined;
  #namesVersion = -1;
  /** Asked for at each run; it never changes. */
  #parameterCount: number | undefined;

  constructor(owner: StatementOwner, pointer: Deno.PointerValue, start: number, end: number) {
    assert(pointer !== null, "A statement was made of none");
    this.database = owner.database;
    this.sqlStart = start;
    this.sqlEnd = end;
    this.#owner = owner;
    this.#library = owner.database.library;
    this.#c = this.#library.symbols;
    this.#pointer = pointer;
    owner.dependents.add(this);
  }

  /** Binds, runs to the end, discarding rows, and resets; returns `Database.changes`. */
  run(...parameters: BindValue[]): number {
    this.#start(parameters);
    try {
      while (this.step());
      return this.database.changes;
    } finally {
      this.reset();
    }
  }

  /** First row as an array, or undefined. */
  value<Row = ColumnValue[]>(...parameters: BindValue[]): Row | undefined {
    this.#start(parameters);
    try {
      return this.step() ? this.#rowArray() as Row : undefined;
    } finally {
      this.reset();
    }
  }

  /** All rows as objects. */
  all<Row = Record<string, ColumnValue>>(...parameters: BindValue[]): Row[] {
    this.#start(parameters);
    const rows: Row[] = [];
    try {
      while (this.step()) rows.push(this.#rowObject() as Row);
      return rows;
    } finally {
      this.reset();
    }
  }

  /** All rows as arrays. */
  values<Row = ColumnValue[]>(...parameters: BindValue[]): Row[] {
    this.#start(parameters);
    const rows: Row[] = [];
    try {
      while (this.step()) rows.push(this.#rowArray() as Row);
      return rows;
    } finally {
      this.reset();
    }
  }

  #start(parameters: BindValue[]): void {
    this.reset();
    if (parameters.length > 0) this.bind(...parameters);
  }

  /** Binds by position; parameters that get no value keep the one they had, at first NULL. */
  bind(...values: BindValue[]): this {
    const count = this.bindParameterCount;
    if (values.length > count) {
      throw new RangeError(`Statement has ${count} parameters, ${values.length} values given`);
    }
    for (let i = 0; i < values.length; i++) this.bindValue(i + 1, values[i]);
    return this;
  }

  get bindParameterCount(): number {
    const pointer = this.#live();
    return this.#parameterCount ??= this.#c.sqlite3_bind_parameter_count(pointer);
  }

  /** With its `:`, `@`, `$` or `?`; null for a nameless one. */
  bindParameterName(index: number): string | null {
    return readCString(this.#c.sqlite3_bind_parameter_name(this.#live(), index));
  }

  /** 0 when there is none; `name` with its prefix. */
  bindParameterIndex(name: string): number {
    return this.#c.sqlite3_bind_parameter_index(this.#live(), encodeCString(name));
  }

  bindValue(index: number, value: BindValue): void {
    switch (typeof value) {
      case "string":
        return this.bindText(index, value);
      case "number":
        return isInt64(value) ? this.bindInt64(index, value) : this.bindDouble(index, value);
      case "bigint":
        return this.bindInt64(index, value);
      case "boolean":
        return this.bindInt64(index, value ? 1 : 0);
      default:
        if (value === null || value === undefined) return this.bindNull(index);
        return this.bindBlob(index, value);
    }
  }

  bindNull(index: number): void {
    this.#check(this.#c.sqlite3_bind_null(this.#live(), index));
  }

  /** A number must have no fraction; what doesn't fit in 64 bits is a RangeError. */
  bindInt64(index: number, value: bigint | number): void {
    // A smi goes without a bigint being made of it; -0, which is none to Deno, as 0.
    const code = typeof value === "number" && (value | 0) === value
      ? this.#c.sqlite3_bind_int(this.#live(), index, value | 0)
      : this.#c.sqlite3_bind_int64(this.#live(), index, toInt64(value));
    if (code !== ResultCode.ok) this.#fail(code);
  }

  /** SQLite stores NaN as NULL. */
  bindDouble(index: number, value: number): void {
    this.#check(this.#c.sqlite3_bind_double(this.#live(), index, value));
  }

  bindText(index: number, value: string): void {
    const { buffer, length } = encodeText(value);
    const code = this.#c.sqlite3_bind_text(this.#live(), index, buffer, length, transient);
    if (code !== ResultCode.ok) this.#fail(code);
  }

  /** Text from its bytes in UTF-8. */
  bindTextBytes(index: number, value: Uint8Array): void {
    const { length } = value;
    const buffer = length === 0 ? scratch : value as Uint8Array<ArrayBuffer>;
    this.#check(
      this.#c.sqlite3_bind_text(this.#live(), index, buffer, length, transient),
    );
  }

  bindBlob(index: number, value: Uint8Array): void {
    const { length } = value;
    // An empty buffer's address is NULL, which would bind NULL.
    const buffer = length === 0 ? scratch : value as Uint8Array<ArrayBuffer>;
    this.#check(
      this.#c.sqlite3_bind_blob(this.#live(), index, buffer, length, transient),
    );
  }

  /** Sets every parameter to NULL. */
  clearBindings(): void {
    this.#c.sqlite3_clear_bindings(this.#live());
  }

  /** True: a row is there. False: done. Throws after an error, having reset the statement. */
  step(): boolean {
    const code = this.#c.sqlite3_step(this.#live());
    if (code === ResultCode.row) return true;
    if (code === ResultCode.done) return false;
    const error = connectionError(this.#library, this.#owner.connection, code);
    this.#c.sqlite3_reset(this.#pointer);
    throw error;
  }

  /** Back to before the first step; bindings stay. The error of the last step is not thrown again. */
  reset(): void {
    this.#c.sqlite3_reset(this.#live());
  }

  /** Frees the statement; more than once does nothing. */
  finalize(): void {
    if (this.#pointer === null) return;
    this.#c.sqlite3_finalize(this.#pointer);
    this.#pointer = null;
    this.#owner.dependents.delete(this);
  }

  get columnCount(): number {
    return this.#c.sqlite3_column_count(this.#live());
  }

  columnName(column: number): string {
    return readCString(this.#c.sqlite3_column_name(this.#live(), column)) ?? "";
  }

  /** How often SQLite has prepared it anew, as it does in `step` after a change of the schema. */
  get repreparations(): number {
    return this.#c.sqlite3_stmt_status(this.#live(), statusReprepare, 0);
  }

  /** The columns' names as they are after a change of the schema, too. */
  columnNames(): string[] {
    const version = this.repreparations;
    if (this.#names === undefined || version !== this.#namesVersion) {
      this.#names = Array.from({ length: this.columnCount }, (_, i) => this.columnName(i));
      this.#namesVersion = version;
    }
    return this.#names;
  }

  /** Declared type of the table's column that the result column is; null for an expression. */
  columnDeclType(column: number): string | null {
    return readCString(this.#c.sqlite3_column_decltype(this.#live(), column));
  }

  /** Null for an expression, and where the library has no column metadata. */
  columnTableName(column: number): string | null {
    return readCString(this.#c.sqlite3_column_table_name?.(this.#live(), column) ?? null);
  }

  /** One of {@linkcode ColumnType}. */
  columnType(column: number): number {
    return this.#c.sqlite3_column_type(this.#live(), column);
  }

  /** Exact. */
  columnInt64(column: number): bigint {
    return this.#c.sqlite3_column_int64(this.#live(), column);
  }

  /** An integer as a number where that is exact, else as a bigint; faster than `columnInt64`. */
  columnInteger(column: number): number | bigint {
    // The nearest double of an integer beyond 2^53 is itself beyond the safe ones.
    const value = this.#c.sqlite3_column_double(this.#live(), column);
    return Number.isSafeInteger(value)
      ? value
      : this.#c.sqlite3_column_int64(this.#pointer, column);
  }

  columnDouble(column: number): number {
    return this.#c.sqlite3_column_double(this.#live(), column);
  }

  /** All of it, also behind a NUL; bytes that are not UTF-8 become U+FFFD. */
  columnText(column: number): string {
    const pointer = this.#c.sqlite3_column_text(this.#live(), column);
    const length = this.#c.sqlite3_column_bytes(this.#pointer, column);
    return decodeText(this.#read(pointer, length), length);
  }

  /** The text's bytes, in a buffer that this thread uses again: valid until its next call of the binding. */
  columnTextBytes(column: number): Uint8Array<ArrayBuffer> {
    const pointer = this.#c.sqlite3_column_text(this.#live(), column);
    const length = this.#c.sqlite3_column_bytes(this.#pointer, column);
    return this.#read(pointer, length).subarray(0, length);
  }

  /** A copy. */
  columnBlob(column: number): Uint8Array<ArrayBuffer> {
    const pointer = this.#c.sqlite3_column_blob(this.#live(), column);
    const bytes = new Uint8Array(this.#c.sqlite3_column_bytes(this.#pointer, column));
    this.#copy(pointer, bytes, bytes.length);
    return bytes;
  }

  /** As `columnTextBytes`. */
  columnBlobBytes(column: number): Uint8Array<ArrayBuffer> {
    const pointer = this.#c.sqlite3_column_blob(this.#live(), column);
    const length = this.#c.sqlite3_column_bytes(this.#pointer, column);
    return this.#read(pointer, length).subarray(0, length);
  }

  /** Writes a text's bytes in UTF-8, or a blob's, into `target` from `offset` on, if they fit; returns their length. */
  columnCopy(column: number, target: Uint8Array<ArrayBuffer>, offset: number): number {
    const text = this.#c.sqlite3_column_type(this.#live(), column) === ColumnType.text;
    const pointer = text
      ? this.#c.sqlite3_column_text(this.#pointer, column)
      : this.#c.sqlite3_column_blob(this.#pointer, column);
    const length = this.#c.sqlite3_column_bytes(this.#pointer, column);
    if (length <= target.length - offset) {
      this.#copy(pointer, offset === 0 ? target : target.subarray(offset), length);
    }
    return length;
  }

  /** The value in the type that it is stored with. */
  columnValue(column: number): ColumnValue {
    switch (this.#c.sqlite3_column_type(this.#live(), column)) {
      case ColumnType.integer:
        return this.columnInteger(column);
      case ColumnType.float:
        return this.columnDouble(column);
      case ColumnType.text:
        return this.columnText(column);
      case ColumnType.blob:
        return this.columnBlob(column);
      default:
        return null;
    }
  }

  #rowArray(): ColumnValue[] {
    const count = this.#c.sqlite3_data_count(this.#pointer);
    return Array.from({ length: count }, (_, i) => this.columnValue(i));
  }

  #rowObject(): Record<string, ColumnValue> {
    const names = this.columnNames();
    const row: Record<string, ColumnValue> = {};
    for (let i = 0; i < names.length; i++) row[names[i] ?? ""] = this.columnValue(i);
    return row;
  }

  /** True when running it can't change the database file. BEGIN and some PRAGMAs count as readonly. */
  get readonly(): boolean {
    return this.#c.sqlite3_stmt_readonly(this.#live()) !== 0;
  }

  /** 0: no EXPLAIN, 1: EXPLAIN, 2: EXPLAIN QUERY PLAN. */
  get isExplain(): number {
    return this.#c.sqlite3_stmt_isexplain(this.#live());
  }

  /** Its SQL with the values that are bound now; "" when that is more than SQLite can take. */
  get expandedSql(): string {
    const text = this.#c.sqlite3_expanded_sql(this.#live());
    const sql = readCString(text) ?? "";
    this.#c.sqlite3_free(text);
    return sql;
  }

  [Symbol.dispose](): void {
    this.finalize();
  }

  #live(): Deno.PointerValue {
    if (this.#pointer === null) throw new TypeError("Statement is finalized: prepare it again");
    return this.#pointer;
  }

  #check(code: number): void {
    if (code !== ResultCode.ok) this.#fail(code);
  }

  #fail(code: number): never {
    throw connectionError(this.#library, this.#owner.connection, code);
  }

  /** The bytes, at the start of the buffer returned. */
  #read(pointer: Deno.PointerValue, length: number): Uint8Array<ArrayBuffer> {
    const target = length <= scratch.length ? scratch : new Uint8Array(length);
    this.#copy(pointer, target, length);
    return target;
  }

  #copy(pointer: Deno.PointerValue, target: Uint8Array<ArrayBuffer>, length: number): void {
    if (pointer === null) {
      if (length > 0) this.#fail(this.#c.sqlite3_errcode(this.#owner.connection));
      return;
    }
    if (this.#c.memcpy !== null) this.#c.memcpy(target, pointer, BigInt(length));
    else Deno.UnsafePointerView.copyInto(pointer, target.subarray(0, length));
  }
}
