import { ByteWriter } from "../../src/base/bytes.ts";
import { checksum } from "../../src/base/checksum.ts";
import { Prng } from "../../src/base/prng.ts";
import { DenoClock } from "../../src/io/deno_clock.ts";
import { DenoNetwork } from "../../src/io/deno_network.ts";
import type { Clock, Connection, Logger, Network, Timer } from "../../src/io/types.ts";
import { firstVersion } from "../../src/raft/cluster_version.ts";
import type { Entry, Message } from "../../src/raft/types.ts";
import { FrameDecoder, type FrameType, writeFrame } from "../../src/transport/frame.ts";
import type { Frame } from "../../src/transport/frame.ts";
import { encodeOpening, type Hello, preambleBytes } from "../../src/transport/handshake.ts";
import type { TransportLimits, TransportOptions } from "../../src/transport/options.ts";
import { openTransport } from "../../src/transport/transport.ts";
import type { Agreement, Peer, Transport, TransportHandlers } from "../../src/transport/types.ts";

export const CLUSTER = "00000000000000aa";
export const OTHER_CLUSTER = "00000000000000bb";
/** A request kind that strangers may call, in every test node. */
export const OPEN_KIND = 7;

export const clock = new DenoClock();
export const network = new DenoNetwork();

/** A clock that goes when it is told to. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): Timer {
    if (delayMs === 0) return clock.after(0, callback);
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** How many timers wait. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Stands still for `ms` as a suspended process does: nothing runs meanwhile. */
  jump(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers]) {
      if (timer.at <= this.#now && this.#timers.delete(timer)) timer.callback();
    }
  }

  /** Lets `ms` pass in small steps, and what the sockets bring be dealt with at each. */
  async pass(ms: number): Promise<void> {
    for (const end = this.#now + ms; this.#now < end;) {
      this.jump(10);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

/** Waits until `condition` holds; fails with `what` after three minutes. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 180_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export class LogLines implements Logger {
  readonly lines: string[] = [];

  log(level: string, _room: string, message: string): void {
    this.lines.push(`${level} ${message}`);
  }

  matching(pattern: RegExp): string[] {
    return this.lines.filter((line) => pattern.test(line));
  }
}

export type RequestHandler = TransportHandlers["request"];
export type StreamHandler = TransportHandlers["stream"];

/** A transport with handlers that note what came. */
export class TestNode implements AsyncDisposable {
  readonly messages: Message[] = [];
  readonly unreachable: string[] = [];
  readonly log: LogLines;
  onRequest: RequestHandler = (_peer, _kind, payload) => Promise.resolve(payload);
  onStream: StreamHandler = async (_peer, _kind, _header, body) => {
    let length = 0;
    for await (const chunk of body) length += chunk.length;
    return new TextEncoder().encode(String(length));
  };

  constructor(readonly id: string, readonly transport: Transport, log: LogLines) {
    this.log = log;
    transport.start({
      message: (message) => void this.messages.push(message),
      unreachable: (id) => void this.unreachable.push(id),
      request: (peer: Peer, kind, payload, signal) => this.onRequest(peer, kind, payload, signal),
      stream: (peer, kind, header, body) => this.onStream(peer, kind, header, body),
    });
  }

  get address(): string {
    return this.transport.address;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.transport.close();
  }
}

export interface NodeOptions {
  readonly clusterId?: string;
  readonly listenAddress?: string;
  readonly limits?: Partial<TransportLimits>;
  readonly network?: Network;
  readonly clock?: Clock;
  readonly agreement?: Agreement;
  readonly version?: number;
}

export async function openNode(id: string, options: NodeOptions = {}): Promise<TestNode> {
  const log = new LogLines();
  const prng = new Prng(1n);
  const transportOptions: TransportOptions = {
    network: options.network ?? network,
    clock: options.clock ?? clock,
    logger: log,
    id,
    listenAddress: options.listenAddress ?? "127.0.0.1:0",
    clusterId: options.clusterId ?? CLUSTER,
    allowStrangers: new Set([OPEN_KIND]),
    limits: options.limits ?? {},
    ...options.agreement && { agreement: options.agreement },
    ...options.version && { version: options.version },
    random: (limit) => prng.below(limit),
  };
  return new TestNode(id, await openTransport(transportOptions), log);
}

/** Makes the nodes peers of each other. */
export function introduce(...nodes: TestNode[]): void {
  const peers = new Map(nodes.map((node) => [node.id, node.address]));
  for (const node of nodes) node.transport.setPeers(peers);
}

/** Sends heartbeats until one arrives; leaves nothing of them behind. */
export async function untilConnected(from: TestNode, to: TestNode): Promise<void> {
  let round = 1_000_000;
  const arrived = () =>
    to.messages.some((message) => message.type === "heartbeat_request" && message.round === round);
  const heard = () => to.messages.some((message) => message.from === from.id);
  await until(() => {
    from.transport.send([heartbeat(from.id, to.id, round)]);
    return heard();
  }, `${to.id} hears ${from.id}`);
  round += 1;
  from.transport.send([heartbeat(from.id, to.id, round)]);
  await until(arrived, `${to.id} has heard all of ${from.id}`);
  to.messages.length = 0;
}

export function heartbeat(from: string, to: string, round: number): Message {
  return { type: "heartbeat_request", from, to, term: 1, commitIndex: 0, round };
}

export function entry(index: number, data: Uint8Array, term = 1): Entry {
  return { term, index, type: 1, data, checksum: checksum(data) };
}

export function append(from: string, to: string, entries: readonly Entry[]): Message {
  return {
    type: "append_request",
    from,
    to,
    term: entries.at(-1)?.term ?? 1,
    prevLogIndex: (entries[0]?.index ?? 1) - 1,
    prevLogTerm: 0,
    commitIndex: 0,
    entries,
  };
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function string(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** One end of a connection by hand: sends what no transport would. */
export class RawPeer implements Disposable {
  readonly #decoder = new FrameDecoder(64 * 1024 * 1024);
  ended = false;

  constructor(readonly connection: Connection) {}

  static async connect(address: string): Promise<RawPeer> {
    return new RawPeer(await network.connect(address, 1000));
  }

  /** Connects and introduces itself, without the answer being read. */
  static async introduced(address: string, hello: Partial<Hello> = {}): Promise<RawPeer> {
    const peer = await RawPeer.connect(address);
    await peer.introduce(hello);
    return peer;
  }

  introduce(hello: Partial<Hello> = {}): Promise<void> {
    return this.connection.write(encodeOpening({
      clusterId: CLUSTER,
      nodeId: "raw",
      address: "127.0.0.1:1",
      purpose: "messages",
      agreement: new Uint8Array(),
      version: firstVersion,
      ...hello,
    }));
  }

  send(type: FrameType, body: (writer: ByteWriter) => void = () => {}): Promise<void> {
    const payload = new ByteWriter();
    body(payload);
    const writer = new ByteWriter();
    writeFrame(writer, type, payload.view());
    return this.connection.write(writer.view());
  }

  async #readMore(): Promise<boolean> {
    const count = await this.connection.read(this.#decoder.space()).catch(() => null);
    if (count === null) this.ended = true;
    else this.#decoder.advance(count);
    return count !== null;
  }

  /** The next frame; undefined at the end. */
  async frame(): Promise<Frame | undefined> {
    for (;;) {
      const frame = this.#decoder.next();
      if (frame !== undefined) return frame;
      if (!await this.#readMore()) return undefined;
    }
  }

  /** The frame behind the preamble; undefined at the end. */
  async opening(): Promise<Frame | undefined> {
    while (this.#decoder.peek(preambleBytes).length < preambleBytes) {
      if (!await this.#readMore()) return undefined;
    }
    this.#decoder.skip(preambleBytes);
    return await this.frame();
  }

  /** Reads until the other end closes. */
  async untilClosed(): Promise<void> {
    const scratch = new Uint8Array(4096);
    try {
      while (await this.connection.read(scratch) !== null);
    } catch {
      // A reset is an end, too.
    }
    this.ended = true;
  }

  [Symbol.dispose](): void {
    this.connection.close();
  }
}
