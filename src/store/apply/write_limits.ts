import type { Database } from "../../sqlite/mod.ts";

/** Instructions of SQLite's virtual machine that stand for one millisecond of a write's time limit. */
export const instructionsPerMs = 100_000;

/** Of a write without a limit of its own, in ms as above: what ends an endless one. */
const defaultLimitMs = 600_000;

/** On the main thread: instructions to a tick, and ticks that a statement may take. */
const quickInstructionsPerTick = 1_000;
const quickTicksMax = 3;

/** How much work a statement may be on a connection that writes: what goes beyond is interrupted. */
export class WriteLimits {
  readonly #quick: boolean;
  /** Ticks that the running statement has left; one is a millisecond's worth of instructions. */
  #ticksLeft = Number.POSITIVE_INFINITY;
  /** Whether it is time to give up, on the main thread or with what a transaction reads. */
  isLate: () => boolean = () => false;

  constructor(database: Database, quick: boolean) {
    this.#quick = quick;
    const instructions = quick ? quickInstructionsPerTick : instructionsPerMs;
    database.setProgressHandler(instructions, () => this.#isOver());
  }

  /** For the store's own SQL. */
  lift(): void {
    this.#ticksLeft = Number.POSITIVE_INFINITY;
  }

  /** Runs `body` without one, and goes on with what is left of it. */
  without<Result>(body: () => Result): Result {
    const left = this.#ticksLeft;
    this.lift();
    try {
      return body();
    } finally {
      this.#ticksLeft = left;
    }
  }

  /**
   * For a statement of an entry. One that was kept counts on from where its last run ended and so
   * may tick early: it gets one tick less, and is run again, freshly prepared, when that was not
   * enough.
   */
  set(timeoutMs: number, kept: boolean): void {
    this.#ticksLeft = this.#quick
      ? quickTicksMax
      : (timeoutMs > 0 ? timeoutMs : defaultLimitMs) - (kept ? 1 : 0);
  }

  #isOver(): boolean {
    if (this.#ticksLeft === Number.POSITIVE_INFINITY) return false;
    return --this.#ticksLeft <= 0 || this.isLate();
  }
}
