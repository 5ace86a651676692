import type { ClientActivity } from "./client_activity.ts";
import { ConnectionCount } from "./connection_count.ts";

/** How clients' connections are bounded. */
export interface ConnectionLimits {
  /** How long a new connection may take until its first request is there, in ms; 0 for no end. */
  readonly headerMsMax: number;
  /** How long a connection may be without a request, or take nothing of its answer, in ms; 0 for no end. */
  readonly idleMsMax: number;
  /** How long a body that is read at once may take, in ms. */
  readonly bodyMsMax: number;
  /** Connections at a time. */
  readonly connectionsMax: number;
}

/** Connections, as /status shows them. */
export interface ConnectionFigures {
  readonly open: number;
  readonly openMax: number;
  /** Closed at once since the start, as there were too many and none was idle. */
  readonly refused: number;
}

/** How often connections are looked at, in ms, at the least; often enough for shorter limits too. */
const lookMs = 1_000;

interface Seen {
  marks: number;
  sinceMs: number;
}

/**
 * Ends connections that cost and give nothing: those that are idle, silent or send drop by drop, and
 * the longest idle one when there are too many. What waits for this node is never ended.
 */
export class ConnectionWatch {
  readonly #limits: ConnectionLimits;
  readonly #count: ConnectionCount;
  readonly #connections = new Map<ClientActivity, Seen>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  /** @param count Of all threads that accept connections under these limits. */
  constructor(limits: ConnectionLimits, count = new ConnectionCount()) {
    this.#limits = limits;
    this.#count = count;
  }

  get figures(): ConnectionFigures {
    const { connectionsMax } = this.#limits;
    return { open: this.#count.open, openMax: connectionsMax, refused: this.#count.refused };
  }

  /** Watches a new connection; false when there are too many, and none is idle that could make room. */
  add(client: ClientActivity): boolean {
    if (this.#count.open >= this.#limits.connectionsMax && !this.#makeRoom()) {
      this.#count.refuse();
      return false;
    }
    this.#count.add(1);
    this.#connections.set(client, { marks: client.marks, sinceMs: performance.now() });
    if (!this.#stopped) this.#timer ??= this.#lookLater();
    return true;
  }

  remove(client: ClientActivity): void {
    // It may have made room already.
    if (this.#connections.delete(client)) this.#count.add(-1);
    if (this.#connections.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Ends no connection any more. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #lookLater(): ReturnType<typeof setTimeout> {
    const { headerMsMax, idleMsMax, bodyMsMax } = this.#limits;
    const limits = [headerMsMax, idleMsMax, bodyMsMax].filter((limit) => limit > 0);
    return setTimeout(() => this.#look(), Math.min(lookMs, ...limits));
  }

  #look(): void {
    const now = performance.now();
    for (const [client, seen] of this.#connections) {
      if (seen.marks !== client.marks) {
        seen.marks = client.marks;
        seen.sinceMs = now;
      } else if (this.#isOver(client, now - seen.sinceMs)) {
        client.end();
      }
    }
    this.#timer = this.#lookLater();
  }

  #isOver(client: ClientActivity, quietMs: number): boolean {
    const { headerMsMax, idleMsMax, bodyMsMax } = this.#limits;
    if (client.isServed) return client.isSending && quietMs >= bodyMsMax;
    const limit = client.requests === 0 ? headerMsMax : idleMsMax;
    return limit > 0 && quietMs >= limit;
  }

  /** Ends the connection that has been idle for longest. */
  #makeRoom(): boolean {
    if (this.#stopped) return false;
    // Connections that did something since they were looked at last are idle for less than that.
    let longest: ClientActivity | undefined;
    let sinceMs = Infinity;
    for (const [client, seen] of this.#connections) {
      if (client.isServed || seen.sinceMs >= sinceMs) continue;
      longest = client;
      sinceMs = seen.sinceMs;
    }
    if (longest === undefined) return false;
    this.#connections.delete(longest);
    this.#count.add(-1);
    longest.end();
    return true;
  }
}
