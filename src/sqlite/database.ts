import { assert } from "../base/assert.ts";
import { connectionError } from "./connection_error.ts";
import { ConnectionCallbacks } from "./callbacks.ts";
import type {
  Authorizer,
  FunctionBody,
  FunctionOptions,
  RawFunctionParts,
  WalHook,
} from "./callbacks.ts";
import { ResultCode, SqliteError } from "./error.ts";
import type { Library } from "./library.ts";
import { loadExtensions, refuseUncertainFunctions } from "./extensions.ts";
import {
  type BindArguments,
  type BindValue,
  type ColumnValue,
  encodeCString,
  isPositional,
  out,
  outPointer,
  toInt64,
  toParameters,
} from "./memory.ts";
import { openFlags, type OpenOptions } from "./open_options.ts";
import { skipEmptyStatements, SqlSource } from "./sql_tokens.ts";
import { Statement } from "./statement.ts";

/** SQLITE_PREPARE_PERSISTENT. */
const preparePersistent = 1;

/** https://www.sqlite.org/c3ref/c_stmtstatus_counter.html */
const statusVmStep = 4;

export interface PrepareOptions {
  /** The statement will be kept for long (SQLITE_PREPARE_PERSISTENT). */
  readonly persistent?: boolean;
}

export interface CheckpointResult {
  /** Another connection was in the way; what could be done was done. */
  readonly busy: boolean;
  /** Frames in the WAL; -1 when not in WAL mode. */
  readonly logFrames: number;
  /** Of them, frames now in the database file. */
  readonly checkpointedFrames: number;
}

const checkpointModes = { passive: 0, full: 1, restart: 2, truncate: 3 } as const;
export type CheckpointMode = keyof typeof checkpointModes;

/**
 * A connection. `close` (or `using`) finalizes what statements are left, closes, and frees the
 * callbacks; after that every call throws. Neither a connection nor a statement may be closed from
 * inside one of its own callbacks.
 */
export class Database implements Disposable {
  readonly path: string;
  readonly library: Library;
  readonly #c: Library["symbols"];
  readonly #owner: {
    database: Database;
    connection: Deno.PointerValue;
    dependents: Set<Disposable>;
  };
  readonly #callbacks: ConnectionCallbacks;

  constructor(path: string, options: OpenOptions) {
    const { library } = options;
    this.path = path;
    this.library = library;
    this.#c = library.symbols;
    const vfs = options.vfs === undefined ? null : encodeCString(options.vfs);
    const code = this.#c.sqlite3_open_v2(encodeCString(path), out, openFlags(options), vfs);
    const connection = outPointer(0);
    if (code !== ResultCode.ok) {
      const error = connectionError(library, connection, code);
      this.#c.sqlite3_close_v2(connection);
      error.message += `: ${path}`;
      throw error;
    }
    this.#c.sqlite3_extended_result_codes(connection, 1);
    this.#owner = { database: this, connection, dependents: new Set() };
    this.#callbacks = new ConnectionCallbacks(library);
    library.connections.add(this);
    if (options.busyTimeoutMs !== undefined) this.setBusyTimeout(options.busyTimeoutMs);
    // There fsync() leaves to the disk when it writes, and SQLite asks for more only when told to.
    if (Deno.build.os === "darwin") this.exec("PRAGMA checkpoint_fullfsync = ON");
    try {
      // Before all that is ours: what an extension puts in its place is not the same everywhere.
      loadExtensions(this, library.extensions.files);
      if (options.refuseUncertain) refuseUncertainFunctions(this);
      if (!options.libraryMathematics) {
        for (const shared of library.mathematics) this.#callbacks.useFunction(connection, shared);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get open(): boolean {
    return this.#owner.connection !== null;
  }

  /** The connection for a C call; throws when it is closed. */
  get pointer(): Deno.PointerValue {
    const { connection } = this.#owner;
    if (connection === null) throw new TypeError(`Database is closed: ${this.path}`);
    return connection;
  }

  /** What `close` disposes of first. */
  get dependents(): Set<Disposable> {
    return this.#owner.dependents;
  }

  /** Prepares the only statement of `sql`; throws when there is none, or another one behind it. */
  prepare(sql: string, options?: PrepareOptions): Statement {
    const source = new SqlSource(sql);
    const statement = this.prepareNext(source, options);
    if (statement === undefined) throw new SqliteError(ResultCode.misuse, "SQL has no statement");
    if (source.offset === source.length) return statement;
    try {
      const next = this.prepareNext(source);
      if (next === undefined) return statement;
      next.finalize();
    } catch (error) {
      statement.finalize();
      throw error;
    }
    statement.finalize();
    throw new SqliteError(
      ResultCode.misuse,
      "SQL has more than one statement: run it with exec or statements",
    );
  }

  /**
   * Prepares the next statement of `source` and moves on behind it; undefined when only blanks,
   * comments and semicolons are left. After an error the source is where it was.
   */
  prepareNext(source: SqlSource, options?: PrepareOptions): Statement | undefined {
    const connection = this.pointer;
    const flags = options?.persistent ? preparePersistent : 0;
    for (let start = source.offset;;) {
      // SQLite would take a call for each semicolon.
      start = skipEmptyStatements(source.bytes, start, source.length);
      if (start >= source.length) {
        source.offset = source.length;
        return undefined;
      }
      const rest = start === 0 ? source.bytes : source.bytes.subarray(start);
      const code = this.#c.sqlite3_prepare_v3(connection, rest, rest.length, flags, out, tailOut);
      const pointer = outPointer(0);
      if (code !== ResultCode.ok) throw this.#error(code);
      const end = Number((out[1] ?? 0n) - source.address);
      assert(
        end > start && end <= source.length,
        "SQLite read no statement, or past the text's end",
      );
      source.offset = end;
      if (pointer !== null) return new Statement(this.#owner, pointer, start, end);
      start = end;
    }
  }

  /** Every statement of `sql`, one after the other, each finalized when the loop moves on. */
  *statements(sql: string): IterableIterator<Statement> {
    const source = new SqlSource(sql);
    for (;;) {
      using statement = this.prepareNext(source);
      if (statement === undefined) return;
      yield statement;
    }
  }

  /**
   * Runs every statement of `sql`. Positional parameters go to the statements in turn, to each as
   * many as it has; named ones to each that has them. Returns the last statement's changes.
   */
  exec(sql: string, ...parameters: BindArguments): number {
    const values = toParameters(parameters);
    let used = 0;
    for (const statement of this.statements(sql)) {
      if (isPositional(values)) {
        const count = statement.bindParameterCount;
        statement.bind(...values.slice(used, used + count));
        used += count;
      } else {
        bindNamed(statement, values);
      }
      while (statement.step());
    }
    if (isPositional(values) && values.length > used) {
      throw new RangeError(`SQL has ${used} parameters, ${values.length} values given`);
    }
    return this.changes;
  }

  /** Runs `body` in an immediate transaction: commits, or rolls back when it throws. */
  transaction<Result>(body: () => Result): Result {
    this.exec("BEGIN IMMEDIATE");
    try {
      const result = body();
      this.exec("COMMIT");
      return result;
    } catch (error) {
      // SQLite has rolled back itself after some errors: a full disk, ON CONFLICT ROLLBACK.
      if (this.inTransaction) this.exec("ROLLBACK");
      throw error;
    }
  }

  /** First column of the first row of `sql`; undefined without rows. */
  scalar(sql: string, ...parameters: BindValue[]): ColumnValue | undefined {
    using statement = this.prepare(sql);
    statement.bind(...parameters);
    return statement.step() ? statement.columnValue(0) : undefined;
  }

  /**
   * Reads the file's header and no more of it, not the schema: a transaction begins to read by it, and
   * only a connection that has read its file has the WAL open.
   */
  readHeader(): void {
    this.scalar("PRAGMA schema_version");
  }

  /** sqlite3_last_insert_rowid: a number where that is exact, else a bigint. */
  get lastInsertRowId(): number | bigint {
    const rowId = this.#c.sqlite3_last_insert_rowid(this.pointer);
    const number = Number(rowId);
    return Number.isSafeInteger(number) ? number : rowId;
  }

  /** sqlite3_set_last_insert_rowid: what last_insert_rowid() gives until the next INSERT. */
  set lastInsertRowId(value: number | bigint) {
    this.#c.sqlite3_set_last_insert_rowid(this.pointer, toInt64(value));
  }

  /** Rows changed by the last INSERT, UPDATE or DELETE. */
  get changes(): number {
    const wide = this.#c.sqlite3_changes64;
    return wide !== null ? Number(wide(this.pointer)) : this.#c.sqlite3_changes(this.pointer);
  }

  /** Rows changed since the connection was opened, by triggers too. */
  get totalChanges(): number {
    const wide = this.#c.sqlite3_total_changes64;
    return wide !== null ? Number(wide(this.pointer)) : this.#c.sqlite3_total_changes(this.pointer);
  }

  /** True outside of BEGIN … COMMIT. */
  get autocommit(): boolean {
    return this.#c.sqlite3_get_autocommit(this.pointer) !== 0;
  }

  get inTransaction(): boolean {
    return !this.autocommit;
  }

  setBusyTimeout(timeoutMs: number): void {
    this.#c.sqlite3_busy_timeout(this.pointer, timeoutMs);
  }

  /** Sets a limit when `value` is given; returns what it was. https://www.sqlite.org/c3ref/c_limit_attached.html */
  limit(id: number, value = -1): number {
    return this.#c.sqlite3_limit(this.pointer, id, value);
  }

  /** Turns an on/off option of sqlite3_db_config on or off, or only asks; returns its state. */
  config(option: number, on?: boolean): boolean {
    const state = new Int32Array(new ArrayBuffer(4));
    const code = this.library.configure(
      this.pointer,
      option,
      on === undefined ? -1 : on ? 1 : 0,
      state,
    );
    if (code !== ResultCode.ok) throw this.#error(code);
    return state[0] === 1;
  }

  /** sqlite3_wal_checkpoint_v2. https://www.sqlite.org/c3ref/wal_checkpoint_v2.html */
  checkpoint(mode: CheckpointMode, schema?: string): CheckpointResult {
    const counters = new Int32Array(new ArrayBuffer(8));
    const code = this.#c.sqlite3_wal_checkpoint_v2(
      this.pointer,
      schemaName(schema),
      checkpointModes[mode],
      counters.subarray(0, 1),
      counters.subarray(1),
    );
    const busy = (code & 0xff) === ResultCode.busy;
    if (code !== ResultCode.ok && !busy) throw this.#error(code);
    return { busy, logFrames: counters[0] ?? -1, checkpointedFrames: counters[1] ?? -1 };
  }

  /** Pages of WAL after which a commit checkpoints by itself; 0 for never. */
  setAutoCheckpoint(pages: number): void {
    this.#c.sqlite3_wal_autocheckpoint(this.pointer, pages);
  }

  /** The current value of one of https://www.sqlite.org/c3ref/c_dbstatus_options.html */
  status(option: number): number {
    const values = new Int32Array(new ArrayBuffer(8));
    const code = this.#c.sqlite3_db_status(
      this.pointer,
      option,
      values.subarray(0, 1),
      values.subarray(1),
      0,
    );
    if (code !== ResultCode.ok) throw this.#error(code);
    return values[0] ?? 0;
  }

  /**
   * Forgets the schema and the planner's statistics, so that the next statement reads both from
   * the file, as a new connection would. Also inside a transaction; an authorizer is asked about
   * PRAGMA writable_schema.
   */
  reloadSchema(): void {
    this.exec("PRAGMA writable_schema = RESET");
  }

  /** Whether the C library has so many bytes to give. */
  hasMemory(bytes: number): boolean {
    const memory = this.#c.sqlite3_malloc64(BigInt(bytes));
    this.#c.sqlite3_free(memory);
    return memory !== null;
  }

  /** Does without the virtual tables of this connection: naming one in SQL is then an error. */
  dropModules(): void {
    const code = this.#c.sqlite3_drop_modules(this.pointer, null);
    if (code !== ResultCode.ok) throw this.#error(code);
  }

  /**
   * Makes every statement, a virtual table's own too, count instructions from 0 again: a progress
   * handler is called by that count, which else goes on from one run of a statement to its next.
   */
  resetInstructionCounts(): void {
    let statement = this.#c.sqlite3_next_stmt(this.pointer, null);
    while (statement !== null) {
      this.#c.sqlite3_stmt_status(statement, statusVmStep, 1);
      statement = this.#c.sqlite3_next_stmt(this.pointer, statement);
    }
  }

  /** Makes `body` an SQL function; an error that it throws fails the SQL statement with its message. */
  createFunction(name: string, body: FunctionBody, options?: FunctionOptions): void {
    this.#callbacks.createFunction(this.pointer, { ...options, name, body });
  }

  /** As `createFunction`, for a body that reads its arguments and sets its result by C calls. */
  createRawFunction(parts: RawFunctionParts): void {
    this.#callbacks.createRawFunction(this.pointer, parts);
  }

  /** Asks `authorizer` about what a statement does when it is prepared, again after a change of the schema. A throw denies. */
  setAuthorizer(authorizer: Authorizer | undefined, actions?: readonly number[]): void {
    this.#callbacks.setAuthorizer(this.pointer, authorizer, actions);
  }

  /** Calls `handler` every `instructions` of the virtual machine; true, or a throw, interrupts. */
  setProgressHandler(instructions: number, handler: (() => boolean) | undefined): void {
    this.#callbacks.setProgressHandler(this.pointer, instructions, handler);
  }

  /** Calls `hook` after each commit in WAL mode with the frames in the WAL; replaces automatic checkpoints. */
  setWalHook(hook: WalHook | undefined): void {
    this.#callbacks.setWalHook(this.pointer, hook);
  }

  /** More than once does nothing. */
  close(): void {
    const { connection, dependents } = this.#owner;
    if (connection === null) return;
    for (const dependent of [...dependents]) dependent[Symbol.dispose]();
    assert(dependents.size === 0, "What a connection's end disposed of still depends on it");
    this.#owner.connection = null;
    this.library.connections.delete(this);
    const code = this.#c.sqlite3_close_v2(connection);
    this.#callbacks.close();
    if (code !== ResultCode.ok) throw connectionError(this.library, null, code);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #error(code: number): SqliteError {
    return connectionError(this.library, this.#owner.connection, code);
  }
}

/** `&out[1]`: made once, as making it costs as much as a call. */
const tailOut = Deno.UnsafePointer.of(out.subarray(1));

/** Binds the parameters that the statement has, by their names with or without prefix. */
function bindNamed(statement: Statement, values: Readonly<Record<string, BindValue>>): void {
  for (let index = 1; index <= statement.bindParameterCount; index++) {
    const name = statement.bindParameterName(index);
    if (name !== null) statement.bindValue(index, values[name] ?? values[name.slice(1)]);
  }
}

function schemaName(schema: string | undefined): Uint8Array<ArrayBuffer> | null {
  return schema === undefined ? null : encodeCString(schema);
}
