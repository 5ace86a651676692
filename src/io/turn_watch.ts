import { untilFull } from "../base/full_period.ts";
import type { Clock, Timer } from "./types.ts";

/** How often it looks while there is work, in ms: a turn is measured to within that. */
const watchfulMs = 10;
/** At rest: to wake up as often as that would be most of what a node at rest does. */
const restingMs = 5_000;
/** So many looks without work, and it rests. */
const looksMax = 25;
/** The last minute, in parts that are forgotten one by one. */
const partMs = 5_000;
const parts = 12;

/**
 * Measures how long the longest turn of the event loop was: the time in which no timer and no
 * message got through, because this thread was at work or the machine gave it no processor. It
 * looks by a timer of its own, since Deno has no such figure (that of `node:perf_hooks` stays at
 * microseconds through a turn of 600 ms), and so a turn counts for up to 10 ms less than it took, or
 * up to 7 s less where a node at rest was held up by what is no work of its own.
 */
export class TurnWatch {
  readonly #clock: Clock;
  readonly #workDone: () => number;
  readonly #recent = new Array<number>(parts).fill(0);
  /** The part that now belongs to, counted from the clock's start. */
  #part = 0;
  #longestMs = 0;
  /** When the timer is to call, or when it was last known to be late. */
  #dueAt = 0;
  #timer: Timer | undefined;
  #stirred = false;
  #resting = false;
  #looksWithoutWork = 0;
  #workSeen = 0;

  /**
   * @param clock One that stands while the machine sleeps, as its timers do.
   * @param workDone Grows with the work that nobody announces by `stir`.
   */
  constructor(clock: Clock, workDone: () => number) {
    this.#clock = clock;
    this.#workDone = workDone;
  }

  start(): void {
    this.#part = Math.floor(this.#clock.now() / partMs);
    this.#lookIn(watchfulMs);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** There is work to do now. */
  stir(): void {
    this.#stirred = true;
    if (!this.#resting) return;
    this.#resting = false;
    this.#note();
    this.#timer?.cancel();
    this.#lookIn(watchfulMs);
  }

  /** Since the start, in ms. */
  get longestMs(): number {
    this.#note();
    return this.#longestMs;
  }

  /** In the last minute, in ms. */
  get longestLatelyMs(): number {
    this.#note();
    return Math.max(...this.#recent);
  }

  #lookIn(delayMs: number): void {
    this.#dueAt = this.#clock.now() + delayMs;
    this.#timer = this.#clock.after(delayMs, () => {
      this.#note();
      this.#lookIn(this.#nextLookMs());
    });
  }

  #nextLookMs(): number {
    const workDone = this.#workDone();
    const worked = this.#stirred || workDone !== this.#workSeen;
    this.#stirred = false;
    this.#workSeen = workDone;
    this.#looksWithoutWork = worked ? 0 : this.#looksWithoutWork + 1;
    this.#resting = this.#looksWithoutWork >= looksMax;
    return this.#resting ? untilFull(restingMs, this.#clock.now()) : watchfulMs;
  }

  /** Whoever is asked before the timer, which is late, finds the same as it will. */
  #note(): void {
    const now = this.#clock.now();
    const turnMs = now - this.#dueAt;
    this.#forget(Math.floor(now / partMs));
    if (turnMs <= 0) return;
    const at = this.#part % parts;
    this.#recent[at] = Math.max(this.#recent[at] ?? 0, turnMs);
    this.#longestMs = Math.max(this.#longestMs, turnMs);
  }

  #forget(part: number): void {
    const passed = Math.min(part - this.#part, parts);
    for (let i = 1; i <= passed; i++) this.#recent[(this.#part + i) % parts] = 0;
    this.#part = part;
  }
}
