import { assert } from "../base/assert.ts";
import { type Message, type NodeId, nodeName } from "../raft/types.ts";
import { Acceptor } from "./acceptor.ts";
import { withDeadline } from "./framed_connection.ts";
import { Link } from "./link.ts";
import { Local } from "./local.ts";
import { agreementBytesMax, type Hello, isClusterId } from "./handshake.ts";
import type { TransportOptions } from "./options.ts";
import { StreamSender } from "./stream_sender.ts";
import {
  type RequestCall,
  type RequestOptions,
  type StreamCall,
  type Transport,
  TransportError,
  type TransportHandlers,
} from "./types.ts";
import { Whereabouts } from "./whereabouts.ts";

/** Listens, and connects to nobody yet. Throws what `network.listen` throws. */
export async function openTransport(options: TransportOptions): Promise<Transport> {
  assert(options.id !== "", "A transport needs the id of its node");
  const { length } = options.agreement?.own ?? [];
  assert(length <= agreementBytesMax, `An agreement of ${length} bytes does not fit in a hello`);
  const listener = await options.network.listen(options.listenAddress);
  return new TcpTransport(new Local(options, listener.address), listener);
}

class TcpTransport implements Transport {
  readonly address: string;
  readonly #local: Local;
  readonly #acceptor: Acceptor;
  /** Outgoing connections by address. */
  readonly #links = new Map<string, Link>();
  readonly #whereabouts = new Whereabouts();
  #streamsOut = 0;
  #closing: Promise<void> | undefined;

  constructor(local: Local, listener: ConstructorParameters<typeof Acceptor>[1]) {
    this.#local = local;
    this.address = listener.address;
    this.#acceptor = new Acceptor(local, listener, (remote) => this.#seen(remote));
  }

  start(handlers: TransportHandlers): void {
    assert(this.#local.handlers === undefined, "A transport starts once");
    assert(this.#closing === undefined, "A closed transport does not start");
    this.#local.handlers = handlers;
    this.#acceptor.run();
  }

  setPeers(peers: ReadonlyMap<NodeId, string>): void {
    if (this.#closing !== undefined) return;
    this.#whereabouts.setPeers(new Map([...peers].filter(([id]) => id !== this.#local.id)));
    this.#linkPeers();
  }

  #linkPeers(): void {
    const idsByAddress = this.#whereabouts.byAddress();
    for (const [address, ids] of idsByAddress) this.#linkTo(address).setPeers(ids);
    for (const [address, link] of [...this.#links]) {
      if (link.forPeer && !idsByAddress.has(address)) link.setPeers(new Set());
    }
  }

  setCluster(clusterId: string): void {
    const { clusterId: before } = this.#local;
    assert(isClusterId(clusterId), `Cluster id ${clusterId} is not 16 hex digits`);
    assert(before === "" || before === clusterId, `Node is in cluster ${before} already`);
    this.#local.clusterId = clusterId;
    for (const link of this.#links.values()) link.poke();
    this.#acceptor.tellCluster();
  }

  callerAddress(id: NodeId): string | undefined {
    return this.#acceptor.addressOf(id);
  }

  setVersion(version: number): void {
    if (version <= this.#local.versionMin) return;
    this.#local.versionMin = version;
    for (const link of this.#links.values()) link.checkVersion();
    this.#acceptor.checkVersions();
  }

  versionAt(address: string, timeoutMs: number): number | Promise<number> {
    const refusal = this.#refusal(address);
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#linkTo(address).version(timeoutMs);
  }

  addressOf(id: NodeId): string | undefined {
    return this.#peerLink(id)?.address;
  }

  send(messages: readonly Message[]): void {
    if (this.#closing !== undefined) return;
    for (const message of messages) {
      const link = this.#peerLink(message.to);
      if (link !== undefined) link.send(message);
      else if (!this.#acceptor.send(message)) this.#local.unreachable(message.to);
    }
  }

  request({ address, kind, payload }: RequestCall, options: RequestOptions): Promise<Uint8Array> {
    const refusal = this.#refusal(address);
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#linkTo(address).request(kind, payload, options);
  }

  async stream(call: StreamCall, options: RequestOptions): Promise<Uint8Array> {
    if (this.#closing !== undefined) throw new TransportError("unreachable", "Transport is closed");
    if (this.#streamsOut >= this.#local.limits.streamsMax) {
      throw new TransportError("overloaded", "Too many streams at a time");
    }
    this.#streamsOut += 1;
    try {
      return await new StreamSender(this.#local, call.address).send(call, options);
    } finally {
      this.#streamsOut -= 1;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#local.handlers = undefined;
    this.#acceptor.stopListening();
    const links = [...this.#links.values()];
    const drained = Promise.all([...links.map((link) => link.drained()), this.#acceptor.drained()]);
    const { clock, limits } = this.#local;
    try {
      await withDeadline(drained, {
        clock,
        delayMs: limits.closeTimeoutMs,
        expire: () => new Error("Out of time"),
      });
    } catch {
      // What could not be sent in time is lost with its connection.
    }
    for (const link of links) link.close();
    this.#acceptor.closeAll();
  }

  #linkTo(address: string): Link {
    let link = this.#links.get(address);
    if (link === undefined) {
      link = new Link(this.#local, address, {
        ended: () => this.#links.delete(address),
        met: (remote) => this.#hear(remote),
        lost: (id) => {
          if (!this.#peerLink(id)?.reaches(id)) this.#local.unreachable(id);
        },
      });
      this.#links.set(address, link);
    }
    return link;
  }

  /** Why nothing can be asked of an address, if so. */
  #refusal(address: string): TransportError | undefined {
    if (this.#closing !== undefined) {
      return new TransportError("unreachable", "Transport is closed");
    }
    if (this.#links.has(address) || this.#links.size < this.#local.limits.connectionsMax) {
      return undefined;
    }
    return new TransportError("overloaded", `No connection to ${address}: too many are open`);
  }

  /**
   * The link to a peer: to where the configuration has it, unless it is reached only where it says
   * that it is. Two that run with the same data are thereby not confused: the known one counts.
   */
  #peerLink(id: NodeId): Link | undefined {
    const configured = this.#whereabouts.configured(id);
    if (configured === undefined) return undefined;
    const known = this.#links.get(configured);
    const heard = this.#whereabouts.heard(id);
    if (heard === undefined || known?.reaches(id)) return known;
    return this.#links.get(heard) ?? known;
  }

  /** A member connected to this node: if it is a peer, it is worth connecting to it at once. */
  #seen(remote: Hello): void {
    this.#hear(remote);
    this.#peerLink(remote.nodeId)?.poke();
  }

  /** A member says where it is. */
  #hear({ nodeId, address }: Hello): void {
    if (this.#closing !== undefined || !this.#whereabouts.hear(nodeId, address)) return;
    const known = this.#whereabouts.configured(nodeId);
    if (known !== address) {
      const line = `${nodeName(nodeId)}, known to be at ${known}, says that it is at ${address}`;
      this.#local.logger.log("INFO", "transport", line);
    }
    this.#linkPeers();
  }
}
