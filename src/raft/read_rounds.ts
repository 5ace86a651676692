import type { NodeId } from "./types.ts";

/** A batch of reads that waits at the leader: its own, or another server's. */
export interface WaitingRead {
  /** The server whose read it is. */
  readonly from: NodeId;
  readonly context: number;
}

interface Round {
  readonly round: number;
  /** What was committed when the round began: its reads must see at least this. */
  readonly readIndex: number;
  readonly reads: readonly WaitingRead[];
}

/** A round that a majority answered. */
export interface ConfirmedReads {
  readonly index: number;
  readonly reads: readonly WaitingRead[];
}

/** Rounds without an answer that are remembered; the oldest hand their reads on to the next. */
const roundsMax = 64;

/**
 * The leader's rounds of heartbeats and the reads that wait for them (6.4): every read that waits
 * when a round begins shares it, and an answered round answers all before it.
 */
export class ReadRounds {
  #waiting: WaitingRead[] = [];
  #rounds: Round[] = [];
  #latest = 0;
  #confirmed = 0;
  #unanswered = 0;

  /** The number of the round that began last. */
  get latest(): number {
    return this.#latest;
  }

  /** Reads wait, and no round is under way that they would have to let pass. */
  get due(): boolean {
    return this.#waiting.length > 0 && this.#confirmed === this.#latest;
  }

  /** How many reads have no answer yet. */
  get unanswered(): number {
    return this.#unanswered;
  }

  add(read: WaitingRead): void {
    this.#waiting.push(read);
    this.#unanswered++;
  }

  /**
   * Begins a round. It serves the reads that wait, unless `readIndex` is undefined: the leader does
   * not know yet what is committed.
   */
  begin(readIndex: number | undefined): void {
    if (this.#rounds.length >= roundsMax) {
      const dropped = this.#rounds.shift();
      if (dropped !== undefined) this.#waiting.unshift(...dropped.reads);
    }
    const reads = readIndex === undefined ? [] : this.#waiting;
    if (readIndex !== undefined) this.#waiting = [];
    this.#latest++;
    this.#rounds.push({ round: this.#latest, readIndex: readIndex ?? 0, reads });
  }

  /** A majority has answered `round`: returns the reads that it, and all before it, confirm. */
  confirm(round: number): ConfirmedReads[] {
    if (round <= this.#confirmed) return [];
    this.#confirmed = round;
    const result: ConfirmedReads[] = [];
    let count = 0;
    for (const begun of this.#rounds) {
      if (begun.round > round) break;
      count++;
      this.#unanswered -= begun.reads.length;
      if (begun.reads.length > 0) result.push({ index: begun.readIndex, reads: begun.reads });
    }
    this.#rounds.splice(0, count);
    return result;
  }

  /** Leadership is over: returns the reads that get no answer. */
  abandon(): WaitingRead[] {
    const reads = this.#rounds.flatMap((round) => round.reads);
    reads.push(...this.#waiting);
    this.#rounds = [];
    this.#waiting = [];
    this.#unanswered = 0;
    return reads;
  }
}
