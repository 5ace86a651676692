import { messageOf } from "../base/message_of.ts";
import { DiskError } from "../io/types.ts";
import { type Database, ResultCode, SqliteError } from "../sqlite/mod.ts";

/** The state machine can go on no longer on this node. */
export class StoreFailedError extends Error {
  override name = "StoreFailedError";
  /** It was said on another thread that the file is damaged. */
  readonly damaged: boolean;

  constructor(message: string, options: ErrorOptions & { readonly damaged?: boolean } = {}) {
    super(message, options);
    this.damaged = options.damaged ?? false;
  }
}

/** A database has tables that no node has put there. */
export class ForeignFileError extends Error {
  override name = "ForeignFileError";

  constructor() {
    super("another program has made it");
  }
}

/** Whether an error tells of a database file that is damaged, whatever the disk does. */
export function isDamaged(error: unknown): boolean {
  if (error instanceof StoreFailedError) return error.damaged || isDamaged(error.cause);
  if (!(error instanceof SqliteError)) return false;
  return error.code === primary.notADatabase || error.extendedCode === ResultCode.wrongPage ||
    isCorruptFile(error);
}

/** What the store fails with when the disk cannot say any more what of the database is durable. */
export function untrusted(path: string, cause: unknown): StoreFailedError {
  return new StoreFailedError(
    `Database ${path} takes no more writes: it could not be synced: ${reasonOf(cause)}; ` +
      "check the disk, then restart the node",
    { cause },
  );
}

/** An error's text, and SQLite's name for it where it is one of SQLite's. */
export function reasonOf(error: unknown): string {
  const code = error instanceof SqliteError ? ` (${error.codeName})` : "";
  return messageOf(error) + code;
}

/** Fails a statement with its message, as an error of SQLite's would. */
export class StatementError extends Error {
  override name = "StatementError";
}

/** Why a statement failed. */
export interface Failure {
  readonly message: string;
  /** SQLite's name for it: "SQLITE_CONSTRAINT_UNIQUE". */
  readonly code: string;
}

/** SQLite's name for an error; of one of ours that for errors at large. */
export function codeOf(error: unknown): string {
  return error instanceof SqliteError ? error.codeName : "SQLITE_ERROR";
}

const primary = {
  error: 1,
  perm: 3,
  busy: 5,
  noMemory: 7,
  readonly: 8,
  interrupt: 9,
  io: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  protocol: 15,
  notADatabase: 26,
} as const;

/** Broken content of a virtual table, or of sqlite_sequence: SQL can bring it about. */
const corruptBySql = new Set([267, 523]);

function isCorruptFile({ code, extendedCode }: SqliteError): boolean {
  return code === primary.corrupt && !corruptBySql.has(extendedCode);
}

/**
 * Whether an error tells of this machine (its disk, its memory, its file) and not of the SQL: such
 * a one must never become the result of an entry, which other nodes apply without it.
 */
export function isLocalFailure(error: SqliteError): boolean {
  switch (error.code) {
    case primary.perm:
    case primary.busy:
    case primary.noMemory:
    case primary.io:
    case primary.cannotOpen:
    case primary.protocol:
    case primary.notADatabase:
      return true;
    case primary.corrupt:
      return isCorruptFile(error);
    case primary.readonly:
      // Plain: a write to something that is read-only to SQL itself.
      return error.extendedCode !== primary.readonly;
    default:
      return false;
  }
}

/** What must be to be had for "out of memory" to be an extension's own word, in bytes. */
const memoryBytesMin = 64 * 1024 * 1024;

/**
 * Whether an error on a connection tells of this machine. Extensions say "out of memory" of
 * arguments that they cannot make sense of, which all nodes say alike: so only a machine that has
 * none is taken at its word there.
 */
export function isOfThisMachine(error: SqliteError, database: Database): boolean {
  const isClaim = error.extendedCode === primary.noMemory &&
    database.library.extensions.files.length > 0 && database.hasMemory(memoryBytesMin);
  return !isClaim && isLocalFailure(error);
}

/** What helps where a page of the database at `path` is another one than was written. */
export function wrongPageWayOut(path: string): string {
  return "Start the node again where others can make up for it. Where there are none, restore a " +
    `backup; or stop the node, remove ${path}-sums and start it: it takes the database as the disk ` +
    "has it, so that rows of that page, or written last, may be wrong or missing, in every copy that " +
    "is made of it too";
}

/** The failure of a store whose database this machine cannot write. */
export function unwritable({ path }: Database, error: SqliteError): StoreFailedError {
  const wayOut = error.extendedCode === ResultCode.wrongPage
    ? wrongPageWayOut(path)
    : "Mend the disk and start the node again";
  return new StoreFailedError(
    `Database ${path} cannot be written: ${error.message} (${error.codeName}). ${wayOut}`,
    { cause: error },
  );
}

/** A full disk, or a table whose largest AUTOINCREMENT key is used up: the caller must find out. */
export function isFull(error: unknown): boolean {
  return error instanceof SqliteError && error.code === primary.full;
}

/**
 * Whether an error tells of a disk without room: nothing is lost, and the same work succeeds when
 * there is some. 4874 (SQLITE_IOERR_SHMSIZE): no room for the WAL's index.
 */
export function isOutOfRoom(error: unknown): boolean {
  const cause = error instanceof StoreFailedError ? error.cause : error;
  if (cause instanceof DiskError) return cause.kind === "full";
  return isFull(cause) || (cause instanceof SqliteError && cause.extendedCode === 4874);
}

/**
 * Whether an error tells of a disk that failed, or of a file that is damaged: what was synced last is
 * the last that can be relied on. 3082: SQLITE_IOERR_NOMEM.
 */
export function isBrokenDisk(error: unknown): boolean {
  if (!(error instanceof SqliteError) || isOutOfRoom(error) || error.extendedCode === 3082) {
    return false;
  }
  return error.code === primary.io || error.code === primary.notADatabase ||
    isCorruptFile(error);
}

/** Whether an error tells of this machine (no memory, no room, a file that is locked), and of no file that is damaged. */
export function isPassing(error: unknown): boolean {
  if (isOutOfRoom(error)) return true;
  return error instanceof SqliteError && isLocalFailure(error) && !isBrokenDisk(error);
}

/** SQLITE_IOERR_FSYNC and SQLITE_IOERR_DIR_FSYNC: a second try can succeed and make nothing durable. */
export function isFailedSync(error: unknown): boolean {
  return error instanceof SqliteError &&
    (error.extendedCode === 1034 || error.extendedCode === 1290);
}

export function isInterrupt(error: unknown): boolean {
  return error instanceof SqliteError && error.code === primary.interrupt;
}

/** Of the statement itself: what there is for it, or what it would do. */
export function isOfSchema(error: unknown): boolean {
  return isReadonly(error) || (error instanceof SqliteError && error.code === primary.error);
}

export function isReadonly(error: unknown): boolean {
  return error instanceof SqliteError && error.code === primary.readonly;
}
