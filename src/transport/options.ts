import type { Clock, Logger, Network } from "../io/types.ts";
import type { NodeId } from "../raft/types.ts";
import type { Agreement } from "./types.ts";

/** Bounds on memory and time, all with a default. */
export interface TransportLimits {
  /** Largest body of a frame in bytes: an entry or a request of 64 MiB and what goes around it. */
  readonly frameBytesMax: number;
  /** The same for what comes from a node outside the cluster. */
  readonly strangerFrameBytesMax: number;
  /** Raft messages waiting for one peer, in bytes and in number; what comes beyond is dropped. */
  readonly raftQueueBytesMax: number;
  readonly raftQueueCountMax: number;
  /** Requests, or answers, waiting to be sent on one connection, in bytes. */
  readonly requestQueueBytesMax: number;
  /** Requests without an answer on one connection, counted by each end. */
  readonly pendingRequestsMax: number;
  /** Incoming connections; also links to addresses that are no peer's. */
  readonly connectionsMax: number;
  /** Streams at a time, each way. */
  readonly streamsMax: number;
  /** For a TCP connection to be made, in ms. */
  readonly connectTimeoutMs: number;
  /** For both ends to have introduced themselves, in ms. */
  readonly handshakeTimeoutMs: number;
  /** About the silence on a connection before it is tested with a ping, in ms. */
  readonly pingAfterMs: number;
  /** How long a ping may go without anything heard, or a write without progress, in ms. */
  readonly pingTimeoutMs: number;
  /** Silence that ends a stream, in ms; both ends ping while they work on it. */
  readonly streamIdleTimeoutMs: number;
  /** How long a connection to an address that is no peer's is kept for the next request, in ms. */
  readonly linkIdleMs: number;
  /** Wait before a connection is tried again: doubles from the first to the second, in ms. */
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  /** How long a connection to a peer's address is kept where another node answers, in ms. */
  readonly misledMs: number;
  /** For frames under way when the transport closes, in ms. */
  readonly closeTimeoutMs: number;
}

const MiB = 1024 * 1024;

export const defaultLimits: TransportLimits = {
  frameBytesMax: 65 * MiB,
  strangerFrameBytesMax: MiB,
  raftQueueBytesMax: 80 * MiB,
  raftQueueCountMax: 8192,
  requestQueueBytesMax: 128 * MiB,
  pendingRequestsMax: 8192,
  connectionsMax: 256,
  streamsMax: 8,
  connectTimeoutMs: 3000,
  handshakeTimeoutMs: 5000,
  pingAfterMs: 3000,
  pingTimeoutMs: 7000,
  streamIdleTimeoutMs: 30_000,
  linkIdleMs: 30_000,
  reconnectMinMs: 50,
  reconnectMaxMs: 2000,
  misledMs: 5000,
  closeTimeoutMs: 2000,
};

export interface TransportOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly logger: Logger;
  /** This node's id. */
  readonly id: NodeId;
  /** `host:port` at which the other nodes reach it; undefined for the one it listens on. */
  readonly advertisedAddress?: string;
  /** `host:port` to listen on; port 0 for any that is free. */
  readonly listenAddress: string;
  /** 16 hex digits; "" while the node has not joined. */
  readonly clusterId: string;
  /** Kinds of requests that are taken from nodes outside this node's cluster. */
  readonly allowStrangers: ReadonlySet<number>;
  /** Default: whoever is of the cluster may talk. */
  readonly agreement?: Agreement;
  /** The newest version of clusters that this node understands, by default the first. */
  readonly version?: number;
  readonly limits?: Partial<TransportLimits>;
  /** Told of every connection that is refused in its handshake: from where, and why. */
  readonly refused?: ((remoteAddress: string, reason: string) => void) | undefined;
  /** Draws a whole number from 0 to `limit` - 1, for the jitter of reconnection. */
  readonly random: (limit: number) => number;
}
