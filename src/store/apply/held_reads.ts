import type { Clock } from "../../io/types.ts";
import type { LibraryLocation } from "../../sqlite/mod.ts";
import type { Holder, LifeCycle } from "../life_cycle.ts";
import type { Threads } from "../threads.ts";
import { type HeldRead, StoreBusyError } from "../types.ts";
import { HeldReadsWorker } from "./held_reads_at_worker.ts";

/** What may be held at a time: each keeps the WAL from being begun anew. */
const heldMax = 256;

export interface HeldReadsParts {
  readonly library: LibraryLocation;
  readonly path: string;
  readonly foreignKeys: () => boolean;
  readonly life: LifeCycle;
  readonly threads: Threads;
  readonly clock: Clock;
  /** How many threads may read, each started when first needed. */
  readonly threadsMax: number;
}

/**
 * What transactions hold while they only read: the database as it is committed at their first read,
 * whatever is written meanwhile. Each has a connection of its own, at one of a few threads: those
 * at the same one wait for each other's statements.
 */
export class HeldReads implements Holder {
  readonly #parts: HeldReadsParts;
  readonly #workers: HeldReadsWorker[] = [];
  #held = 0;
  /** Set while what comes has to wait. */
  #calming: Promise<void> | undefined;
  #calm: (() => void) | undefined;

  constructor(parts: HeldReadsParts) {
    this.#parts = parts;
    parts.life.hold(this);
  }

  /** Holds what is committed now. Rejects with a StoreBusyError when too much is held. */
  async hold(): Promise<HeldRead> {
    while (this.#calming !== undefined) await this.#calming;
    if (this.#held >= heldMax) {
      throw new StoreBusyError(`Too many transactions read (${heldMax}), try again later`);
    }
    this.#held++;
    let isHeld = true;
    const letGo = () => {
      if (isHeld) this.#held--;
      isHeld = false;
      if (this.#held === 0) this.#calm?.();
    };
    try {
      return await this.#parts.life.whenOpen(() => this.#leastBusy().hold(letGo));
    } catch (error) {
      letGo();
      throw error;
    }
  }

  /**
   * Runs `body` when nothing is held, or after `waitMs` all the same, and then, with `cutOff`, when
   * what was held is lost; what is to be held meanwhile waits.
   */
  async whileCalm(waitMs: number, cutOff: boolean, body: () => Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#calming = promise;
    try {
      const isLate = this.#held > 0 && await this.#isLate(waitMs);
      if (isLate && cutOff) await this.#parts.life.whenOpen(() => this.release());
      await body();
    } finally {
      this.#calming = undefined;
      resolve();
    }
  }

  /** Waits until nothing is held; resolves with whether that has taken too long. */
  #isLate(waitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const late = this.#parts.clock.after(waitMs, () => resolve(true));
      this.#calm = () => {
        late.cancel();
        resolve(false);
      };
    });
  }

  #leastBusy(): HeldReadsWorker {
    const load = ({ pending, held }: HeldReadsWorker) => pending * heldMax + held;
    const [least] = this.#workers.toSorted((a, b) => load(a) - load(b));
    if (least !== undefined && load(least) === 0) return least;
    if (least !== undefined && this.#workers.length >= this.#parts.threadsMax) return least;
    const another = new HeldReadsWorker(this.#parts);
    this.#workers.push(another);
    return another;
  }

  async release(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.release()));
  }

  refuse(): void {
    this.#calm?.();
  }

  fail(error: Error): void {
    for (const worker of this.#workers) worker.fail(error);
  }

  end(): void {
    for (const worker of this.#workers) worker.end();
  }
}
