import { assert } from "../../base/assert.ts";
import type { Clock, Timer } from "../../io/types.ts";
import { ServiceError } from "../types.ts";

/** Who waits, in the order in which they came. */
interface Waiting {
  /** Of the transaction that waits for its turn; undefined for a write. */
  readonly transaction: string | undefined;
  readonly bytes: number;
  readonly timer: Timer;
  readonly begin: () => void;
  readonly giveUp: () => void;
}

interface Turn {
  readonly transaction: string;
  readonly timer: Timer;
}

/** Writes and transactions that wait, and bytes of the writes. */
const waitingMax = 4096;
const bytesMax = 64 * 1024 * 1024;

/** What an answer to another node has left of its time, as a part of it, and in ms at most. */
const answerFactor = 1 / 10;
const answerMsMax = 500;

/**
 * Until when what another node asks for, for `timeoutMs` from `now` on, waits here: that node is to
 * hear that nothing was done before it gives up, and would have to take that for unknown.
 */
export function waitingUntil(now: number, timeoutMs: number): number {
  return now + timeoutMs - Math.min(timeoutMs * answerFactor, answerMsMax);
}

/**
 * Whose turn it is to write, at the leader: a transaction that has it holds all others up, as a
 * connection does in SQLite that has begun to write. It is for progress only, so that what the
 * transaction has seen stays as it is; what is committed is checked when it is applied, whoever
 * had the turn.
 */
export class WriteTurns {
  readonly #clock: Clock;
  readonly #waiting: Waiting[] = [];
  #turn: Turn | undefined;
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * For a write of `bytes`, which may be the commit of a transaction: undefined when it may go on at
   * once, else what it has to wait for.
   */
  pass(
    bytes: number,
    deadline: number,
    transaction: string | undefined,
  ): Promise<void> | undefined {
    if (this.#turn === undefined && this.#waiting.length === 0) return undefined;
    if (this.#turn !== undefined && this.#turn.transaction === transaction) return undefined;
    return this.#wait(undefined, bytes, deadline);
  }

  /** The turn of a transaction, for `keptMs`, unless it is renewed. */
  async take(transaction: string, keptMs: number, deadline: number): Promise<void> {
    // Asked again, when an answer was lost: it has its turn, or who asked first does not wait for it.
    if (this.renew(transaction, keptMs)) return;
    this.#waiting.find((other) => other.transaction === transaction)?.giveUp();
    if (this.#turn !== undefined || this.#waiting.length > 0) {
      await this.#wait(transaction, 0, deadline);
    }
    this.#begin(transaction, keptMs);
  }

  /** Whether the transaction has its turn, which goes on for `keptMs`. */
  renew(transaction: string, keptMs: number): boolean {
    if (this.#turn?.transaction !== transaction) return false;
    this.#turn.timer.cancel();
    this.#begin(transaction, keptMs);
    return true;
  }

  /** Ends the transaction's turn, if it has it. */
  end(transaction: string): void {
    if (this.#turn?.transaction !== transaction) return;
    this.#turn.timer.cancel();
    this.#turn = undefined;
    this.#next();
  }

  /** The node does not lead any more: whoever waits goes on, and finds that out. */
  clear(): void {
    this.#turn?.timer.cancel();
    this.#turn = undefined;
    for (const { timer, begin } of this.#waiting.splice(0)) {
      timer.cancel();
      begin();
    }
    this.#bytes = 0;
  }

  #begin(transaction: string, keptMs: number): void {
    const timer = this.#clock.after(keptMs, () => this.end(transaction));
    this.#turn = { transaction, timer };
  }

  #wait(transaction: string | undefined, bytes: number, deadline: number): Promise<void> {
    if (this.#waiting.length >= waitingMax || this.#bytes + bytes > bytesMax) {
      return Promise.reject(
        new ServiceError(
          "overloaded",
          "Too many writes waiting for a transaction, try again later",
        ),
      );
    }
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        timer.cancel();
        this.#leave(waiting);
        reject(locked());
        this.#next();
      };
      const timer = this.#clock.after(Math.max(1, deadline - this.#clock.now()), giveUp);
      const waiting: Waiting = { transaction, bytes, timer, begin: resolve, giveUp };
      this.#waiting.push(waiting);
      this.#bytes += bytes;
    });
  }

  #leave(waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting);
    assert(at >= 0, "Who left the queue for a turn to write was not in it");
    this.#waiting.splice(at, 1);
    this.#bytes -= waiting.bytes;
  }

  /** Lets go on who is in front: writes up to the next transaction, or that. */
  #next(): void {
    while (this.#turn === undefined) {
      const first = this.#waiting[0];
      if (first === undefined) return;
      this.#leave(first);
      first.timer.cancel();
      first.begin();
      // Its turn begins when it hears of it: nobody is to come between.
      if (first.transaction !== undefined) {
        this.#turn = { transaction: first.transaction, timer: first.timer };
      }
    }
  }
}

function locked(): ServiceError {
  return new ServiceError(
    "overloaded",
    "database is locked: a transaction has the turn to write; nothing was done, try again",
  );
}
