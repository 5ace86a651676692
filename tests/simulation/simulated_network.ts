import type { Prng } from "../../src/base/prng.ts";
import { firstVersion } from "../../src/raft/cluster_version.ts";
import type { Message, NodeId } from "../../src/raft/types.ts";
import {
  type Peer,
  type RequestCall,
  type RequestOptions,
  type StreamCall,
  type Transport,
  TransportError,
  type TransportHandlers,
} from "../../src/transport/types.ts";
import { Whereabouts } from "../../src/transport/whereabouts.ts";
import type { TransportOptions } from "../../src/transport/options.ts";
import type { EventQueue } from "./event_queue.ts";
import type { SimulatedProcess, VirtualClock } from "./virtual_clock.ts";

/** What the network does to a message, each with its probability. */
export interface NetworkFaults {
  readonly latencyMsMin: number;
  readonly latencyMsMax: number;
  readonly loss: number;
  readonly duplicate: number;
  /** A message that takes far longer than those sent after it. */
  readonly straggle: number;
  readonly straggleMsMax: number;
  /** A connection that breaks under a request or a chunk of a stream. */
  readonly interrupt: number;
}

/** What the network has done, for the summary. */
export interface NetworkCounts {
  delivered: number;
  lost: number;
  duplicated: number;
  straggled: number;
  blocked: number;
  interrupted: number;
}

/** Sees every Raft message when it is sent and when it arrives. */
export interface NetworkObserver {
  sent(message: Message): void;
  arrived(message: Message): void;
}

/** How long a caller waits for a connection that is silently cut, at least. */
const silenceMs = 200;

/** The wires between all nodes: one for all, with the faults of the moment. */
export class SimulatedNetwork {
  readonly counts: NetworkCounts = {
    delivered: 0,
    lost: 0,
    duplicated: 0,
    straggled: 0,
    blocked: 0,
    interrupted: 0,
  };
  faults: NetworkFaults;
  readonly #queue: EventQueue;
  readonly #random: Prng;
  readonly #endpoints = new Map<string, SimulatedTransport>();
  readonly #cut = new Set<string>();

  constructor(
    queue: EventQueue,
    random: Prng,
    faults: NetworkFaults,
    readonly observer: NetworkObserver,
  ) {
    this.#queue = queue;
    this.#random = random;
    this.faults = faults;
  }

  attach(endpoint: SimulatedTransport): void {
    this.#endpoints.set(endpoint.address, endpoint);
  }

  endpoint(address: string): SimulatedTransport | undefined {
    const endpoint = this.#endpoints.get(address);
    return endpoint?.process.alive ? endpoint : undefined;
  }

  /** Nothing gets from one address to the other any more; the way back is another matter. */
  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  /** All partitions end. */
  heal(): void {
    this.#cut.clear();
  }

  passable(from: string, to: string): boolean {
    return !this.#cut.has(`${from}>${to}`);
  }

  latencyMs(): number {
    const { latencyMsMin, latencyMsMax, straggle, straggleMsMax } = this.faults;
    const spread = latencyMsMax - latencyMsMin;
    const latencyMs = latencyMsMin + this.#random.uint32() / 0x1_0000_0000 * spread;
    if (!this.#random.chance(straggle)) return latencyMs;
    this.counts.straggled++;
    return latencyMs + this.#random.below(straggleMsMax + 1);
  }

  /** One Raft message, which may arrive never, once, or twice, in any order. */
  send(from: SimulatedTransport, address: string, message: Message): void {
    this.observer.sent(message);
    if (this.#random.chance(this.faults.loss)) {
      this.counts.lost++;
      if (this.#random.chance(0.3)) this.#reportUnreachable(from, message.to);
      return;
    }
    const copies = this.#random.chance(this.faults.duplicate) ? 2 : 1;
    if (copies === 2) this.counts.duplicated++;
    for (let copy = 0; copy < copies; copy++) {
      this.#queue.schedule(this.latencyMs(), () => this.#deliver(from, address, message));
    }
  }

  #deliver(from: SimulatedTransport, address: string, message: Message): void {
    const target = this.endpoint(address);
    if (!this.passable(from.address, address)) {
      this.counts.blocked++;
      if (this.#random.chance(0.3)) this.#reportUnreachable(from, message.to);
      return;
    }
    // Nobody gets what is meant for another server, which may have been at this address, nor does a stranger.
    if (target === undefined || target.id !== message.to || !target.member) {
      this.#reportUnreachable(from, message.to);
      return;
    }
    target.process.run(() => {
      this.counts.delivered++;
      this.observer.arrived(message);
      target.met(from.id, from.address);
      target.handlers?.message(message);
    });
  }

  #reportUnreachable(from: SimulatedTransport, id: NodeId): void {
    this.#queue.schedule(1, () => from.process.run(() => from.handlers?.unreachable(id)));
  }

  /** The end of a connection is noticed at its other end. */
  reset(noticed: () => void): void {
    this.#queue.schedule(this.latencyMs(), noticed);
  }

  /**
   * One leg of a conversation on a connection: `arrive` runs at the other end, or, after a while,
   * `broken` at whichever end waits for it.
   */
  leg(
    from: SimulatedTransport,
    to: SimulatedTransport,
    arrive: () => void,
    waiting: SimulatedProcess,
    broken: () => void,
  ): void {
    const breaks = this.#random.chance(this.faults.interrupt);
    this.#queue.schedule(this.latencyMs(), () => {
      if (!breaks && to.process.alive && this.passable(from.address, to.address)) {
        // A frozen program may die before it gets to read.
        const forget = to.process.onDeath(() => this.reset(() => waiting.run(broken)));
        to.process.run(() => {
          forget();
          arrive();
        });
        return;
      }
      this.counts.interrupted++;
      const reset = breaks || !to.process.alive;
      this.#queue.schedule(reset ? 1 : silenceMs, () => waiting.run(broken));
    });
  }
}

/** What one node has of the network. */
export class SimulatedTransport implements Transport {
  handlers: TransportHandlers | undefined;
  /** Whether it knows its cluster: a stranger is asked nothing and told nothing by the members. */
  member: boolean;
  readonly #whereabouts = new Whereabouts();
  /** Who has sent something: can be answered on the same connection without being a known peer. */
  readonly #guests = new Map<NodeId, string>();

  readonly id: NodeId;
  readonly address: string;
  readonly version: number;

  constructor(
    options: Pick<TransportOptions, "id" | "listenAddress" | "clusterId" | "version">,
    readonly process: SimulatedProcess,
    readonly clock: VirtualClock,
    readonly network: SimulatedNetwork,
  ) {
    this.id = options.id;
    this.address = options.listenAddress;
    this.member = options.clusterId !== "";
    this.version = options.version ?? firstVersion;
    network.attach(this);
  }

  start(handlers: TransportHandlers): void {
    this.handlers = handlers;
  }

  setPeers(peers: ReadonlyMap<NodeId, string>): void {
    this.#whereabouts.setPeers(new Map([...peers].filter(([id]) => id !== this.id)));
  }

  setCluster(): void {
    this.member = true;
  }

  setVersion(): void {}

  versionAt(address: string): Promise<number> | number {
    const version = this.network.endpoint(address)?.version;
    return version ?? Promise.reject(new TransportError("unreachable", `Nobody at ${address}`));
  }

  met(id: NodeId, address: string): void {
    this.#guests.set(id, address);
    this.hear({ id, address });
  }

  hear({ id, address }: Pick<SimulatedTransport, "id" | "address">): void {
    this.#whereabouts.hear(id, address);
  }

  callerAddress(id: NodeId): string | undefined {
    return this.#guests.get(id);
  }

  addressOf(id: NodeId): string | undefined {
    const configured = this.#whereabouts.configured(id);
    if (configured === undefined || this.network.endpoint(configured)?.id === id) return configured;
    return this.#whereabouts.heard(id) ?? configured;
  }

  send(messages: readonly Message[]): void {
    if (!this.process.alive) return;
    for (const message of messages) {
      const address = this.addressOf(message.to) ?? this.#guests.get(message.to);
      if (address !== undefined) this.network.send(this, address, message);
    }
  }

  #asPeer(): Peer {
    const { id, address, member, version } = this;
    return { id, address, remoteAddress: address, member, version };
  }

  request({ address, kind, payload }: RequestCall, options: RequestOptions): Promise<Uint8Array> {
    return this.#converse(address, options, (target, signal, answer, fail) => {
      if (target.handlers === undefined) return fail(starting(address));
      target.handlers.request(this.#asPeer(), kind, payload, signal).then(answer, fail);
    });
  }

  stream(
    { address, kind, header, body }: StreamCall,
    options: RequestOptions,
  ): Promise<Uint8Array> {
    const chunks = body[Symbol.asyncIterator]();
    const answered = this.#converse(address, options, (target, _signal, answer, fail) => {
      const received = this.#receive(target, chunks);
      if (target.handlers === undefined) return fail(starting(address));
      // As the program's own transport has it: a node that has not joined takes no snapshot.
      if (!this.member || !target.member) return fail(new Error("Streams are for members only"));
      target.handlers.stream(this.#asPeer(), kind, header, received).then(answer, fail);
    });
    return answered.finally(() => chunks.return?.());
  }

  /** The body as the other end sees it: each chunk is fetched when it is asked for. */
  async *#receive(
    target: SimulatedTransport,
    chunks: AsyncIterator<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    for (;;) {
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        const broken = () => reject(new TransportError("interrupted", "Stream broke off"));
        const waiting = target.process;
        const fetch = () => {
          // It may die before it has the chunk.
          const forget = this.process.onDeath(() => this.network.reset(() => waiting.run(broken)));
          const send = (arrive: () => void) => {
            forget();
            if (this.process.alive) this.network.leg(this, target, arrive, waiting, broken);
          };
          chunks.next().then((result) => send(() => resolve(result)), () => send(broken));
        };
        this.network.leg(target, this, fetch, waiting, broken);
      });
      if (next.done) return;
      yield next.value;
    }
  }

  /** A question that is delivered at most once, and its answer, with all that can go wrong between. */
  #converse(
    address: string,
    options: RequestOptions,
    deliver: (
      target: SimulatedTransport,
      signal: AbortSignal,
      answer: (bytes: Uint8Array) => void,
      fail: (error: Error) => void,
    ) => void,
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (!this.process.alive) return;
      const abort = new AbortController();
      const timer = this.clock.after(options.timeoutMs, () => {
        abort.abort();
        reject(new TransportError("timeout", `No answer from ${address} in time`));
      });
      const refuse = (error: TransportError) => {
        timer.cancel();
        reject(error);
      };
      const interrupted = () =>
        refuse(new TransportError("interrupted", `Connection to ${address} broke`));
      const target = this.network.endpoint(address);
      if (target === undefined) {
        refuse(new TransportError("unreachable", `Nobody listens at ${address}`));
        return;
      }
      options.signal?.addEventListener("abort", () => {
        abort.abort();
        refuse(new TransportError("aborted", "Caller gave up"));
      });
      this.network.leg(
        this,
        target,
        () => {
          // As with the hellos of a connection.
          if (this.member && target.member) {
            target.hear(this);
            this.hear(target);
          }
          // A connection ends with the program at its other end.
          const forget = target.process.onDeath(() =>
            this.network.reset(() => this.process.run(interrupted))
          );
          const back = (settle: () => void) => {
            forget();
            this.network.leg(target, this, settle, this.process, interrupted);
          };
          deliver(
            target,
            abort.signal,
            (bytes) =>
              back(() => {
                timer.cancel();
                resolve(bytes);
              }),
            (error) => back(() => refuse(new TransportError("refused", error.message))),
          );
        },
        this.process,
        interrupted,
      );
    });
  }

  close(): Promise<void> {
    this.handlers = undefined;
    return Promise.resolve();
  }
}

/** What a node answers that listens and has not come far enough to take anything yet. */
function starting(address: string): TransportError {
  return new TransportError("overloaded", `The node at ${address} is starting`);
}
