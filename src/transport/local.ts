import { messageOf } from "../base/message_of.ts";
import type { Clock, Logger, Network } from "../io/types.ts";
import { firstVersion } from "../raft/cluster_version.ts";
import type { NodeId } from "../raft/types.ts";
import {
  clusterConflict,
  type Hello,
  type Purpose,
  type Rejection,
  versionConflict,
} from "./handshake.ts";
import { LifeWatch } from "./life_watch.ts";
import { LogLimiter } from "./log_limiter.ts";
import { defaultLimits, type TransportLimits, type TransportOptions } from "./options.ts";
import type { Agreement, Peer, TransportHandlers } from "./types.ts";
import { DisagreementError, ViolationError } from "./frame.ts";

/** What all connections of one transport share: this node's own identity and surroundings. */
export class Local {
  readonly network: Network;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For lines that a remote end can cause at will. */
  readonly remoteLog: LogLimiter;
  readonly limits: TransportLimits;
  readonly lives: LifeWatch;
  readonly random: (limit: number) => number;
  readonly id: NodeId;
  readonly address: string;
  readonly allowStrangers: ReadonlySet<number>;
  readonly refused: TransportOptions["refused"];
  readonly #agreement: Agreement | undefined;
  clusterId: string;
  /** As in TransportOptions. */
  readonly version: number;
  /** No other end may understand less. */
  versionMin = firstVersion;
  handlers: TransportHandlers | undefined;
  #unreachable = new Set<NodeId>();

  constructor(options: TransportOptions, listeningAddress: string) {
    this.network = options.network;
    this.clock = options.clock;
    this.logger = options.logger;
    this.remoteLog = new LogLimiter(options.clock, options.logger);
    this.limits = { ...defaultLimits, ...options.limits };
    this.lives = new LifeWatch(options.clock, this.limits);
    this.random = options.random;
    this.id = options.id;
    this.address = options.advertisedAddress ?? listeningAddress;
    this.allowStrangers = options.allowStrangers;
    this.refused = options.refused;
    this.#agreement = options.agreement;
    this.clusterId = options.clusterId;
    this.version = options.version ?? firstVersion;
  }

  hello(purpose: Purpose): Hello {
    return {
      clusterId: this.clusterId,
      nodeId: this.id,
      address: this.address,
      purpose,
      agreement: this.#agreement?.own ?? new Uint8Array(),
      version: this.version,
    };
  }

  /** What goes in the place of a hello to an end that does not fit. */
  rejection(error: unknown): Rejection {
    return { rejected: messageOf(error), version: this.version };
  }

  /** Whether this node and the other end are known to be in the same cluster, as of now. */
  isMember(remote: Hello): boolean {
    return this.clusterId !== "" && remote.clusterId === this.clusterId;
  }

  /** What the handlers are told about the other end. */
  peer(remote: Hello, remoteAddress: string): Peer {
    const { nodeId: id, address, version } = remote;
    return { id, address, remoteAddress, version, member: this.isMember(remote) };
  }

  /** The largest body of a frame that is taken from the other end. */
  frameBytesMax(remote: Hello): number {
    const { frameBytesMax, strangerFrameBytesMax } = this.limits;
    return this.isMember(remote) ? frameBytesMax : Math.min(frameBytesMax, strangerFrameBytesMax);
  }

  /** Throws a ViolationError for the node of another cluster, or one too old for this. */
  checkCluster(remote: Hello): void {
    const conflict = clusterConflict(this.clusterId, remote.clusterId) ??
      versionConflict(this.versionMin, remote);
    if (conflict !== undefined) throw new ViolationError(conflict);
  }

  /** Throws a DisagreementError when this node and the other end must not talk. */
  checkAgreement({ nodeId, address, agreement }: Hello): void {
    const refusal = this.#agreement?.refusal({ id: nodeId, address }, agreement);
    if (refusal !== undefined) throw new DisagreementError(refusal);
  }

  /** Tells the node that messages to `id` were lost: once for all losses of a moment, never from within a call of its own. */
  unreachable(id: NodeId): void {
    if (this.#unreachable.size === 0) queueMicrotask(() => this.#tellUnreachable());
    this.#unreachable.add(id);
  }

  #tellUnreachable(): void {
    const ids = this.#unreachable;
    this.#unreachable = new Set();
    for (const id of ids) this.handlers?.unreachable(id);
  }
}
