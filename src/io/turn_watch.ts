import { repeat } from "./repeat.ts";
import type { Clock, Timer } from "./types.ts";

/** How often it looks, in ms: a turn is measured to within that. */
const periodMs = 10;
/** The last minute, in parts that are forgotten one by one. */
const partMs = 5_000;
const parts = 12;

/**
 * Measures how long the longest turn of the event loop was: the time in which no timer and no
 * message got through, because this thread was at work or the machine gave it no processor. It
 * looks by a timer of its own, since Deno has no such figure (that of `node:perf_hooks` stays at
 * microseconds through a turn of 600 ms), and so a turn counts for up to 10 ms less than it took.
 */
export class TurnWatch {
  readonly #clock: Clock;
  readonly #recent = new Array<number>(parts).fill(0);
  /** The part that now belongs to, counted from the clock's start. */
  #part = 0;
  #longestMs = 0;
  #lookedAt = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(): void {
    this.#lookedAt = this.#clock.now();
    this.#part = Math.floor(this.#lookedAt / partMs);
    this.#timer = repeat(this.#clock, periodMs, () => this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Since the start, in ms. */
  get longestMs(): number {
    this.#look();
    return this.#longestMs;
  }

  /** In the last minute, in ms. */
  get longestLatelyMs(): number {
    this.#look();
    return Math.max(...this.#recent);
  }

  #look(): void {
    const now = this.#clock.now();
    const turnMs = now - this.#lookedAt - periodMs;
    this.#lookedAt = now;
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
