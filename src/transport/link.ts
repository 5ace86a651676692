import { messageOf } from "../base/message_of.ts";
import type { Timer } from "../io/types.ts";
import { type Message, type NodeId, nodeName } from "../raft/types.ts";
import { Channel, type ChannelOwner } from "./channel.ts";
import type { Frame } from "./frame.ts";
import { type Introduced, openConnection, withDeadline } from "./framed_connection.ts";
import type { Hello } from "./handshake.ts";
import type { Local } from "./local.ts";
import { RequestClient } from "./request_client.ts";
import { SendQueue } from "./send_queue.ts";
import { type NoConnection, type RequestOptions, TransportError } from "./types.ts";

/** With a request waiting, an attempt is made at least this long after the last one failed, in ms. */
const retryOnDemandMs = 250;

/** Who has links, and is told what becomes of them. */
export interface LinkOwner {
  /** The link has closed itself. */
  ended(): void;
  /** A member of this node's cluster answers at the address. */
  met(remote: Hello): void;
  /** A peer was not found at the address, or the connection to it broke. */
  lost(id: NodeId): void;
}

/**
 * The outgoing connection to one address, made again when it breaks: for as long as the address is
 * a peer's, otherwise when there is a request for it. Everything for a peer waits here and nowhere
 * else, so that one peer's slowness stays its own.
 */
export class Link implements ChannelOwner {
  readonly #local: Local;
  readonly address: string;
  readonly #owner: LinkOwner;
  readonly #queue: SendQueue;
  readonly #requests: RequestClient;
  #peerIds: ReadonlySet<NodeId> = new Set();
  #channel: Channel | undefined;
  #connectedAt = 0;
  #connecting = false;
  #failures = 0;
  #failedAt = 0;
  #retryAt = 0;
  #retry: Timer | undefined;
  #usedAt: number;
  #idleWatch: Timer;
  #closed = false;
  /** Waits for the next connection, or its failure. */
  #versionAsked: PromiseWithResolvers<number> | undefined;
  /** Another node than the peer answered last. */
  #misled = false;
  #misledWatch: Timer | undefined;

  constructor(local: Local, address: string, owner: LinkOwner) {
    this.#local = local;
    this.address = address;
    this.#owner = owner;
    this.#queue = new SendQueue(local.limits);
    this.#requests = new RequestClient({
      local,
      address,
      queue: this.#queue,
      wake: () => this.#wake(),
    });
    this.#usedAt = local.clock.now();
    this.#idleWatch = this.#watchIdleness();
  }

  get forPeer(): boolean {
    return this.#peerIds.size > 0;
  }

  /** The peers that have this address: usually one; none makes the link end when it is not needed. */
  setPeers(ids: ReadonlySet<NodeId>): void {
    this.#peerIds = ids;
    if (this.forPeer) {
      this.#watchPeer();
      if (this.#retry === undefined) this.#connect();
    } else if (this.#requests.pending === 0) {
      this.#endWhenDrained();
    } else if (this.#retry !== undefined) {
      this.#connect();
    }
  }

  /** Whether messages for the peer arrive over this link, as of now. */
  reaches(id: NodeId): boolean {
    const channel = this.#channel;
    return channel !== undefined && channel.remote.nodeId === id && channel.withMember;
  }

  /** Queues a Raft message, or drops it and says so. */
  send(message: Message): void {
    const channel = this.#channel;
    const deliverable = channel === undefined ? this.#connecting : accepts(channel, message);
    if (deliverable && this.#queue.addMessage(message)) channel?.wake();
    else this.#local.unreachable(message.to);
  }

  request(kind: number, payload: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    this.#usedAt = this.#local.clock.now();
    return this.#requests.request(kind, payload, options);
  }

  /** As `Transport.versionAt`. */
  version(timeoutMs: number): number | Promise<number> {
    this.#usedAt = this.#local.clock.now();
    if (this.#channel !== undefined) return this.#channel.remote.version;
    this.#versionAsked ??= Promise.withResolvers();
    this.#wake();
    return withDeadline(this.#versionAsked.promise, {
      clock: this.#local.clock,
      delayMs: timeoutMs,
      expire: () =>
        new TransportError("unreachable", `Node at ${this.address}: No connection in time`),
    });
  }

  checkVersion(): void {
    this.#channel?.checkVersion();
  }

  /** The node there has just shown that it is up, or this node joined a cluster. */
  poke(): void {
    if (this.#retry !== undefined) this.#connect();
    this.#channel?.wake();
  }

  async drained(): Promise<void> {
    await this.#channel?.drained();
  }

  /** Ends for good; what is pending fails. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#idleWatch.cancel();
    this.#retry?.cancel();
    this.#misledWatch?.cancel();
    if (this.#channel !== undefined) this.#channel.close("This node closed the connection");
    else this.#abandonQueue("unreachable", "This node closed the connection");
    this.#owner.ended();
  }

  frame(frame: Frame): void {
    this.#requests.frame(frame);
  }

  closed(why: string): void {
    this.#channel = undefined;
    if (!this.#closed) {
      const level = this.#misled ? "DEBUG" : "INFO";
      this.#local.logger.log(level, "transport", `Lost the connection to ${this.#name}: ${why}`);
      const lived = this.#local.clock.now() - this.#connectedAt;
      this.#failures = lived < this.#local.limits.reconnectMaxMs ? this.#failures + 1 : 1;
    }
    this.#failed("unreachable", `Node at ${this.address}: ${why}`);
  }

  get #name(): string {
    const names = [...this.#peerIds].map(nodeName).join(", ");
    return names === "" ? this.address : `${names} at ${this.address}`;
  }

  #wake(): void {
    if (this.#channel !== undefined) return this.#channel.wakeSoon();
    if (this.#retry === undefined) {
      this.#connect();
      return;
    }
    const retryAt = this.#failedAt + retryOnDemandMs;
    if (retryAt < this.#retryAt) this.#retryLater(Math.max(0, retryAt - this.#local.clock.now()));
  }

  async #connect(): Promise<void> {
    this.#retry?.cancel();
    this.#retry = undefined;
    if (this.#closed || this.#connecting || this.#channel !== undefined) return;
    this.#connecting = true;
    const clusterIdTold = this.#local.clusterId;
    try {
      const introduced = await openConnection(this.#local, this.address, "messages");
      this.#connecting = false;
      if (this.#closed) introduced.framed.connection.close();
      else this.#connected(introduced, clusterIdTold);
    } catch (error) {
      this.#connecting = false;
      if (this.#closed) return;
      this.#failures += 1;
      const kind = misfitOf(error) ?? "unreachable";
      // A peer's outage makes one line; who asked for another address gets the error itself.
      const outage = this.#failures === 1 && this.forPeer && kind === "unreachable";
      const level = outage ? "WARN" : "DEBUG";
      this.#local.logger.log(level, "transport", `No connection: ${messageOf(error)}`);
      this.#failed(kind, messageOf(error));
    }
  }

  #connected(introduced: Introduced, clusterIdTold: string): void {
    const channel = new Channel({
      local: this.#local,
      introduced,
      clusterIdTold,
      queue: this.#queue,
      owner: this,
    });
    this.#channel = channel;
    this.#connectedAt = this.#local.clock.now();
    this.#usedAt = this.#connectedAt;
    this.#local.logger.log(
      this.#misled ? "DEBUG" : "INFO",
      "transport",
      `Connected to ${nodeName(introduced.remote.nodeId)} at ${this.address}`,
    );
    for (const message of this.#queue.removeMessages((message) => !accepts(channel, message))) {
      this.#local.unreachable(message.to);
    }
    channel.start();
    this.#versionAsked?.resolve(introduced.remote.version);
    this.#versionAsked = undefined;
    if (channel.withMember) this.#owner.met(introduced.remote);
    this.#watchPeer();
  }

  /** Another node answers at the address of a peer. */
  get #isMisled(): boolean {
    const remote = this.#channel?.remote.nodeId;
    return remote !== undefined && this.forPeer && !this.#peerIds.has(remote);
  }

  /**
   * A peer's address where another node answers may soon be the peer's again, or its name lead
   * elsewhere, which only a new connection finds out.
   */
  #watchPeer(): void {
    this.#misled = this.#isMisled;
    if (!this.#misled || this.#misledWatch !== undefined) return;
    this.#misledWatch = this.#local.clock.after(this.#local.limits.misledMs, () => {
      this.#misledWatch = undefined;
      if (this.#isMisled && this.#requests.pending === 0) {
        this.#channel?.close("Another node answers there");
      } else this.#watchPeer();
    });
  }

  /** The connection broke or was not to be had; `why` names the address. */
  #failed(kind: NoConnection, why: string): void {
    this.#failedAt = this.#local.clock.now();
    this.#abandonQueue(kind, why);
    if (this.#closed) return;
    if (!this.forPeer) return this.close();
    for (const id of this.#peerIds) this.#owner.lost(id);
    const { reconnectMinMs, reconnectMaxMs } = this.#local.limits;
    const delay = Math.min(reconnectMaxMs, reconnectMinMs * 2 ** (this.#failures - 1));
    this.#retryLater(delay / 2 + this.#local.random(Math.ceil(delay / 2)));
  }

  #abandonQueue(kind: NoConnection, why: string): void {
    this.#requests.fail(kind, why);
    this.#versionAsked?.reject(new TransportError(kind, why));
    this.#versionAsked = undefined;
    for (const message of this.#queue.clear()) this.#local.unreachable(message.to);
  }

  #retryLater(delayMs: number): void {
    this.#retry?.cancel();
    this.#retryAt = this.#local.clock.now() + delayMs;
    this.#retry = this.#local.clock.after(delayMs, () => this.#connect());
  }

  #watchIdleness(): Timer {
    const { linkIdleMs } = this.#local.limits;
    return this.#local.clock.after(linkIdleMs, () => {
      const unused = this.#local.clock.now() - this.#usedAt >= linkIdleMs;
      if (unused && !this.forPeer && this.#requests.pending === 0) this.close();
      else this.#idleWatch = this.#watchIdleness();
    });
  }

  async #endWhenDrained(): Promise<void> {
    await this.drained();
    if (!this.forPeer && this.#requests.pending === 0) this.close();
  }
}

/** Why there is no connection although the other node answered; undefined when it did not. */
function misfitOf(error: unknown): "protocol" | "incompatible" | undefined {
  if (!(error instanceof TransportError)) return undefined;
  return error.kind === "protocol" || error.kind === "incompatible" ? error.kind : undefined;
}

/** Whether the node at the other end may be sent `message`: it must be the addressee, and a member. */
export function accepts(channel: Channel, message: Message): boolean {
  return channel.remote.nodeId === message.to && channel.withMember;
}
