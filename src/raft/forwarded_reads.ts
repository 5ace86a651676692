import type { Server } from "./server.ts";
import type { ReadIndexResponse, ReadMode } from "./types.ts";

/** Batches of reads that may wait for one answer; more are dropped at once. */
export const waitingReadsMax = 4096;

/** The longest that an answer is waited for before the leader is asked again, in ticks. */
const patienceTicksMax = 4;

interface ForwardedRead {
  readonly mode: ReadMode;
  ticks: number;
}

/**
 * Reads of a server that does not lead: it asks the leader for the index to wait for (6.4). Asks
 * again while no answer comes, as the question or the answer may have been lost on the way, and gives
 * up when the leader changes.
 */
export class ForwardedReads {
  readonly #server: Server;
  /** By the context that they are asked under. */
  readonly #waiting = new Map<number, ForwardedRead>();

  constructor(server: Server) {
    this.#server = server;
  }

  /** Whether any is, and so has to be asked for again in time. */
  get waiting(): boolean {
    return this.#waiting.size > 0;
  }

  ask(context: number, mode: ReadMode): void {
    const { outbox, leader } = this.#server;
    if (leader === "" || this.#waiting.size >= waitingReadsMax) {
      outbox.readsDropped.push(context);
      return;
    }
    this.#waiting.set(context, { mode, ticks: 0 });
    this.#send(context, mode);
  }

  answered({ context, index }: ReadIndexResponse): void {
    if (!this.#waiting.delete(context)) return;
    const { outbox } = this.#server;
    if (index === 0) outbox.readsDropped.push(context);
    else outbox.readStates.push({ context, index });
  }

  tick(): void {
    const { electionTicks, heartbeatTicks } = this.#server.options;
    const patienceTicks = Math.min(2 * heartbeatTicks, patienceTicksMax);
    for (const [context, read] of this.#waiting) {
      read.ticks++;
      if (read.ticks >= 2 * electionTicks) {
        this.#waiting.delete(context);
        this.#server.outbox.readsDropped.push(context);
      } else if (read.ticks % patienceTicks === 0) {
        this.#send(context, read.mode);
      }
    }
  }

  drop(): void {
    for (const context of this.#waiting.keys()) this.#server.outbox.readsDropped.push(context);
    this.#waiting.clear();
  }

  #send(context: number, mode: ReadMode): void {
    const { outbox, id, leader, term } = this.#server;
    outbox.messages.push({ type: "read_index_request", from: id, to: leader, term, context, mode });
  }
}
