/** How long to wait between tries. */
interface Pauses {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** The end of an operation's time, and what its caller ends it by. */
export class Deadline {
  readonly #totalMs: number;
  readonly #at: number;
  readonly signal: AbortSignal | undefined;

  /** Throws the reason of a signal that is aborted already. */
  constructor(timeoutMs: number, signal?: AbortSignal) {
    if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs is ${timeoutMs}: it is to be above 0`);
    signal?.throwIfAborted();
    this.#totalMs = Math.min(timeoutMs, timeoutMsMax);
    this.#at = performance.now() + this.#totalMs;
    this.signal = signal;
  }

  get leftMs(): number {
    return Math.max(0, this.#at - performance.now());
  }

  /** Within the millisecond by which a timer may fire early. */
  get isOver(): boolean {
    return this.leftMs < 1;
  }

  /** What one node may take to have the cluster do it, so that time is left for another one, in ms. */
  get attemptMs(): number {
    return Math.ceil(Math.max(1, Math.min(this.leftMs, Math.max(attemptMsMin, this.#totalMs / 3))));
  }

  /** Waits after each failure, the first of which is 1: twice as long, less what chance takes off. */
  backOff(failures: number, { firstMs, mostMs }: Pauses): Promise<void> {
    return this.pause(Math.min(mostMs, firstMs * 2 ** (failures - 1)) * (0.5 + Math.random() / 2));
  }

  /** Waits, but no longer than the deadline; throws the signal's reason when that comes first. */
  pause(ms: number): Promise<void> {
    const { signal } = this;
    return new Promise((resolve, reject) => {
      const cancel = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", cancel);
        resolve();
      }, Math.min(ms, this.leftMs));
      if (signal?.aborted) cancel();
      else signal?.addEventListener("abort", cancel, { once: true });
    });
  }
}

/** Timers keep 31 bits of milliseconds, and fire at once beyond. */
const timeoutMsMax = 2 ** 31 - 1;
const attemptMsMin = 1_000;
