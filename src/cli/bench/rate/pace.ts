import type { PaceTask } from "./pace_worker.ts";

/** From when the Worker is told to when the first request is due, in ms. */
const startMs = 20;

/**
 * Says when requests are due, at a fixed rate. It waits in a Worker: there a wait ends a sixth of a
 * millisecond late, a timer of the event loop's one to two milliseconds, which would be counted as
 * the server's.
 */
export class Pace implements Disposable {
  /** When the first request is due, in ms of performance.now(). */
  readonly start: number;
  readonly #perSecond: number;
  readonly #count: number;
  readonly #worker: Worker;
  #due = 0;
  #taken = 0;
  #waiting: ((request: number | undefined) => void)[] = [];

  private constructor(worker: Worker, perSecond: number, count: number) {
    this.#worker = worker;
    this.#perSecond = perSecond;
    this.#count = count;
    worker.onmessage = ({ data }: MessageEvent<number>) => this.#fallDue(data);
    this.start = performance.now() + startMs;
    const startAt = performance.timeOrigin + this.start;
    worker.postMessage({ startAt, perSecond, count } satisfies PaceTask);
  }

  /** Resolves once the Worker runs: its start is not to be counted. */
  static async start(perSecond: number, count: number): Promise<Pace> {
    const worker = new Worker(new URL("./pace_worker.ts", import.meta.url), { type: "module" });
    await new Promise((resolve) => worker.onmessage = resolve);
    return new Pace(worker, perSecond, count);
  }

  #fallDue(due: number): void {
    this.#due = due;
    while (this.#taken < this.#due) {
      const wake = this.#waiting.shift();
      if (wake === undefined) break;
      wake(this.#taken++);
    }
    if (this.#due === this.#count) this.#end();
  }

  /** Resolves with the next request once it is due, at once when it is late; undefined: there is none. */
  next(): Promise<number | undefined> {
    if (this.#taken < this.#due) return Promise.resolve(this.#taken++);
    if (this.#due === this.#count) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** When a request is due, in ms of performance.now(). */
  dueAt(request: number): number {
    return this.start + request * 1000 / this.#perSecond;
  }

  #end(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake(undefined);
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
    this.#end();
  }
}
