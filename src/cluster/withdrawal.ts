/** Lets a write be taken back for as long as it has not gone to a leader. */
export class Withdrawal {
  #isProposed = false;
  /** Why it was taken back. */
  #reason: Error | undefined;
  #asked: PromiseWithResolvers<never> | undefined;

  /** It is with a leader, or was: it may be carried out, whatever anybody wishes now. */
  get isProposed(): boolean {
    return this.#isProposed;
  }

  /** Takes the write back, which then rejects with `reason`; false when it is too late for that. */
  withdraw(reason: Error): boolean {
    if (this.#isProposed) return false;
    this.#reason = reason;
    this.#asked?.reject(reason);
    return true;
  }

  /** Rejects with the reason once the write is taken back; to be asked for before that. */
  get asked(): Promise<never> {
    return (this.#asked ??= Promise.withResolvers<never>()).promise;
  }

  /** To be called before it goes to a leader; throws the reason when it was taken back. */
  propose(): void {
    if (this.#reason !== undefined) throw this.#reason;
    this.#isProposed = true;
  }
}
