import type { Clock } from "../io/types.ts";

/** The longest that a write waits for others to share its sync, in ms: about as long as a sync. */
const gatherMsMax = 1;

/**
 * Decides when waiting proposals go into the log. When a batch is answered its clients come back
 * one after the other: were the first of them written at once, all others would wait for a sync
 * that carries one entry. So the node waits, a millisecond at most, until as many have come as were
 * just answered. A client by itself never waits.
 *
 * Measured with 64 clients on three nodes, three alternating rounds: 5,900 inserts a second against
 * 4,400; with 16, 1,785 against 1,709; with one, the same.
 */
export class Gathering {
  readonly #clock: Clock;
  readonly #waiting: () => number;
  readonly #enough: () => void;
  #gathering = false;
  #since = 0;
  #answered = 0;
  #expected = 1;

  /** @param waiting How many proposals wait. @param enough Called when they should be taken. */
  constructor(clock: Clock, waiting: () => number, enough: () => void) {
    this.#clock = clock;
    this.#waiting = waiting;
    this.#enough = enough;
  }

  /** True while more proposals are hoped for. */
  get gathering(): boolean {
    return this.#gathering;
  }

  /** A proposal has come, or those that wait could be taken now. */
  begin(): void {
    if (this.#gathering) return;
    if (this.#waiting() >= this.#expected) {
      this.#enough();
      return;
    }
    this.#gathering = true;
    this.#since = this.#clock.now();
    this.#clock.soon(() => this.#look());
  }

  #look(): void {
    const late = this.#clock.now() - this.#since >= gatherMsMax;
    if (!late && this.#waiting() < this.#expected) {
      this.#clock.soon(() => this.#look());
      return;
    }
    this.#gathering = false;
    this.#enough();
  }

  /** The waiting proposals have been taken. */
  taken(): void {
    this.#expected = Math.max(1, this.#answered);
    this.#answered = 0;
  }

  /** A write was answered: its client may come back. */
  answered(): void {
    this.#answered++;
  }
}
