import { clearImmediate, setImmediate } from "node:timers";
import type { Clock, Timer } from "./types.ts";

/** The machine's clock: time that never goes back by `performance.now`, wall time by `Date.now`. */
export class DenoClock implements Clock {
  now(): number {
    return performance.now();
  }

  wallTime(): number {
    return Date.now();
  }

  after(delayMs: number, callback: () => void): Timer {
    if (delayMs === 0) {
      const id = setImmediate(callback);
      return { cancel: () => clearImmediate(id) };
    }
    const id = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(id) };
  }
}
