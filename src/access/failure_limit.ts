/** Who has failed often, as a bucket that each failure fills by one and time empties. */
interface Bucket {
  readonly level: number;
  /** By the clock given, in ms. */
  readonly at: number;
}

export interface FailureLimits {
  /** Failures in a row before the next must wait. */
  readonly failuresMax: number;
  /** After how long one of them is forgotten, in ms. */
  readonly forgottenMs: number;
  /** Keys remembered: beyond, the one that failed longest ago is forgotten. */
  readonly keysMax: number;
}

/** Counts failures by key, in bounded memory. */
export class FailureLimit {
  readonly #limits: FailureLimits;
  readonly #buckets = new Map<string, Bucket>();

  constructor(limits: FailureLimits) {
    this.#limits = limits;
  }

  /** How long `key` must wait until it may fail again, in ms; 0: it may now. */
  waitMs(key: string, now: number): number {
    const excess = this.#level(key, now) + 1 - this.#limits.failuresMax;
    return excess <= 0 ? 0 : Math.ceil(excess * this.#limits.forgottenMs);
  }

  /** Whether `key` has failed within the last `ms`. */
  hasFailedWithin(ms: number, key: string, now: number): boolean {
    const bucket = this.#buckets.get(key);
    return bucket !== undefined && now - bucket.at < ms;
  }

  failed(key: string, now: number): void {
    // What failed together, before any of it could be told to wait, waits no longer than one.
    const level = Math.min(this.#level(key, now) + 1, this.#limits.failuresMax);
    this.#buckets.delete(key);
    this.#buckets.set(key, { level, at: now });
    if (this.#buckets.size <= this.#limits.keysMax) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }

  #level(key: string, now: number): number {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return 0;
    return Math.max(0, bucket.level - (now - bucket.at) / this.#limits.forgottenMs);
  }
}
