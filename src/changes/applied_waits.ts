interface Waiting {
  readonly index: number;
  resolve(): void;
  reject(error: Error): void;
}

/** Who waits until entries are applied. */
export class AppliedWaits {
  readonly #applied: () => number;
  readonly #waiting = new Set<Waiting>();
  #ended: Error | undefined;

  /** @param applied The last entry that is applied. */
  constructor(applied: () => number) {
    this.#applied = applied;
  }

  /**
   * Resolves once an entry with this index, or a later one, was applied; at once if one was, and when
   * `signal` is aborted. Rejects when the store ends.
   */
  wait(index: number, signal?: AbortSignal): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (index <= this.#applied() || signal?.aborted) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { index, resolve, reject };
    this.#waiting.add(waiting);
    const giveUp = () => {
      this.#waiting.delete(waiting);
      resolve();
    };
    signal?.addEventListener("abort", giveUp, { once: true });
    return promise.finally(() => signal?.removeEventListener("abort", giveUp));
  }

  /** To be called when entries were applied. */
  noteApplied(): void {
    if (this.#waiting.size === 0) return;
    const last = this.#applied();
    for (const waiting of this.#waiting) {
      if (waiting.index > last) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }

  end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting.clear();
  }
}
