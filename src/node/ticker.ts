import type { Clock, Timer } from "../io/types.ts";
import type { Raft } from "../raft/raft.ts";
import type { NodeTiming } from "./types.ts";

export interface TickerParts {
  readonly raft: Pick<Raft, "elapse" | "act">;
  readonly clock: Clock;
  readonly timing: Pick<NodeTiming, "tickMs" | "electionTicks">;
  /** Called after the ticks of each timer. */
  readonly each: () => void;
}

/**
 * Tells the core of the time that passes, in ticks, and has it do what is due. When the event loop
 * was held up, messages of that time still wait to be read, the leader's heartbeats among them: what
 * would rest on their absence waits one more tick, in which they are read.
 */
export class Ticker {
  readonly #parts: TickerParts;
  #timer: Timer | undefined;
  #lastTick = 0;
  /** The last timer was late, and what rests on silence was left to the next. */
  #waited = false;

  constructor(parts: TickerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#lastTick = this.#parts.clock.now();
    this.#next();
  }

  #next(): void {
    const { raft, clock, timing: { tickMs }, each } = this.#parts;
    const dueAt = clock.now() + tickMs;
    this.#timer = clock.after(tickMs, () => {
      const late = clock.now() - dueAt >= tickMs;
      this.#next();
      this.catchUp();
      // Once only: a loop that is late again has had a turn, and so has read, in between.
      this.#waited = late && !this.#waited;
      raft.act(this.#waited);
      each();
    });
  }

  /**
   * Tells the core of the ticks that have passed. To be called before anything that rests on time,
   * so that a node which was frozen for a while does not answer from a lease that ran out meanwhile.
   */
  catchUp(): void {
    const { raft, clock, timing: { tickMs, electionTicks } } = this.#parts;
    const passed = Math.floor((clock.now() - this.#lastTick) / tickMs);
    if (passed <= 0) return;
    this.#lastTick += passed * tickMs;
    const ticks = Math.min(passed, 2 * electionTicks);
    for (let i = 0; i < ticks; i++) raft.elapse();
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
