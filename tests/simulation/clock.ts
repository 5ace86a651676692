import { setImmediate } from "node:timers";
import type { Clock, Timer } from "../../src/io/types.ts";

interface Scheduled {
  readonly at: number;
  readonly callback: () => void;
}

/**
 * Time that passes only when a test says so. Timers run in the order of their times, those of one
 * time in the order made; between two of them all promise work that they set off is finished.
 */
export class SimulatedClock implements Clock {
  #now = 0;
  #wallStart: number;
  /** Ascending by time; among equals in the order made. */
  #scheduled: Scheduled[] = [];

  constructor(wallStart = Date.UTC(2026, 0, 1)) {
    this.#wallStart = wallStart;
  }

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#wallStart + Math.floor(this.#now);
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#scheduled.length;
  }

  /** Moves the wall clock alone, as an administrator or NTP does. */
  jumpWallTime(byMs: number): void {
    this.#wallStart += byMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer: Scheduled = { at: this.#now + Math.max(0, delayMs), callback };
    let low = 0;
    let high = this.#scheduled.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#scheduled[middle]?.at ?? 0) <= timer.at) low = middle + 1;
      else high = middle;
    }
    this.#scheduled.splice(low, 0, timer);
    return {
      cancel: () => {
        const position = this.#scheduled.indexOf(timer);
        if (position >= 0) this.#scheduled.splice(position, 1);
      },
    };
  }

  /** Resolves after `delayMs` of simulated time. */
  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve));
  }

  /** Finishes all promise work that can go on without time passing. */
  settle(): Promise<void> {
    return new Promise((resolve) => void setImmediate(resolve));
  }

  /** Goes to the next timer and runs it; false when there is none at or before `limit`. */
  async step(limit = Infinity): Promise<boolean> {
    await this.settle();
    const next = this.#scheduled[0];
    if (next === undefined || next.at > limit) return false;
    this.#scheduled.shift();
    this.#now = next.at;
    next.callback();
    await this.settle();
    return true;
  }

  /** Lets `durationMs` pass, running every timer that falls due. */
  async advance(durationMs: number): Promise<void> {
    const end = this.#now + durationMs;
    while (await this.step(end));
    this.#now = end;
  }

  /** Lets `durationMs` pass at once: the timers that fall due run, the work they set off does not. */
  jump(durationMs: number): void {
    this.#now += durationMs;
    const due = this.#scheduled.findIndex((timer) => timer.at > this.#now);
    const timers = this.#scheduled.splice(0, due < 0 ? this.#scheduled.length : due);
    for (const timer of timers) timer.callback();
  }

  /** Lets time pass until `condition` holds; false when it does not within `limitMs`. */
  async advanceUntil(condition: () => boolean, limitMs: number): Promise<boolean> {
    const end = this.#now + limitMs;
    await this.settle();
    while (!condition()) {
      if (!(await this.step(end))) return condition();
    }
    return true;
  }

  /** Runs `work` to its end, letting time pass while it waits. */
  async run<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const finish = () => {
      done = true;
    };
    work.then(finish, finish);
    await this.settle();
    while (!done) {
      if (!(await this.step()) && !done) throw new Error("Nothing left that could finish the work");
    }
    return work;
  }
}
