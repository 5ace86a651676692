import { Histogram } from "../../base/histogram.ts";
import type { Clock } from "../../io/types.ts";
import type { WriteTrace } from "../types.ts";
import { WriteTraces } from "./write_traces.ts";

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
  readonly #traces = new WriteTraces();

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

  /** One of those, at that index, is traced. */
  traced(index: number, trace: WriteTrace, at: number): void {
    this.#traces.proposed(index, trace, at);
  }

  /** All up to `index` may be applied. */
  committed(index: number): void {
    let first = this.#proposed[0];
    if (first === undefined || first.lastIndex > index) return;
    const now = this.#clock.now();
    this.#traces.committed(index, now);
    for (; first !== undefined && first.lastIndex <= index; first = this.#proposed[0]) {
      this.replicate.observe((now - first.at) / 1000, first.entries);
      this.#proposed.shift();
    }
  }

  /** This node leads no more: what it proposed may be replaced by other entries. */
  abandon(): void {
    this.#proposed.length = 0;
    this.#traces.abandon();
  }

  /** This node's disk has so many entries more, up to that index; they came then. */
  synced(since: number, entries: number, lastIndex: number): void {
    const now = this.#clock.now();
    this.sync.observe((now - since) / 1000, entries);
    this.#traces.synced(lastIndex, since, now);
  }

  /** The database has so many entries more, up to that index; it began then. */
  applied(since: number, entries: number, lastIndex: number): void {
    const now = this.#clock.now();
    this.apply.observe((now - since) / 1000, entries);
    this.#traces.applied(lastIndex, since, now);
  }
}
