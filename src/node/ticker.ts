import type { Clock, Timer } from "../io/types.ts";
import type { Raft } from "../raft/raft.ts";
import type { NodeTiming } from "./types.ts";

export interface TickerParts {
  readonly raft: Pick<Raft, "elapse" | "act" | "ticksUntilDue">;
  readonly clock: Clock;
  readonly timing: Pick<NodeTiming, "tickMs" | "electionTicks">;
  /** Called after the ticks of each timer. */
  readonly each: () => void;
  /** In how many ticks `each` will have something to do, unless something happens. */
  readonly ticksUntilDue: () => number;
}

/** The longest that it sleeps, in ticks: no count of those that pass meanwhile is cut short. */
const ticksMax = 100;

/**
 * Tells the core of the time that passes, in ticks, and has it do what is due. It sleeps until the
 * next tick at which something will be: a node at rest would do little else than wake up for ticks.
 *
 * When the event loop was held up, messages of that time still wait to be read, the leader's
 * heartbeats among them: what would rest on their absence waits one more tick, in which they are read.
 */
export class Ticker {
  readonly #parts: TickerParts;
  #timer: Timer | undefined;
  #lastTick = 0;
  /** When the timer calls. */
  #dueAt = 0;
  /** It calls at the next tick. */
  #isNext = false;
  /** The last timer was late, and what rests on silence was left to the next. */
  #waited = false;

  constructor(parts: TickerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#lastTick = this.#parts.clock.now();
    this.#sleep(1, this.#lastTick);
  }

  /** When the last tick passed that the core was told of, by the clock. */
  get lastTickAt(): number {
    return this.#lastTick;
  }

  /** Something happened, by which something may be due sooner. */
  hurry(): void {
    if (this.#isNext || this.#timer === undefined) return;
    const ticks = this.#ticksUntilDue();
    const { tickMs } = this.#parts.timing;
    if (this.#lastTick + ticks * tickMs >= this.#dueAt) return;
    this.#timer.cancel();
    this.#sleep(ticks, this.#lastTick);
  }

  #ticksUntilDue(): number {
    const { raft, ticksUntilDue } = this.#parts;
    return Math.max(1, Math.min(raft.ticksUntilDue, ticksUntilDue(), ticksMax));
  }

  /** So many ticks from `since` on. */
  #sleep(ticks: number, since: number): void {
    const { clock, timing: { tickMs } } = this.#parts;
    const now = clock.now();
    this.#dueAt = Math.max(now, since + ticks * tickMs);
    this.#isNext = ticks === 1;
    // At least a little: by the rounding of fractions the tick may not have passed when it is due.
    this.#timer = clock.after(Math.max(1, Math.ceil(this.#dueAt - now)), () => this.#tick());
  }

  #tick(): void {
    const { raft, clock, timing: { tickMs }, each } = this.#parts;
    const late = clock.now() - this.#dueAt >= tickMs;
    this.catchUp();
    // Once only: a loop that is late again has had a turn, and so has read, in between.
    this.#waited = late && !this.#waited;
    raft.act(this.#waited);
    each();
    // `each` may have been the end.
    if (this.#timer === undefined) return;
    if (this.#waited) this.#sleep(1, clock.now());
    else this.#sleep(this.#ticksUntilDue(), this.#lastTick);
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
    const ticks = Math.min(passed, Math.max(2 * electionTicks, ticksMax));
    for (let i = 0; i < ticks; i++) raft.elapse();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
