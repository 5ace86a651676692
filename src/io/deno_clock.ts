import { inNextTurn } from "./loop_turn.ts";
import { sinceBegin } from "./sleep_clock.ts";
import type { Clock, Timer } from "./types.ts";

/**
 * The machine's clock: time that never goes back by the system's clock that also counts sleep, or by
 * `performance.now` where that is it, and wall time by `Date.now`.
 */
export class DenoClock implements Clock {
  now(): number {
    return sinceBegin === undefined ? performance.now() : sinceBegin();
  }

  wallTime(): number {
    return Date.now();
  }

  after(delayMs: number, callback: () => void): Timer {
    if (delayMs === 0) return inNextTurn(callback);
    const id = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(id) };
  }
}

/**
 * The same, but that time stands while the machine sleeps, as timers do: for whoever measures by
 * them how busy this process was.
 */
export class AwakeClock extends DenoClock {
  override now(): number {
    return performance.now();
  }
}
