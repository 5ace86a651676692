import type { Message, NodeId } from "../raft/types.ts";

/** Who a connection's other end says it is, checked against the cluster's id. */
export interface Peer {
  readonly id: NodeId;
  /** The address it advertises for Raft. */
  readonly address: string;
  /** Where its connection comes from, with the port. */
  readonly remoteAddress: string;
  /** False for a node that has not joined yet: it may only send requests that `allowStrangers` names. */
  readonly member: boolean;
  /** The newest version of clusters that it understands. */
  readonly version: number;
}

/** Why a request has no answer; "unreachable" and "overloaded" promise that it was never delivered. */
export type TransportErrorKind =
  | "unreachable"
  | "overloaded"
  | "interrupted"
  | "timeout"
  | "aborted"
  /** The other side's handler failed; `message` is its text. */
  | "refused"
  /** Frame too large, wrong cluster or version. */
  | "protocol"
  /** The two nodes' agreement says that they must not talk. */
  | "incompatible";

/** Of those, why there is no connection. */
export type NoConnection = Extract<
  TransportErrorKind,
  "unreachable" | "protocol" | "incompatible"
>;

export class TransportError extends Error {
  override name = "TransportError";
  constructor(readonly kind: TransportErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/**
 * What two nodes must have in common to talk, beside their cluster. Each tells the other in the
 * handshake; what it is about is a matter of whoever hands it in.
 */
export interface Agreement {
  /** What this node tells of itself; `agreementBytesMax` at most. */
  readonly own: Uint8Array;
  /**
   * Why this node and one that tells `theirs` must not talk; undefined when they may. Asked for
   * every connection, and both ends come to the same answer. Throws a FormatError when it cannot be
   * read.
   */
  refusal(peer: Pick<Peer, "id" | "address">, theirs: Uint8Array): string | undefined;
}

/** What is asked of the node at an address; `kind` numbers are the node's and the cluster's. */
export interface RequestCall {
  readonly address: string;
  readonly kind: number;
  readonly payload: Uint8Array;
}

/** What is sent to the node at an address, chunk by chunk, behind a header. */
export interface StreamCall {
  readonly address: string;
  readonly kind: number;
  readonly header: Uint8Array;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface RequestOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * What the node and the cluster do with what arrives. `kind` numbers are theirs. A FormatError or a
 * ViolationError from any of them says that the other end is to blame: it is told so where it waits
 * for an answer, and a log line names it and the reason.
 */
export interface TransportHandlers {
  message(message: Message): void;
  /** The peer cannot be reached or a message to it was dropped: the core goes back to probing. */
  unreachable(id: NodeId): void;
  request(peer: Peer, kind: number, payload: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** Resolves when the whole body has been dealt with, with an answer for the sender. */
  stream(
    peer: Peer,
    kind: number,
    header: Uint8Array,
    body: AsyncIterable<Uint8Array>,
  ): Promise<Uint8Array>;
}

/**
 * All traffic between nodes, over one listening port and one persistent connection each way per
 * peer: Raft messages (dropped when a peer is slow or away), requests with an answer, and streams
 * in chunks with back-pressure on connections of their own. Nothing here waits for a slow peer
 * but the caller that asked it.
 */
export interface Transport {
  /** Where it listens, with the real port when 0 was asked for. */
  readonly address: string;
  /** Begins to hand over what arrives. */
  start(handlers: TransportHandlers): void;
  /** The other members and their addresses; connections to anyone else are closed. */
  setPeers(peers: ReadonlyMap<NodeId, string>): void;
  /** From now on connections introduce this node as a member of this cluster (16 hex digits). */
  setCluster(clusterId: string): void;
  /** Where a member says that it is reached, if it has a connection to this node: the newest counts. */
  callerAddress(id: NodeId): string | undefined;
  /** From now on nodes that do not understand this version of clusters are kept away. */
  setVersion(version: number): void;
  /**
   * The newest version of clusters that the node at `address` understands: a promise of it where a
   * connection has to be made first, or a TransportError. A request that is made in the same turn
   * reaches a node that said so, or none.
   */
  versionAt(address: string, timeoutMs: number): number | Promise<number>;
  /**
   * Where a peer is reached: as the configuration has it, or where the peer itself says that it is
   * while it does not answer there. Undefined for whoever is no peer.
   */
  addressOf(id: NodeId): string | undefined;
  /** Raft messages; lost without notice or with `unreachable`. */
  send(messages: readonly Message[]): void;
  request(call: RequestCall, options: RequestOptions): Promise<Uint8Array>;
  /** `timeoutMs` is how long it may go without progress: a chunk sent, or at its end the answer. */
  stream(call: StreamCall, options: RequestOptions): Promise<Uint8Array>;
  /** Finishes the frames under way, then closes everything. */
  close(): Promise<void>;
}
