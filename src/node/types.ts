import type { Histogram } from "../base/histogram.ts";
import type { Transfers } from "../io/transfers.ts";
import type { Clock, Logger } from "../io/types.ts";
import type { LeasePermit } from "./lease_permit.ts";
import type { LogContents, RaftLog } from "../raft_log/types.ts";
import type {
  CompactionPoint,
  Configuration,
  ElectionCounts,
  NodeId,
  PeerProgress,
  Status,
} from "../raft/types.ts";
import type { Answer, Stamp, StateMachine } from "../store/types.ts";
import type { Transport } from "../transport/types.ts";

/** How the node marks and recognises commands without knowing what they say. */
export interface CommandCodec {
  /** The command as it goes into the log, with the leader's clock and seed in front. */
  stamp(command: Uint8Array, stamp: Stamp): Uint8Array;
  /** How many bytes those take. */
  readonly stampBytes: number;
  /** Writes them into the first bytes of `data`, behind which a command stands already. */
  writeStamp(data: Uint8Array, stamp: Stamp): void;
  /** What is wrong with bytes that should be a command; undefined when nothing is, or they are many. */
  fault(command: Uint8Array): string | undefined;
  /** Why this version cannot apply a stamped command, as a look at its head tells. */
  unknown(data: Uint8Array): string | undefined;
  /** The cluster's version from which on all nodes know commands such as this one, not stamped yet. */
  versionNeeded(command: Uint8Array): number;
  /** Whether what a stamped command does shows in no query: it is a piece of a load, gives one up, or is upkeep. */
  isUnseen(data: Uint8Array): boolean;
  /** Whether it marks where all nodes' copies are compared. */
  isScrub(data: Uint8Array): boolean;
  /** The request that a stamped command came from, if it was given an id. */
  requestId(data: Uint8Array): { readonly origin: bigint; readonly sequence: number } | undefined;
}

/**
 * Remembers, across a crash, that a received snapshot is being swapped in: the state machine
 * changes first, the log after it, and between the two only this says which configuration belongs
 * to the new state.
 */
export interface InstallMarker {
  /** Durable when it resolves. */
  write(point: CompactionPoint): Promise<void>;
  clear(): Promise<void>;
}

/** Times in ticks are those of the core; see RaftOptions. */
export interface NodeTiming {
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly leaseTicks: number;
}

export interface NodeLimits {
  /** Writes proposed or waiting to be, and not yet answered. */
  readonly pendingWritesMax: number;
  /** Bytes of one command: an entry must fit a frame of the transport and a batch of the log. */
  readonly commandBytesMax: number;
  /** Bytes of commands waiting to be proposed. */
  readonly pendingBytesMax: number;
  /** Reads waiting for their index. */
  readonly pendingReadsMax: number;
  /** Bytes of entries handed to the state machine at once. */
  readonly applyBytesMax: number;
  readonly appendBytesMax: number;
  readonly inflightMax: number;
  readonly cacheBytesMax: number;
}

export interface SnapshotPolicy {
  /** Entries applied since the last compaction that call for the next one. */
  readonly entries: number;
  /** Bytes of log on disk that call for one, however few entries. */
  readonly logBytes: number;
  /** How often to look, in ms. */
  readonly intervalMs: number;
  /** Entries kept behind a compaction for followers that are a little slow. */
  readonly trailing: number;
  /** Bytes of log that they may take together. */
  readonly trailingBytes: number;
}

export interface NodeOptions {
  readonly id: NodeId;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Draws a whole number from 0 to `limit` - 1: election timeouts. */
  readonly random: (limit: number) => number;
  /** Draws the 64-bit seed of a command's randomness. */
  readonly seed: () => bigint;
  /** Names this run of this node in the request ids that it gives out. */
  readonly origin: bigint;
  readonly timing: NodeTiming;
  readonly limits: NodeLimits;
  readonly snapshots: SnapshotPolicy;
  readonly log: RaftLog;
  readonly contents: LogContents;
  readonly transport: Pick<Transport, "send" | "stream" | "addressOf">;
  readonly stateMachine: StateMachine;
  readonly codec: CommandCodec;
  readonly installMarker: InstallMarker;
  /** What is wrong with the state machine's content, to be replaced by the leader's; undefined for nothing. */
  readonly damage?: string | undefined;
  /** The content is replaced, and as sound as the leader's. */
  readonly onReplaced?: () => Promise<void>;
  /** Shows long transfers; undefined: nobody looks. */
  readonly transfers?: Transfers | undefined;
  /** Told how long others may read by the leader's lease; undefined: nobody else does. */
  readonly leasePermit?: Pick<LeasePermit, "publish"> | undefined;
  /** The configuration in effect changed (also called once at the start). */
  readonly onConfiguration: (configuration: Configuration) => void;
  readonly onStatus: (status: Status) => void;
  /** The node can go on no longer and has stopped itself: disk or state machine failed. */
  readonly onFatal: (error: Error) => void;
}

/** Is told of the parts of one write. Times are by the node's clock, in ms. */
export interface WriteTrace {
  part(
    name: "wait" | "sync" | "replicate" | "apply" | "forward",
    since: number,
    until: number,
  ): void;
}

/** How long the stages of writes took, in seconds, by entries; see WriteStages. */
export interface StageFigures {
  readonly wait: Histogram;
  readonly sync: Histogram;
  readonly replicate: Histogram;
  readonly apply: Histogram;
}

/** What a node tells of itself for others to look at. */
export interface NodeFigures {
  /** The first index that the log still holds. */
  readonly firstLogIndex: number;
  readonly logSizeBytes: number;
  readonly snapshotIndex: number;
  /** Since the start: made of this node's own state, and received from the leader. */
  readonly snapshotsTaken: number;
  readonly snapshotsInstalled: number;
  /** How often a damaged database was replaced by the leader's, and what is wrong with this one. */
  readonly copiesReplaced: number;
  readonly damage: string | undefined;
  readonly pendingWrites: number;
  /** For the leader: every other member's. Empty elsewhere. */
  readonly progress: readonly PeerProgress[];
  readonly elections: ElectionCounts;
  readonly stages: StageFigures;
  /** "ok", or what keeps the node from writing. */
  readonly health: string;
}

/** Why the node did not do what was asked. */
export type NodeErrorKind =
  /** Nothing was done: another node leads, or none. */
  | "not_leader"
  /** Nothing was done: a queue is full. */
  | "overloaded"
  /** Nothing was done, and never will be: the command is larger than an entry may be. */
  | "too_large"
  /** Nothing was done, nor will be until the cluster's version is raised. */
  | "too_new"
  /** Nothing was done: the disk cannot take writes, or the node is stopping. */
  | "unavailable"
  /** Proposed, then replaced by another leader's entry: it never took effect. */
  | "lost"
  /** Proposed, and no telling yet whether it will take effect. */
  | "unknown"
  /** Nothing was done within the time given. */
  | "timeout"
  /** Another membership change is under way: this one may be tried again. */
  | "membership_busy"
  /** The membership change makes no sense. */
  | "membership_invalid";

export class NodeError extends Error {
  override name = "NodeError";
  constructor(readonly kind: NodeErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** What became of a write. */
export interface WriteOutcome {
  readonly index: number;
  /** A duplicate's request had been applied before, at a lower index. */
  readonly answer: Answer;
}

/** Stream kind of a snapshot on the transport; requests and other streams are the cluster's. */
export const snapshotStream = 1;
