import type { Clock, Connection, Listener, Network } from "../../src/io/types.ts";

export interface SimulatedWiresOptions {
  readonly clock: Clock;
  /** How long bytes travel, in ms. */
  readonly latencyMs: number;
}

/** Bytes written and not yet read at which a writer waits. */
const windowBytes = 256 * 1024;

/** One direction of a connection. */
class Stream {
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #broken: Error | undefined;
  #wake: (() => void)[] = [];

  #change(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => void this.#wake.push(resolve));
  }

  arrive(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#change();
  }

  end(): void {
    this.#ended = true;
    this.#change();
  }

  break(error: Error): void {
    this.#broken = error;
    this.#change();
  }

  /** Resolves when there is room for another write. */
  async reserve(bytes: number): Promise<void> {
    while (this.#broken === undefined && !this.#ended && this.#bytes >= windowBytes) {
      await this.#wait();
    }
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#ended) throw new Error("Cannot write: the connection is closed");
    this.#bytes += bytes;
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#broken === undefined && !this.#ended && this.#chunks.length === 0) {
      await this.#wait();
    }
    if (this.#broken !== undefined) throw this.#broken;
    const chunk = this.#chunks[0];
    if (chunk === undefined) return null;
    const part = chunk.subarray(0, into.length);
    into.set(part);
    this.#bytes -= part.length;
    if (part.length === chunk.length) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(part.length);
    this.#change();
    return part.length;
  }
}

/** A host's queue of connections to be accepted at one address. */
class Waiting {
  readonly connections: Connection[] = [];
  closed = false;
  wake: (() => void) | undefined;
}

/**
 * TCP between named hosts: bytes arrive in order after a latency, writers wait for slow readers,
 * links between two hosts can be cut, which breaks their connections, and mended.
 */
export class SimulatedWires {
  #clock: Clock;
  #latencyMs: number;
  #listening = new Map<string, Waiting>();
  #cut = new Set<string>();
  #links = new Map<string, Set<(error: Error) => void>>();
  #portNext = 40000;

  constructor(options: SimulatedWiresOptions) {
    this.#clock = options.clock;
    this.#latencyMs = options.latencyMs;
  }

  /** The network as the host of this name sees it. */
  host(name: string): Network {
    return {
      listen: (address) => this.#listen(name, address),
      connect: (address, timeoutMs) => this.#connect(name, address, timeoutMs),
    };
  }

  #link(a: string, b: string): string {
    return a < b ? `${a}|${b}` : `${b}|${a}`;
  }

  /** Breaks the connections between two hosts and lets no new one come about. */
  cut(a: string, b: string): void {
    const link = this.#link(a, b);
    this.#cut.add(link);
    for (const breakIt of this.#links.get(link) ?? []) breakIt(new Error("Connection reset"));
    this.#links.delete(link);
  }

  mend(a: string, b: string): void {
    this.#cut.delete(this.#link(a, b));
  }

  #listen(host: string, address: string): Promise<Listener> {
    const port = Number(address.slice(address.lastIndexOf(":") + 1)) || this.#portNext++;
    const own = `${host}:${port}`;
    if (this.#listening.has(own)) {
      return Promise.reject(new Error(`Cannot listen on ${own}: the port is in use`));
    }
    const waiting = new Waiting();
    this.#listening.set(own, waiting);
    return Promise.resolve({
      address: own,
      accept: async () => {
        while (!waiting.closed && waiting.connections.length === 0) {
          await new Promise<void>((resolve) => {
            waiting.wake = resolve;
          });
        }
        return waiting.connections.shift() ?? null;
      },
      close: () => {
        waiting.closed = true;
        waiting.wake?.();
        this.#listening.delete(own);
      },
    });
  }

  async #connect(host: string, address: string, timeoutMs: number): Promise<Connection> {
    const peer = address.slice(0, address.lastIndexOf(":"));
    const link = this.#link(host, peer);
    const silent = this.#cut.has(link);
    const delayMs = silent ? timeoutMs : this.#latencyMs * 2;
    await new Promise<void>((resolve) => void this.#clock.after(delayMs, resolve));
    if (silent) throw new Error(`Cannot connect to ${address}: no answer within ${timeoutMs} ms`);
    const waiting = this.#listening.get(address);
    if (waiting === undefined) throw new Error(`Cannot connect to ${address}: Connection refused`);
    const there = new Stream();
    const back = new Stream();
    const breaks = this.#links.get(link) ?? new Set();
    this.#links.set(link, breaks);
    breaks.add((error) => {
      there.break(error);
      back.break(error);
    });
    waiting.connections.push(this.#end(`${host}:${this.#portNext++}`, there, back));
    waiting.wake?.();
    return this.#end(address, back, there);
  }

  #end(remoteAddress: string, incoming: Stream, outgoing: Stream): Connection {
    return {
      remoteAddress,
      read: (into) => incoming.read(into),
      write: async (bytes) => {
        const copy = bytes.slice();
        await outgoing.reserve(copy.length);
        this.#clock.after(this.#latencyMs, () => outgoing.arrive(copy));
      },
      close: () => {
        this.#clock.after(this.#latencyMs, () => outgoing.end());
        incoming.break(new Error("Cannot read: the connection is closed"));
      },
    };
  }
}
