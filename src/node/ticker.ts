import type { Clock, Timer } from "../io/types.ts";
import type { RaftCore } from "../raft/types.ts";
import type { NodeTiming } from "./types.ts";

/** Tells the core of the time that passes, in ticks. */
export class Ticker {
  readonly #raft: Pick<RaftCore, "tick">;
  readonly #clock: Clock;
  readonly #timing: NodeTiming;
  readonly #each: () => void;
  #timer: Timer | undefined;
  #lastTick = 0;

  /** @param each Called after the ticks of each timer. */
  constructor(raft: Pick<RaftCore, "tick">, clock: Clock, timing: NodeTiming, each: () => void) {
    this.#raft = raft;
    this.#clock = clock;
    this.#timing = timing;
    this.#each = each;
  }

  start(): void {
    this.#lastTick = this.#clock.now();
    this.#next();
  }

  #next(): void {
    this.#timer = this.#clock.after(this.#timing.tickMs, () => {
      this.#next();
      this.catchUp();
      this.#each();
    });
  }

  /**
   * Tells the core of the ticks that have passed. To be called before anything that rests on time,
   * so that a node which was frozen for a while does not answer from a lease that ran out meanwhile.
   */
  catchUp(): void {
    const { tickMs, electionTicks } = this.#timing;
    const passed = Math.floor((this.#clock.now() - this.#lastTick) / tickMs);
    if (passed <= 0) return;
    this.#lastTick += passed * tickMs;
    const ticks = Math.min(passed, 2 * electionTicks);
    for (let i = 0; i < ticks; i++) this.#raft.tick();
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
