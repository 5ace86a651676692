import type { Requester } from "../access/types.ts";
import type { ClockOffset } from "../base/clock_offset.ts";
import type { NodeFigures } from "../node/types.ts";
import type { Configuration, Member, Status } from "../raft/types.ts";
import type { ComparisonReport } from "./comparison_types.ts";
export type {
  ComparedCopy,
  ComparedMember,
  ComparisonReport,
  CopyVerdict,
  DifferingTable,
  DigestAnswer,
} from "./comparison_types.ts";
import type { TransactionMode } from "./transactions/transaction.ts";
import type { SqliteMismatch } from "./sqlite_agreement.ts";
import type {
  AnswerFormat,
  BackupCopy,
  BackupOptions,
  IdempotencyKey,
  ReadRequest,
  Results,
  SqliteProfile,
  Statements,
  StatementSummary,
  StoreStatus,
} from "../store/types.ts";

import type { Trace } from "./tracing.ts";
import type { Withdrawal } from "./withdrawal.ts";

export type ReadLevel = "none" | "weak" | "linearizable" | "strong" | "auto";

export interface ReadLevelOptions {
  readonly level: ReadLevel;
  /**
   * For none, and for auto on a read replica: refuse when the leader was last heard from longer
   * ago, in ms; 0 for no limit.
   */
  readonly freshnessMs: number;
  /** Also refuse when what is applied is older than that. */
  readonly freshnessStrict: boolean;
  /**
   * What the client has seen: a node that has applied less waits, whatever the level. Undefined when
   * the client does not say, and is not told either how far its answer goes.
   */
  readonly minIndex?: number | undefined;
  /** How long to wait for the cluster, in ms. */
  readonly timeoutMs: number;
}

export interface WriteRequest {
  readonly statements: Statements;
  readonly transaction: boolean;
  readonly unified: boolean;
  readonly format: AnswerFormat;
  /** For the statements themselves, in ms; 0 for no limit. */
  readonly statementTimeoutMs: number;
  /** How long to wait for the cluster, in ms. */
  readonly timeoutMs: number;
  /** Of the user who writes, by table, as `rightsOf` has it; undefined for all. */
  readonly rights?: string | undefined;
  readonly key?: IdempotencyKey | undefined;
  readonly withdrawal?: Withdrawal | undefined;
  readonly trace?: Trace | undefined;
}

/** The SQL text of a load. */
export interface LoadSqlRequest {
  /** In UTF-8. */
  readonly sql: Uint8Array;
  readonly format: AnswerFormat;
  /** How long to wait for the cluster, in ms. */
  readonly timeoutMs: number;
  readonly key?: IdempotencyKey | undefined;
}

/** Begins a transaction of several requests. */
export interface BeginRequest {
  readonly mode: TransactionMode;
  /** Whose it is; "" where nobody is asked who they are. */
  readonly user: string;
  /** As of a write. */
  readonly rights: string | undefined;
  /** How long it may be open, and without a request, in ms. */
  readonly openMs: number;
  readonly idleMs: number;
  /** How long to wait for the cluster, and for others to have written, in ms. */
  readonly timeoutMs: number;
}

export interface TransactionRequest {
  readonly id: string;
  readonly user: string;
  /** By table, as they are now. */
  readonly rights: string | undefined;
  readonly timeoutMs: number;
}

/** Statements to be run in a transaction. */
export interface TransactionStep extends TransactionRequest {
  readonly statements: Statements;
  readonly readOnly: boolean;
  readonly unified: boolean;
  /** All of them are done, or none. */
  readonly atomic: boolean;
  readonly format: AnswerFormat;
  readonly statementTimeoutMs: number;
  /** Whether they are enforced; undefined: as on the cluster. */
  readonly foreignKeys?: boolean | undefined;
}

export interface TransactionCommit extends TransactionRequest {
  readonly key: Pick<IdempotencyKey, "name" | "keptSeconds"> | undefined;
}

export interface WriteAnswer {
  readonly results: Results;
  readonly raftIndex: number;
  /** Set when another node, the leader at this Raft address, carried it out. */
  readonly servedBy: string | undefined;
  /**
   * Nothing was carried out: it had been, by an earlier request with the key, and this is what was
   * answered then, or `results_not_kept`.
   */
  readonly repeated?: true | "results_not_kept";
}

export interface ReadAnswer {
  readonly results: Uint8Array | ReadableStream<Uint8Array>;
  /** 0 for the levels none and weak, which do not report it. */
  readonly raftIndex: number;
  /** No entry beyond it shows in the results; undefined unless `minIndex` was given. */
  readonly seenIndex?: number | undefined;
}

/** Why a request was not carried out. The http layer turns each kind into its status. */
export type ServiceErrorKind =
  /** 503 `leader not found`: nothing was done. */
  | "no_leader"
  /** 503: a queue is full; nothing was done. */
  | "overloaded"
  /** 413: larger than an entry of the log may be; nothing was done. */
  | "too_large"
  /** 503: this node or its disk cannot write; nothing was done. */
  | "unavailable"
  /** 503, body says so: it may or may not have been done. */
  | "unknown_outcome"
  /** 200 with the error `stale read` and no results, as rqlite answers. */
  | "stale"
  /** 503: this node has not applied in time what the client has seen already. */
  | "behind"
  /** 422: another request has had the key; nothing was done. */
  | "key_reused"
  /** 404: no request with the key was carried out. */
  | "key_unknown"
  /** 409: what a transaction had seen was changed; it is rolled back. */
  | "conflict"
  /** 404: nobody knows the transaction. */
  | "no_transaction"
  /** 410: it is over; the text says why. */
  | "transaction_over"
  /** 408 or 504: nothing was done within the time given. */
  | "timeout"
  /** 400: the request itself is wrong. */
  | "invalid"
  /** 500 with the message. */
  | "failed";

export class ServiceError extends Error {
  override name = "ServiceError";
  constructor(readonly kind: ServiceErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

export interface NodeReport {
  readonly member: Member;
  readonly leader: boolean;
  readonly reachable: boolean;
  /** From the node itself; "" when unreachable. */
  readonly version: string;
  readonly roundTripMs: number;
  /** Why it could not be reached. */
  readonly error: string | undefined;
}

/** What a node finds wrong with itself, and what to do about it. */
export interface MemberFault {
  readonly grade: "warning" | "problem";
  readonly text: string;
  readonly advice: string;
}

/** How far a node has come, and how it is, in its own words. */
export interface MemberFigures {
  readonly appliedIndex: number;
  readonly lastLogIndex: number;
  readonly databaseBytes: number;
  readonly logBytes: number;
  /** What its disk has free; undefined where nobody can say. */
  readonly freeBytes: number | undefined;
  readonly upMs: number;
  /** "ok", or what keeps it from writing. */
  readonly health: string;
  /** By its clock, in ms since 1970. */
  readonly wallTime: number;
  readonly faults: readonly MemberFault[];
}

export interface MemberReport extends NodeReport {
  /** Undefined of a node that does not answer, or is of a release that has none. */
  readonly figures: MemberFigures | undefined;
  /** Its clock beside this node's. */
  readonly clock: ClockOffset | undefined;
}

/** What the nodes of a cluster may make of each other (raft/cluster_version.ts). */
export interface VersionReport {
  /** The cluster's version. */
  readonly version: number;
  /** The newest that this node understands. */
  readonly newest: number;
  readonly nodes: readonly {
    readonly id: string;
    readonly address: string;
    /** The newest that it understands; undefined when it cannot be asked. */
    readonly newest: number | undefined;
    readonly error: string | undefined;
  }[];
}

/** The figures behind /status, /nodes and /readyz. */
export interface ServiceStatus extends NodeFigures {
  readonly id: string;
  readonly raftAddress: string;
  readonly httpAddress: string;
  readonly clusterId: string;
  readonly dataDirectory: string;
  readonly raft: Status;
  readonly configuration: Configuration;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly lastLogIndex: number;
  /** ms since the leader was last heard from; 0 on the leader. */
  readonly lastContactMs: number;
  /** By the wall clock, since 1970. */
  readonly startedAtMs: number;
  readonly counts: Readonly<ClusterCounts>;
  readonly sqlite: SqliteStanding;
  /** What the last comparison of all copies came to, as far as this node was told of one. */
  readonly comparison: ComparisonReport | undefined;
}

/** What a node needs so that a damaged copy of the database is replaced. */
export interface CopyRepair {
  /** Writes down, durably, that the copy is damaged: no later start uses it. */
  note(reason: string): Promise<void>;
}

/** What this node has seen of its cluster since it was started, for /debug/vars. */
export class ClusterCounts {
  /** Requests of nodes to join, by whichever way they came. */
  joinRequests = 0;
  /** Joins that changed the configuration; this and the next two only while this node leads. */
  joins = 0;
  /** Joins of members that had nothing new to say. */
  joinsIgnored = 0;
  /** Joins of members that came back under other addresses, or without their data. */
  joinsInPlace = 0;
  removals = 0;
  stepDowns = 0;
  /** Members that were taken out since they were gone for long. */
  reaped = 0;
  reapsFailed = 0;
}

/** This node's SQLite beside the others'. */
export interface SqliteStanding {
  readonly profile: SqliteProfile;
  /** The node was started to put up with another one. */
  readonly mismatchPermitted: boolean;
  /** Members whose SQLite is another. */
  readonly mismatches: readonly SqliteMismatch[];
}

/** A backup that the leader has stored because somebody asked for it. */
export interface MadeBackup {
  readonly key: string;
  /** The index of the log up to which it goes. */
  readonly index: number;
  /** ms since 1970 UTC. */
  readonly time: number;
  readonly bytes: number;
}

/** Passes requests of clients on to the node that has what they are about. */
export interface ClientRelay {
  /** Has what other nodes pass on carried out by `serve`, which never rejects. */
  serve(serve: (asked: Uint8Array) => Promise<Uint8Array>): void;
  /** Asks the node of that name. Throws a ServiceError: "unavailable" where it was not reached. */
  ask(name: string, asked: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
}

/**
 * One node's view of the whole database service: what http and cli call. Ids here are the names that
 * operators gave the nodes.
 */
export interface Service {
  readonly relay: ClientRelay;
  /** Writes through the leader, from any node. Throws a ServiceError. */
  write(request: WriteRequest): Promise<WriteAnswer>;
  /** Reads from this node's own copy at the level asked for. */
  read(
    request: ReadRequest,
    level: ReadLevelOptions,
    signal?: () => AbortSignal,
  ): ReadAnswer | Promise<ReadAnswer>;
  /** Whether each statement is read-only; an error's text when it cannot be prepared. */
  inspect(statements: Statements, rights?: string): Promise<(boolean | string)[]>;
  backup(
    options: BackupOptions & { readonly noLeader: boolean },
    signal?: AbortSignal,
  ): Promise<BackupCopy>;
  /** Begins a transaction of several requests at this node, and resolves with its id. */
  begin(request: BeginRequest): Promise<string>;
  /** Runs statements in a transaction, at whichever node that is; resolves with their results. */
  runInTransaction(request: TransactionStep): Promise<Uint8Array>;
  /** `raftIndex` is 0 when there was nothing to write. */
  commit(request: TransactionCommit): Promise<Pick<WriteAnswer, "raftIndex" | "repeated">>;
  rollback(request: TransactionRequest): Promise<void>;
  /** Runs SQL text as sqlite3's shell would, all or nothing. Throws a ServiceError. */
  loadSql(request: LoadSqlRequest): Promise<WriteAnswer>;
  /** Replaces the database by a SQLite file. Resolves with the index of the entry that did so. */
  load(
    file: ReadableStream<Uint8Array>,
    signal?: AbortSignal,
    totalBytes?: number,
  ): Promise<number>;
  status(): ServiceStatus;
  /** What the store itself reports. */
  storeStatus(): Promise<StoreStatus>;
  /** What this node's disk has free; undefined where nobody can say. */
  freeBytes(): Promise<number | undefined>;
  /** Of the statements that this node ran for clients, those that took most time first. */
  statements(): Promise<StatementSummary[]>;
  nodes(timeoutMs: number): Promise<NodeReport[]>;
  /** The same, each with what it says of itself. */
  memberReports(timeoutMs: number): Promise<MemberReport[]>;
  /** undefined when none is known. */
  leader(): Member | undefined;
  /** Waits until everything committed by now is applied here. */
  sync(timeoutMs: number): Promise<void>;
  /** Hands leadership to `name`, or to the most advanced voter. `requester`: for the audit. */
  stepDown(name: string | undefined, wait: boolean, requester?: Requester): Promise<void>;
  /** `requester`: for the audit; undefined: this node itself. */
  remove(name: string, requester?: Requester): Promise<void>;
  versions(): Promise<VersionReport>;
  /**
   * Raises the cluster's version to the newest that this node understands, and says which that is.
   * Throws a ServiceError: "failed" names what is in the way. `requester`: for the audit.
   */
  upgrade(requester?: Requester): Promise<number>;
  /** Has the leader begin to compare all copies, unless it does so; resolves with how that stands. */
  verify(): Promise<ComparisonReport>;
  /** Of the comparison that runs, or else of the last one; undefined before the first. */
  comparison(): Promise<ComparisonReport | undefined>;
  /**
   * Has the leader store a backup now, as it does on a timer; resolves with undefined when nothing
   * has changed since the newest. Throws a ServiceError: "failed" says why there is none.
   */
  backUp(): Promise<MadeBackup | undefined>;
  /** Checkpoints and compacts; false when there was nothing new. */
  snapshot(trailingLogs: number | undefined): Promise<boolean>;
}
