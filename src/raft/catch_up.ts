/**
 * Whether a staging member keeps up with the log (4.2.1): it is brought up in rounds, each to where
 * the log ended when the round began, and is there when a round takes less than an election timeout.
 */
export class CatchUp {
  #target: number;
  #startedAt: number;

  constructor(lastIndex: number, now: number) {
    this.#target = lastIndex;
    this.#startedAt = now;
  }

  /** Takes note of how far the member is; true when it has caught up. */
  advanced(matchIndex: number, lastIndex: number, now: number, electionTicks: number): boolean {
    if (matchIndex < this.#target) return false;
    if (now - this.#startedAt < electionTicks) return true;
    this.#target = lastIndex;
    this.#startedAt = now;
    return false;
  }
}
