import type { Clock, Timer } from "../io/types.ts";
import type { TransportLimits } from "./options.ts";

/** A connection whose other end may be gone. */
export interface Watched {
  /** When something will be due that `checkLife` does, as things stand. */
  readonly lifeDueAt: number;
  /** Does what is due at `now`, or would be within `slackMs`. */
  checkLife(now: number, slackMs: number): void;
}

/**
 * Looks after all connections by one timer: each look wakes a node at rest up, so what would be due soon
 * after is done in the same. No timer is set anew by what arrives, as Deno's timers wake a program
 * even where they have been cancelled.
 */
export class LifeWatch {
  readonly #clock: Clock;
  /** Between two looks at most: what begins meanwhile is due no earlier than that. */
  readonly #longestMs: number;
  readonly #slackMs: number;
  readonly #watched = new Set<Watched>();
  #timer: Timer | undefined;

  constructor(clock: Clock, { pingAfterMs, pingTimeoutMs }: TransportLimits) {
    this.#clock = clock;
    this.#longestMs = Math.min(pingAfterMs, pingTimeoutMs);
    this.#slackMs = this.#longestMs / 3;
  }

  add(watched: Watched): void {
    this.#watched.add(watched);
    if (this.#timer === undefined) this.#lookIn(this.#longestMs);
  }

  remove(watched: Watched): void {
    this.#watched.delete(watched);
    if (this.#watched.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #lookIn(delayMs: number): void {
    const due = this.#clock.now() + delayMs;
    this.#timer = this.#clock.after(delayMs, () => {
      const now = this.#clock.now();
      // After a standstill of this process, what came meanwhile must be read first.
      const standstillMs = this.#longestMs / 2;
      if (now - due >= standstillMs) return this.#lookIn(standstillMs);
      for (const watched of [...this.#watched]) watched.checkLife(now, this.#slackMs);
      if (this.#watched.size > 0) this.#lookIn(this.#untilNext(now));
    });
  }

  #untilNext(now: number): number {
    let due = now + this.#longestMs;
    for (const { lifeDueAt } of this.#watched) due = Math.min(due, lifeDueAt);
    return Math.max(this.#slackMs, due - now);
  }
}
