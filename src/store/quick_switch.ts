import type { Clock, Logger } from "../io/types.ts";
import type { Library } from "../sqlite/mod.ts";
import type { LifeCycle } from "./life_cycle.ts";

/** What a connection of the main thread is made of. */
export interface QuickParts {
  readonly library: Library;
  readonly path: string;
  readonly foreignKeys: boolean;
  readonly life: LifeCycle;
  /** One for all of them: they have one disk. */
  readonly quickSwitch: Pick<QuickSwitch, "isOn" | "took">;
  readonly clock: Clock;
}

/**
 * A call on the main thread that takes so long, in ms, has waited for something: what it may do by
 * itself is bounded to a few milliseconds. Half of what a follower waits for its leader at least;
 * and longer than a machine that is merely busy keeps a thread from running (seen: 50 ms and more).
 */
const longMs = 250;
/** For how long the Workers then have all the work, in ms: at first, and at most. */
const shortestOffMs = 1_000;
const longestOffMs = 60_000;

/**
 * Whether reads and writes may be tried on the main thread. A disk that hangs would hold it up, and
 * with it all that a node does; so the first call that took long is the last for a while. It is on
 * again after a second, and after twice as long, up to a minute, whenever it goes off within a
 * minute of that.
 */
export class QuickSwitch {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #off = false;
  #offMs = 0;
  /** When it is on again, or was the last time. */
  #onAt = Number.NEGATIVE_INFINITY;
  #timesOff = 0;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** For /status. */
  get status(): { readonly on: boolean; readonly timesOff: number } {
    return { on: this.isOn(this.#clock.now()), timesOff: this.#timesOff };
  }

  /** Whether a call may begin, at `now` by the clock that all calls are measured with. */
  isOn(now: number): boolean {
    if (!this.#off) return true;
    if (now < this.#onAt) return false;
    this.#off = false;
    this.#logger.log("INFO", "store", "Short reads and writes are tried on the main thread again");
    return true;
  }

  /** To be told when each call began and ended. */
  took(startedAt: number, endedAt: number): void {
    const tookMs = endedAt - startedAt;
    if (tookMs < longMs) return;
    const again = endedAt - this.#onAt < longestOffMs;
    this.#offMs = again ? Math.min(longestOffMs, this.#offMs * 2) : shortestOffMs;
    this.#onAt = endedAt + this.#offMs;
    this.#off = true;
    this.#timesOff++;
    this.#logger.log(
      "WARN",
      "store",
      `The database held the main thread up for ${Math.round(tookMs)} ms: ` +
        `for ${this.#offMs / 1000} s other threads have all reads and writes`,
    );
  }
}
