import { Histogram } from "../../base/histogram.ts";
import type { Clock } from "../../io/types.ts";

/** Batches whose commit is measured at a time; of more, the oldest are not. */
const batchesMax = 1024;

interface ProposedBatch {
  readonly lastIndex: number;
  readonly entries: number;
  readonly at: number;
}

/**
 * Where the time of a write goes, in seconds, each entry counted by itself: it waits to be proposed,
 * is then made durable here (`sync`) and at a majority (`replicate`, which contains the sync), and
 * applied. A follower has only syncs and applies.
 */
export class WriteStages {
  readonly wait = new Histogram();
  readonly sync = new Histogram();
  readonly replicate = new Histogram();
  readonly apply = new Histogram();
  readonly #clock: Clock;
  readonly #proposed: ProposedBatch[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** By the node's clock, in ms. */
  now(): number {
    return this.#clock.now();
  }

  /** So many entries up to that index were just proposed. */
  proposed(lastIndex: number, entries: number, at: number): void {
    if (this.#proposed.length === batchesMax) this.#proposed.shift();
    this.#proposed.push({ lastIndex, entries, at });
  }

  /** All up to `index` may be applied. */
  committed(index: number): void {
    let first = this.#proposed[0];
    if (first === undefined || first.lastIndex > index) return;
    const now = this.#clock.now();
    for (; first !== undefined && first.lastIndex <= index; first = this.#proposed[0]) {
      this.replicate.observe((now - first.at) / 1000, first.entries);
      this.#proposed.shift();
    }
  }

  /** This node leads no more: what it proposed may be replaced by other entries. */
  abandon(): void {
    this.#proposed.length = 0;
  }

  /** A stage of so many entries that began then is over. */
  ended(stage: "sync" | "apply", since: number, entries = 1): void {
    this[stage].observe((this.#clock.now() - since) / 1000, entries);
  }
}
