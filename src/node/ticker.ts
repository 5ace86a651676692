import type { Clock, Timer } from "../io/types.ts";
import type { Raft } from "../raft/raft.ts";
import type { NodeTiming } from "./types.ts";

/**
 * Tells the core of the time that passes, in ticks, and has it do what is due. When the event loop
 * was held up, messages of that time still wait to be read, the leader's heartbeats among them: what
 * would rest on their absence waits one more tick, in which they are read.
 */
export class Ticker {
  readonly #raft: Pick<Raft, "elapse" | "act">;
  readonly #clock: Clock;
  readonly #timing: NodeTiming;
  readonly #each: () => void;
  #timer: Timer | undefined;
  #lastTick = 0;
  /** The last timer was late, and what rests on silence was left to the next. */
  #waited = false;

  /** @param each Called after the ticks of each timer. */
  constructor(
    raft: Pick<Raft, "elapse" | "act">,
    clock: Clock,
    timing: NodeTiming,
    each: () => void,
  ) {
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
    const { tickMs } = this.#timing;
    const dueAt = this.#clock.now() + tickMs;
    this.#timer = this.#clock.after(tickMs, () => {
      const late = this.#clock.now() - dueAt >= tickMs;
      this.#next();
      this.catchUp();
      // Once only: a loop that is late again has had a turn, and so has read, in between.
      this.#waited = late && !this.#waited;
      this.#raft.act(this.#waited);
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
    for (let i = 0; i < ticks; i++) this.#raft.elapse();
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
