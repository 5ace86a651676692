import type { ChangeLog } from "../changes/types.ts";
import type { Entry } from "../raft/types.ts";
import type { Extensions } from "../sqlite/mod.ts";
import type {
  BackupCopy,
  BackupOptions,
  CheckedBackup,
  PackedBackup,
  PackOptions,
} from "./backup_types.ts";
export {
  type BackupCopy,
  type BackupOptions,
  type CheckedBackup,
  type Compression,
  DamagedBackupError,
  type PackedBackup,
  type PackedSums,
  type PackOptions,
} from "./backup_types.ts";
export { type Command, type IdempotencyKey, KeyedAnswer, type RequestId } from "./command_types.ts";
import type { OutsideReaders } from "./read/outside_readers.ts";
import type { HeldCopy } from "./scrub_types.ts";
export type { CopyDigest, HeldCopy, RowChunk, TableDigest, UnreadTable } from "./scrub_types.ts";
import type { StatementSummary } from "./statements/statement_summary.ts";
import type { UpkeepRecords, UpkeepRuns, UpkeepWork } from "./upkeep_types.ts";
export type {
  UpkeepCommand,
  UpkeepRecord,
  UpkeepRecords,
  UpkeepRuns,
  UpkeepStep,
  UpkeepTask,
  UpkeepWork,
} from "./upkeep_types.ts";
export type { StatementSummary };
export type { SqliteProfile } from "../sqlite/mod.ts";

/** A real number with a whole value (1.0, 1e2): a plain number without a fraction is an integer. */
export class SqlReal {
  constructor(readonly value: number) {}
}

/** A parameter: numbers without a fraction and bigints bind as integers, all other numbers as reals. */
export type SqlValue = null | number | bigint | string | Uint8Array | SqlReal;

export interface Statement {
  /** May hold several statements; the last one's result counts. */
  readonly sql: string;
  readonly positional?: readonly SqlValue[];
  /** Without their `:`, `@` or `$`. */
  readonly named?: ReadonlyMap<string, SqlValue>;
}

/**
 * Statements that are encoded already, as `writeStatements` of codec/statement_codec.ts does: those
 * of a large request, of which no thread but the one that has read them makes objects.
 */
export class EncodedStatements {
  /** @param length How many they are. */
  constructor(readonly bytes: Uint8Array<ArrayBuffer>, readonly length: number) {}
}

export type Statements = readonly Statement[] | EncodedStatements;

/** How results are written; see docs/api.md. */
export interface AnswerFormat {
  readonly associative: boolean;
  readonly timings: boolean;
  readonly blobArray: boolean;
  /** Values as SQLite has them, whatever their columns are declared as. */
  readonly exact: boolean;
  readonly qualifyColumns: boolean;
  /** /db/request: a write in associative form has `"rows":null`. */
  readonly unified: boolean;
  /** As libSQL's protocol has results (json/typed_json.ts); of the others only `unified` counts then. */
  readonly typed?: true;
  /** In that form: statements are described, and not run. */
  readonly describes?: true;
}

/** Of answers that no client of /db reads. */
export const plainFormat: AnswerFormat = {
  associative: false,
  timings: false,
  blobArray: false,
  exact: false,
  qualifyColumns: false,
  unified: false,
};

/** What a transaction would come to now. */
export type Rehearsal =
  | {
    readonly type: "same";
    /** Of the last step. */
    readonly results: Uint8Array<ArrayBuffer>;
    readonly digest: Uint8Array<ArrayBuffer>;
    /** Foreign keys that it has still to make good before it can be committed. */
    readonly deferredForeignKeys: boolean;
    /** Something in it may have written. */
    readonly writes: boolean;
  }
  /** An earlier step has other results than it had. */
  | { readonly type: "conflict" }
  /** A statement of the last step has rolled it back: its results. */
  | { readonly type: "rolled_back"; readonly results: Uint8Array<ArrayBuffer> }
  /** Where nothing is written: the last step wants to. It has no effect. */
  | { readonly type: "writes" };

/** Those of a rehearsal that has some. */
export type RehearsalResults = Pick<Extract<Rehearsal, { type: "same" }>, "results">;

/** A transaction that is run on what is applied here, step by step, and not committed. */
export interface OpenRehearsal {
  /**
   * Runs it up to the last of `steps`; of all others the digests of their results are known. What
   * was applied since is what they are run on. Rejects with a StoreBusyError when the disk has no
   * room for it.
   */
  run(steps: readonly Uint8Array[]): Promise<Rehearsal>;
  /** It is over. */
  letGo(): void;
}

/** What is committed at one moment, held for a transaction that reads. */
export interface HeldRead {
  /** Runs a step, unless it writes. Rejects with a StoreBusyError, or with a HeldReadLostError for good. */
  run(step: Uint8Array, rights: string | undefined): Promise<Rehearsal>;
  letGo(): void;
}

/** The answer to a script that had other results than before, and so was not committed. */
export const scriptConflict = "database is locked: what the transaction has seen was changed";

/** What the leader adds to a command: the only time and randomness that SQL sees while it is applied. */
export interface Stamp {
  /** Milliseconds since 1970 UTC. */
  readonly clock: number;
  readonly seed: bigint;
}

/** The JSON text of an entry's results, separated by commas; bytes when it is long, or came as such. */
export type Results = string | Uint8Array;

/** The answer to a command whose request id was applied before: it has had no effect. */
export const duplicate = Symbol("duplicate");

/** What an entry that was applied answers; undefined when nobody waits for it. */
export type Answer = Results | typeof duplicate | undefined;

export interface ApplyEntry {
  readonly entry: Entry;
  /** Set when somebody waits here for the result. */
  readonly answer: AnswerFormat | undefined;
}

/** Last entry whose effects the state machine holds. */
export interface AppliedPosition {
  readonly index: number;
  readonly term: number;
}

/** What came of an entry, whichever connection applied it. */
export interface AppliedEntry extends AppliedPosition {
  readonly answer: Answer;
}

/**
 * What the node drives. The SQLite store is one; the simulator has a toy one.
 * A rejection of any method means that the machine can go on no longer: the node stops.
 */
export interface StateMachine {
  readonly applied: AppliedPosition;
  /** Why `apply` waits for room on the disk; undefined when it does not. It goes on by itself. */
  readonly full: string | undefined;
  /**
   * Verifies entries and applies them in order. Resolves, once their effects can be read, with one
   * record for each entry, in their order.
   */
  apply(entries: readonly ApplyEntry[]): Promise<AppliedEntry[]>;
  /** Makes what is applied durable without stopping `apply`; resolves with how far that is. */
  checkpoint(): Promise<AppliedPosition>;
  /** Opens a consistent copy of the state for sending, while `apply` goes on. */
  openSnapshot(): Promise<StateSnapshot>;
  /**
   * Receives a copy, verifies it, and swaps it in once `accept` has been told what it holds, and
   * resolved. The old state stays when that rejects, or this does with a SnapshotRejectedError.
   */
  installSnapshot(
    body: AsyncIterable<Uint8Array>,
    accept?: (position: AppliedPosition) => Promise<void>,
    options?: InstallOptions,
  ): Promise<AppliedPosition>;
  close(): Promise<void>;
}

export interface InstallOptions {
  /** What is there is damaged: it is kept aside, as it is. */
  readonly setAside: boolean;
}

/** A received copy that is not sound; nothing was changed. */
export class SnapshotRejectedError extends Error {
  override name = "SnapshotRejectedError";
}

export interface StateSnapshot {
  readonly position: AppliedPosition;
  readonly sizeBytes: number;
  /** The bytes with whatever the format needs to be verified. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Lets go of the copy. */
  close(): Promise<void>;
}

export interface ReadRequest {
  /** Bytes of encoded ones are handed over: nobody else can use them any more. */
  readonly statements: Statements;
  readonly transaction: boolean;
  readonly format: AnswerFormat;
  /** 0 for no limit. */
  readonly timeoutMs: number;
  /** Of the user who reads, by table, as `rightsOf` has it; undefined for all. */
  readonly rights?: string | undefined;
}

/** A SELECT that is run again whenever what it reads has changed. */
export interface LiveReadRequest {
  readonly statement: Statement;
  /** Plain or associative. */
  readonly format: AnswerFormat;
  readonly timeoutMs: number;
  readonly rights?: string | undefined;
}

/** What a SELECT came to, and of what. */
export interface LiveRead {
  /** Of the last entry whose effects it has seen; none later. */
  readonly index: number;
  /** Without what it waited for a reader. */
  readonly tookMs: number;
  /** What it goes through, folded; undefined when any entry may have changed that. */
  readonly tables: ReadonlySet<string> | undefined;
  readonly columns: readonly string[];
  readonly types: readonly string[];
  /** Each in JSON, as the format has it. */
  readonly rows: readonly string[];
}

/** Why a SELECT cannot be kept up to date: it is none, fails, or comes to too much. */
export class LiveReadError extends Error {
  override name = "LiveReadError";
}

/** How the store is now. Sizes are in bytes. */
export interface StoreStatus {
  readonly sqliteVersion: string;
  readonly compileOptions: readonly string[];
  readonly libraryPath: string;
  readonly extensions: Extensions;
  /** How the library was found. */
  readonly libraryOrigin: string;
  readonly databasePath: string;
  /** This and the next three are 0 as long as the writer has not said them yet. */
  readonly databaseBytes: number;
  readonly pageBytes: number;
  readonly pages: number;
  readonly freePages: number;
  readonly walBytes: number;
  /** Since the start. */
  readonly walCheckpoints: number;
  /** Reads of a page of the file that is another one than was written there, since the start. */
  readonly wrongPageReads: number;
  readonly applied: AppliedPosition;
  /** Whether foreign keys are enforced. */
  readonly foreignKeys: boolean;
  /** What connections are set to, by SQLite's names and in its numbers. */
  readonly pragmas: {
    readonly reader: Readonly<Record<string, string>>;
    readonly writer: Readonly<Record<string, string>>;
  };
  readonly statementsCached: number;
  /** Nodes' runs whose writes are remembered, so that none is applied twice. */
  readonly sessions: number;
  /** The file gives free pages back without a VACUUM, when asked. */
  readonly incrementalVacuum: boolean;
  readonly upkeep: UpkeepRecords;
  readonly upkeepRuns: Readonly<Record<UpkeepWork, UpkeepRuns>>;
  /** Requests to the writer that it has not answered. */
  readonly writerRequests: number;
  /** Batches applied since the start, by the thread that applied them. */
  readonly batchesApplied: { readonly mainThread: number; readonly writer: number };
  /** Whether short reads and writes run on the main thread, and how often it was given up. */
  readonly mainThread: { readonly on: boolean; readonly timesOff: number };
  readonly readPool: ReadPoolStatus;
}

export interface ReadPoolStatus {
  readonly readers: number;
  readonly busy: number;
  /** Answers on their way as streams. */
  readonly streaming: number;
  readonly queued: number;
}

/** The store as http and cli see it, beside what the node drives. */
export interface Store extends StateMachine {
  /** Gives back what is kept for the next reads and writes, which find their pages on the disk again. */
  shrink(): void;
  /**
   * Runs reads on a read-only connection. The answer is the JSON text of the results, separated by
   * commas (what stands between `"results":[` and `]`): whole when small, else a stream; without a
   * promise when it could be had at once.
   * An aborted signal interrupts the statement; it is asked for only when the read may take long.
   */
  read(
    request: ReadRequest,
    signal?: () => AbortSignal,
  ): Uint8Array | Promise<Uint8Array | ReadableStream<Uint8Array>>;
  /** Runs a SELECT at one state of the database, and says which. Rejects with a LiveReadError. */
  liveRead(request: LiveReadRequest, signal?: AbortSignal): Promise<LiveRead>;
  /**
   * Resolves once an entry with this index, or a later one, was applied; at once if one was, and when
   * `signal` is aborted. Rejects when the store ends.
   */
  waitApplied(index: number, signal?: AbortSignal): Promise<void>;
  /**
   * For each statement, whether all of its SQL is read-only by sqlite3_stmt_readonly; an error's text
   * when it cannot be prepared. What `rights`, as of a read, do not allow is not read-only.
   */
  inspect(statements: Statements, rights?: string): Promise<(boolean | string)[]>;
  /** A transaction of whom may do what `rights` allow, as of a read, to be run on what is applied here. */
  rehearsal(rights: string | undefined): OpenRehearsal;
  /** Holds what is committed now, for reads; rejects with a StoreBusyError when too much is held. */
  hold(): Promise<HeldRead>;
  /** Whom to tell, once for each file, that a page of it is another one than was written. */
  onDamage(tell: (reason: string) => void): void;
  /** The file is damaged, until another is in its place: threads outside the store do not read it. */
  distrust(): void;
  /** How often it was. What was read before, and is kept, is no more to be told. */
  readonly distrusted: number;
  /**
   * Once the last piece of a load is applied: resolves when this node has prepared what it can of it,
   * so that the entry that loads it holds nobody up. Never rejects.
   */
  loadPrepared(): Promise<void>;
  /** Has what `holdCopy` needs ready, so that it takes a moment only. */
  prepareCopy(): void;
  /** Holds what is committed now, to be compared with other nodes' copies; one at a time. */
  holdCopy(): Promise<HeldCopy>;
  /** A consistent copy as a stream, in constant memory; writes go on. */
  backup(options: BackupOptions, signal?: AbortSignal): Promise<BackupCopy>;
  /** A backup of the user's data, compressed, in a file; writes go on. */
  pack(options: PackOptions, signal?: AbortSignal): Promise<PackedBackup>;
  /**
   * Takes a backup in, compressed or not, and checks it; the database is not touched. Rejects with
   * a DamagedBackupError that says what is wrong with it.
   */
  check(body: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<CheckedBackup>;
  /**
   * Makes the database of a copy that was packed with all that the store keeps for itself; what was
   * there stays when this rejects with a SnapshotRejectedError. Closes the copy.
   */
  install(copy: CheckedBackup): Promise<AppliedPosition>;
  status(): Promise<StoreStatus>;
  /** Of the statements that this node ran for clients, those that took most time first. */
  statements(): Promise<StatementSummary[]>;
  /** Threads that are none of the store's, and read its database by themselves; undefined: none can. */
  readonly outsideReaders: OutsideReaders | undefined;
  /** What entries changed; undefined when that is not kept. */
  readonly changes: ChangeLog | undefined;
  /** Up to which index they are delivered, as all nodes know; undefined before any were. */
  readonly changesDelivered: number | undefined;
  /** Rejects when a Worker died or the database can no longer be used; never resolves. */
  readonly failed: Promise<never>;
}

/**
 * What a transaction read, and held, is there no more: the file was replaced, too much was written
 * beside it, or its thread died.
 */
export class HeldReadLostError extends Error {
  override name = "HeldReadLostError";

  constructor() {
    super(
      "What was read is no longer there: the database was replaced by another, or too much was " +
        "written beside it",
    );
  }
}

/** All readers are busy and their queue is full. */
export class StoreBusyError extends Error {
  override name = "StoreBusyError";
}
