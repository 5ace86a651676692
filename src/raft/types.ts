/**
 * The nouns of the consensus core, in the vocabulary of Ongaro's thesis ("Consensus: Bridging
 * Theory and Practice", 2014): section numbers below are its.
 *
 * Terms and indexes are whole numbers from 1 up; 0 means "none yet".
 */

/**
 * Names a server, which is one node with one log: the name that the operator gave the node, and the
 * incarnation that was drawn when its log began (8 hex digits).
 *
 * Raft's proofs are about servers that forget nothing (3.8). A node that has lost its disk has
 * forgotten votes and acknowledgements, and while it replays the log it passes through
 * configurations that name its former self as a voter. With an id of its own it is a new server,
 * for which nobody takes it but the configuration that let it in.
 */
export type NodeId = string;

export function serverId(name: string, incarnation: string): NodeId {
  return `${name}/${incarnation}`;
}

/** The operator's name of a server: what people are shown. */
export function nodeName(id: NodeId): string {
  return id.replace(/\/[0-9a-f]{8}$/, "");
}

/** What an entry carries. */
export const EntryType = {
  /** Nothing: a new leader's first entry (6.4), or one appended for a strong read. */
  noop: 0,
  /** A command for the state machine. */
  command: 1,
  /** A {@linkcode Configuration}, in effect from the moment it is appended (4.1). */
  configuration: 2,
} as const;
export type EntryType = (typeof EntryType)[keyof typeof EntryType];

/** One position of the replicated log. */
export interface Entry {
  readonly term: number;
  readonly index: number;
  readonly type: EntryType;
  /** Command bytes, or an encoded configuration; empty for a noop. Never changed once made. */
  readonly data: Uint8Array;
  /** Checksum of `data`, made by the leader that appended the entry and checked wherever it is handed over. */
  readonly checksum: number;
}

/** What a member may do. */
export type Suffrage =
  /** Counts in elections and commitment. */
  | "voter"
  /** Receives the log as a learner does; the leader makes it a voter once it has caught up (4.2.1). */
  | "staging"
  /** A learner (read replica): receives, never votes. */
  | "learner";

export interface Member {
  readonly id: NodeId;
  /** Where the other nodes reach it: `host:port` of its Raft listener. */
  readonly address: string;
  /** Where clients reach it: `host:port` of its HTTP listener, as advertised. */
  readonly httpAddress: string;
  readonly suffrage: Suffrage;
}

/** The members of a cluster, and what all of them understand. */
export interface Configuration {
  /** Sorted by id. */
  readonly members: readonly Member[];
  /** The cluster's version (cluster_version.ts); the first when it is not named. */
  readonly version?: number;
}

/** What must be on disk before a node answers anybody (3.8). */
export interface HardState {
  readonly term: number;
  /** Who got this node's vote in `term`; "" for nobody. */
  readonly votedFor: NodeId;
  /** The longest promise, in ms, that a leader may have of this node (lease.ts). */
  readonly promiseMs: number;
}

/** The last entry that compaction, or an installed snapshot, stands for (5.1). */
export interface CompactionPoint {
  readonly index: number;
  readonly term: number;
  /** The configuration in effect at `index`. */
  readonly configuration: Configuration;
}

export type Role = "follower" | "pre-candidate" | "candidate" | "leader";

/** Fields of every message between two cores. `from` is checked by the transport. */
interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term; for a pre-vote request, and a grant of one, the term it would campaign in. */
  readonly term: number;
}

/** Asks for a vote (3.4), or first whether one would be given (pre-vote, 9.6). */
export interface VoteRequest extends Envelope {
  readonly type: "vote_request";
  readonly preVote: boolean;
  readonly lastLogIndex: number;
  readonly lastLogTerm: number;
  /** Set when the leader asked for this election: leader stickiness is then passed over (4.2.3). */
  readonly leadershipTransfer: boolean;
}

export interface VoteResponse extends Envelope {
  readonly type: "vote_response";
  readonly preVote: boolean;
  readonly granted: boolean;
}

/** Replicates entries (3.5); without entries it tells the commit index. */
export interface AppendRequest extends Envelope {
  readonly type: "append_request";
  readonly prevLogIndex: number;
  readonly prevLogTerm: number;
  readonly commitIndex: number;
  readonly entries: readonly Entry[];
}

export interface AppendResponse extends Envelope {
  readonly type: "append_response";
  readonly success: boolean;
  /** On success: the log is durable and equal to the leader's up to here. */
  readonly matchIndex: number;
  /** On refusal: the `prevLogIndex` refused, and the last index and its term that may still match (5.3). */
  readonly rejectedIndex: number;
  readonly hintIndex: number;
  readonly hintTerm: number;
}

/** Keeps followers following and confirms leadership for the reads of one round (6.4). */
export interface HeartbeatRequest extends Envelope {
  readonly type: "heartbeat_request";
  /** Never beyond what the follower is known to have. */
  readonly commitIndex: number;
  /** Counts up with every round of this leader's term. */
  readonly round: number;
}

export interface HeartbeatResponse extends Envelope {
  readonly type: "heartbeat_response";
  readonly round: number;
  /** For how long from now, in whole ms, the sender gives its vote to nobody else (4.2.3, 6.4.1). */
  readonly promiseMs: number;
}

/**
 * Tells a follower that what it needs is compacted away: the snapshot itself comes as a stream
 * beside the messages. Answered with an append_response once installed.
 */
export interface SnapshotRequest extends Envelope {
  readonly type: "snapshot_request";
  /** The leader's compaction point; the stream covers at least this much. */
  readonly index: number;
  readonly indexTerm: number;
}

/** A follower asks for the index at which its waiting linearizable reads may be served (6.4). */
export interface ReadIndexRequest extends Envelope {
  readonly type: "read_index_request";
  /** Names the batch of waiting reads at the follower. */
  readonly context: number;
  /** "lease": the leader may answer from its lease, without a round (6.4.1). */
  readonly mode: ReadMode;
}

export interface ReadIndexResponse extends Envelope {
  readonly type: "read_index_response";
  readonly context: number;
  /** The index to wait for; 0 when the receiver is not the leader and the read must be asked anew. */
  readonly index: number;
}

/** The leader asks its chosen successor to campaign at once (3.10). */
export interface TimeoutNow extends Envelope {
  readonly type: "timeout_now";
}

export type Message =
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendResponse
  | HeartbeatRequest
  | HeartbeatResponse
  | SnapshotRequest
  | ReadIndexRequest
  | ReadIndexResponse
  | TimeoutNow;

/** How sure a read must be that its leader still leads: by a round of heartbeats, or by the lease. */
export type ReadMode = "quorum" | "lease";

/** A batch of reads that may be served once everything up to `index` is applied. */
export interface ReadState {
  readonly context: number;
  readonly index: number;
}

/** What a proposal got: its place in the log, or why it has none. A place is no promise of commitment. */
export type ProposeResult =
  | { readonly ok: true; readonly index: number; readonly term: number }
  | {
    readonly ok: false;
    readonly reason:
      | "not_leader"
      | "transferring"
      | "membership_busy"
      /** It would leave no voter or too many members, or hand leadership to one that is no voter. */
      | "invalid_member";
  };

/** Entries that the leader needs from disk to bring a slow follower up. */
export interface LoadRequest {
  readonly to: NodeId;
  readonly from: number;
  readonly bytesMax: number;
}

/**
 * What the core wants done after a step. The driver, in this order: starts the write of `hardState`
 * and `entries`; sends `messages` without waiting (10.2.1: the leader's appends overtake its own
 * disk); sends `messagesAfterPersist` when this write and all earlier ones are durable (also when
 * this Ready has nothing to write), and then, if it had entries, calls `persisted` with the last.
 */
export interface Ready {
  /** To be made durable; undefined when unchanged. */
  readonly hardState: HardState | undefined;
  /** To be made durable; the first one's index may lie inside the stored log, which is then cut there. */
  readonly entries: readonly Entry[];
  readonly messages: readonly Message[];
  readonly messagesAfterPersist: readonly Message[];
  /** Everything up to here is committed and durable here, and may be applied. Never goes back. */
  readonly applyThrough: number;
  readonly readStates: readonly ReadState[];
  /** Contexts whose reads got no answer (leader lost or changed): ask again. */
  readonly readsDropped: readonly number[];
  readonly loads: readonly LoadRequest[];
  /** Followers that need a snapshot stream; each is named once until `snapshotFinished`. */
  readonly snapshots: readonly NodeId[];
  /** The configuration in effect, when it changed (appended, cut off, or installed). */
  readonly configuration: Configuration | undefined;
  /** Set when role, term or known leader changed. */
  readonly status: Status | undefined;
}

export interface Status {
  readonly role: Role;
  readonly term: number;
  /** "" when no leader is known. */
  readonly leader: NodeId;
}

/** What a server has seen of elections since it started. */
export interface ElectionCounts {
  /** Terms that it entered to ask for votes; pre-votes do not count. */
  readonly begun: number;
  readonly won: number;
  /** Leaders that came after another one, or after the start, itself included. */
  readonly leaders: number;
}

/** How far a peer has come, as its leader knows it. */
export interface PeerProgress {
  readonly id: NodeId;
  readonly matchIndex: number;
  readonly nextIndex: number;
  readonly state: "probe" | "replicate" | "snapshot";
  /** Heard from since the last check of the quorum but one. */
  readonly recentlyActive: boolean;
  /** The last round of heartbeats that it answered; 0 for none. */
  readonly ackedRound: number;
}

/** How a core starts: what its disk held. */
export interface RaftOptions {
  readonly id: NodeId;
  /** Ticks without a leader before an election; the real limit is drawn from [n, 2n) each time (3.4). */
  readonly electionTicks: number;
  /** Ticks between two rounds of heartbeats. */
  readonly heartbeatTicks: number;
  /** The most ticks for which a confirmed round lets the leader serve lease reads; at most `electionTicks`. */
  readonly leaseTicks: number;
  /** How long a tick is, in ms: promises travel between servers whose ticks may differ. */
  readonly tickMs: number;
  /** Largest sum of entry data in one append_request, in bytes; one entry always fits. */
  readonly appendBytesMax: number;
  /** Append requests under way to one follower before it must answer. */
  readonly inflightMax: number;
  /** Entry data kept in memory for followers that lack it, in bytes; older entries come back by {@linkcode LoadRequest}. */
  readonly cacheBytesMax: number;
  /** Draws a whole number from 0 to `limit` - 1. */
  readonly random: (limit: number) => number;
  /** Its promise covers what this core will promise. */
  readonly hardState: HardState;
  readonly compaction: CompactionPoint;
  /** All entries after the compaction point, or their newest part with `firstTerms` for the rest. */
  readonly log: RecoveredLog;
  /** The state machine has applied this much: it is committed. */
  readonly applied: number;
}

/** The log as found on disk: terms of everything, data of the newest part. */
export interface RecoveredLog {
  /** 0 when there is nothing after the compaction point: then it is the compaction index. */
  readonly lastIndex: number;
  /** Where each term begins after the compaction point, ascending: gives the term of any index. */
  readonly termStarts: readonly { readonly term: number; readonly index: number }[];
  /** All configuration entries after the compaction point, oldest first. */
  readonly configurations: readonly Entry[];
  /** The newest entries, contiguous up to lastIndex, as many as suit the cache. May be empty. */
  readonly entries: readonly Entry[];
}

/** A change of one member (4.1). */
export type MemberChange =
  | { readonly type: "put"; readonly member: Member }
  | { readonly type: "remove"; readonly id: NodeId };

/** A change of the configuration. */
export type MembershipChange =
  | MemberChange
  /** For one that is no newer than the present one, nothing changes. */
  | { readonly type: "version"; readonly version: number };
