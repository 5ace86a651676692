import type { Clock, Timer } from "./types.ts";

/** The machine's clock: time that never goes back by `performance.now`, wall time by `Date.now`. */
export class DenoClock implements Clock {
  /** Made when first used: an open port keeps a program alive. */
  #turns: MessageChannel | undefined;
  #soon: (() => void)[] = [];

  now(): number {
    return performance.now();
  }

  wallTime(): number {
    return Date.now();
  }

  // A message to itself takes 10 to 30 µs; a timer of no delay takes a millisecond and more.
  soon(callback: () => void): void {
    if (this.#turns === undefined) {
      this.#turns = new MessageChannel();
      this.#turns.port1.onmessage = () => {
        const callbacks = this.#soon;
        this.#soon = [];
        for (const due of callbacks) due();
      };
    }
    this.#soon.push(callback);
    if (this.#soon.length === 1) this.#turns.port2.postMessage(undefined);
  }

  after(delayMs: number, callback: () => void): Timer {
    const id = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(id) };
  }
}
