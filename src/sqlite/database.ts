import type { Library } from "./library.ts";
import type { SqlSource } from "./sql_source.ts";
import type { BindParameters, BindValue, ColumnValue, Statement } from "./statement.ts";

export interface OpenOptions {
  readonly library: Library;
  /** Opens an existing file for reading only. */
  readonly readonly?: boolean;
  /** Creates the file when there is none; default true unless readonly. */
  readonly create?: boolean;
  /** Takes the path as a URI: "file:data.db?immutable=1". */
  readonly uri?: boolean;
  /** Name of the virtual file system; default the platform's own. */
  readonly vfs?: string;
  /** How long a statement waits for another connection's lock; default 0. */
  readonly busyTimeoutMs?: number;
}

export interface PrepareOptions {
  /** The statement will be kept for long (SQLITE_PREPARE_PERSISTENT). */
  readonly persistent?: boolean;
}

export interface FunctionOptions {
  readonly deterministic?: boolean;
  readonly innocuous?: boolean;
  readonly directOnly?: boolean;
  /** Number of arguments; default the JavaScript function's `length`; -1 for any. */
  readonly argumentCount?: number;
}

/** https://www.sqlite.org/c3ref/c_alter_table.html; returns one of {@linkcode AuthorizerResult}. */
export type Authorizer = (
  action: number,
  first: string | null,
  second: string | null,
  schema: string | null,
  triggerOrView: string | null,
) => number;

export const AuthorizerResult = { ok: 0, deny: 1, ignore: 2 } as const;

export interface CheckpointResult {
  /** Another connection was in the way; what could be done was done. */
  readonly busy: boolean;
  /** Frames in the WAL; -1 when not in WAL mode. */
  readonly logFrames: number;
  /** Of them, frames now in the database file. */
  readonly checkpointedFrames: number;
}

export type CheckpointMode = "passive" | "full" | "restart" | "truncate";

/**
 * A connection. `close` (or `using`) finalizes what statements are left, frees the callbacks and
 * closes; after that every call throws.
 */
export declare class Database implements Disposable {
  constructor(path: string, options: OpenOptions);

  readonly path: string;
  readonly library: Library;
  get open(): boolean;
  /** The connection's address, for {@linkcode InterruptCell} only. */
  get handle(): bigint;

  /** Prepares the first statement of `sql`; throws when there is none, or something behind it. */
  prepare(sql: string, options?: PrepareOptions): Statement;
  /** Prepares the next statement of `source` and moves on behind it; undefined when only blanks and comments are left. */
  prepareNext(source: SqlSource, options?: PrepareOptions): Statement | undefined;
  /** Every statement of `sql`, one after the other, finalized when the loop moves on. */
  statements(sql: string): IterableIterator<Statement>;
  /** Runs every statement of `sql`, giving each in turn the positional parameters it needs; returns the last one's changes. */
  exec(sql: string, ...parameters: BindValue[] | [BindParameters]): number;
  /** Runs `body` in a transaction: commits, or rolls back when it throws. */
  transaction<Result>(body: () => Result): Result;
  /** First column of the first row of `sql`; undefined without rows. */
  scalar(sql: string, ...parameters: BindValue[]): ColumnValue | undefined;

  /** sqlite3_last_insert_rowid: a number where that is exact, else a bigint. */
  get lastInsertRowId(): number | bigint;
  /** sqlite3_set_last_insert_rowid: what last_insert_rowid() gives until the next INSERT. */
  set lastInsertRowId(value: number | bigint);
  get changes(): number;
  get totalChanges(): number;
  get autocommit(): boolean;
  get inTransaction(): boolean;
  /** "none", "read" or "write". */
  transactionState(schema?: string): "none" | "read" | "write";
  filename(schema?: string): string;
  isReadonly(schema?: string): boolean;

  /** Stops what runs on this connection; from another thread use {@linkcode InterruptCell}. */
  interrupt(): void;
  setBusyTimeout(timeoutMs: number): void;
  /** Sets a limit when `value` is given and not negative; returns what it was. https://www.sqlite.org/c3ref/c_limit_attached.html */
  limit(id: number, value?: number): number;
  /** Turns an option of sqlite3_db_config on or off, or asks with undefined; returns its state. */
  config(option: number, on?: boolean): boolean;
  checkpoint(mode: CheckpointMode, schema?: string): CheckpointResult;
  /** Value and high-water mark. https://www.sqlite.org/c3ref/c_dbstatus_options.html */
  status(option: number, reset?: boolean): { current: number; highWater: number };
  releaseMemory(): void;

  /** An error thrown by `body` fails the SQL statement with its message. */
  createFunction(
    name: string,
    body: (...parameters: ColumnValue[]) => BindValue,
    options?: FunctionOptions,
  ): void;
  /** A throwing authorizer denies. */
  setAuthorizer(authorizer: Authorizer | undefined): void;
  /** Calls `handler` every `instructions` of the virtual machine; true, or a throw, interrupts. */
  setProgressHandler(instructions: number, handler: (() => boolean) | undefined): void;
  /** Called after each commit in WAL mode with the number of frames in the WAL; replaces automatic checkpoints. */
  setWalHook(hook: ((schema: string, frames: number) => void) | undefined): void;

  close(): void;
  [Symbol.dispose](): void;
}
