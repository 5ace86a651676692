import type { Server } from "./server.ts";
import type { ReadIndexResponse, ReadMode } from "./types.ts";

/** Batches of reads that may wait for one answer; more are dropped at once. */
export const waitingReadsMax = 4096;

interface ForwardedRead {
  readonly context: number;
  readonly mode: ReadMode;
  ticks: number;
}

/**
 * Reads of a server that does not lead: it asks the leader for the index to wait for (6.4). Asks
 * again while no answer comes, and gives up when the leader changes.
 */
export class ForwardedReads {
  readonly #server: Server;
  readonly #waiting = new Map<number, ForwardedRead>();
  /** Begins at random: an answer meant for this server's run before a crash must fit no read of this one. */
  #lastContext: number;

  constructor(server: Server) {
    this.#server = server;
    this.#lastContext = server.options.random(0x1_0000_0000) * 0x1_0000;
  }

  ask(context: number, mode: ReadMode): void {
    const { outbox, leader } = this.#server;
    if (leader === "" || this.#waiting.size >= waitingReadsMax) {
      outbox.readsDropped.push(context);
      return;
    }
    const forwarded = ++this.#lastContext;
    this.#waiting.set(forwarded, { context, mode, ticks: 0 });
    this.#send(forwarded, mode);
  }

  answered(response: ReadIndexResponse): void {
    const read = this.#waiting.get(response.context);
    if (read === undefined) return;
    this.#waiting.delete(response.context);
    const { outbox } = this.#server;
    if (response.index === 0) outbox.readsDropped.push(read.context);
    else outbox.readStates.push({ context: read.context, index: response.index });
  }

  tick(): void {
    const { electionTicks, heartbeatTicks } = this.#server.options;
    for (const [forwarded, read] of this.#waiting) {
      read.ticks++;
      if (read.ticks >= 2 * electionTicks) {
        this.#waiting.delete(forwarded);
        this.#server.outbox.readsDropped.push(read.context);
      } else if (read.ticks % (2 * heartbeatTicks) === 0) {
        this.#send(forwarded, read.mode);
      }
    }
  }

  drop(): void {
    for (const { context } of this.#waiting.values()) {
      this.#server.outbox.readsDropped.push(context);
    }
    this.#waiting.clear();
  }

  #send(context: number, mode: ReadMode): void {
    const { outbox, id, leader, term } = this.#server;
    outbox.messages.push({ type: "read_index_request", from: id, to: leader, term, context, mode });
  }
}
