import { assert } from "../../base/assert.ts";
import type { Clock, Timer } from "../../io/types.ts";
import { describes, setDigest } from "../../store/codec/script_codec.ts";
import {
  type HeldRead,
  HeldReadLostError,
  type OpenRehearsal,
  type Rehearsal,
  type Store,
} from "../../store/types.ts";
import { ServiceError } from "../types.ts";

/** How a transaction stands to others; docs/api.md has what each promises. */
export const transactionModes = ["deferred", "immediate", "read", "concurrent"] as const;
export type TransactionMode = typeof transactionModes[number];

/** Bytes of a transaction's statements. */
const bytesMax = 8 * 1024 * 1024;

/** Throws a ServiceError for so many bytes of statements, all of a transaction's together. */
export function checkSize(bytes: number): void {
  if (bytes <= bytesMax) return;
  throw new ServiceError(
    "too_large",
    `The transaction's statements are larger than ${bytesMax} bytes: it goes on without this request`,
  );
}

export interface RunOptions {
  /** The step writes, as is seen without running it. */
  readonly surelyWrites: boolean;
  /** Of results that can be told to who asks. */
  readonly resultBytesMax: number;
  readonly deadline: number;
}

export interface TransactionOptions {
  readonly id: string;
  readonly mode: TransactionMode;
  /** Whose it is; "" where nobody is asked who they are. */
  readonly user: string;
  readonly rights: string | undefined;
  /** How long it may be open, and idle, in ms. */
  readonly openMs: number;
  readonly idleMs: number;
}

/** What a transaction needs of its node. */
export interface TransactionParts {
  readonly store: Pick<Store, "rehearsal" | "hold">;
  readonly clock: Clock;
  /** Takes the turn to write, and waits until all before it is applied here. */
  readonly takeTurn: (transaction: Transaction, deadline: number) => Promise<void>;
  /** It is over: lets go of what it holds. */
  readonly ended: (transaction: Transaction) => void;
}

/**
 * A transaction of several requests, at the node that has it: what it has run so far, each request
 * with the digest of its results. What is held open for it between them may be lost: it is run again.
 */
export class Transaction {
  readonly options: TransactionOptions;
  readonly steps: Uint8Array[] = [];
  /** It may have the turn to write: it has asked for it. */
  askedForTurn = false;
  readonly #parts: TransactionParts;
  #watch: Timer;
  /** Until when it may be open, by the clock. */
  readonly #openUntil: number;
  /** Requests under way, and when the last one had ended. */
  #requests = 0;
  #idleSince: number;
  #bytes = 0;
  #writes = false;
  /** It has had its turn to write. */
  #hadTurn = false;
  /** Its commit is under way. */
  #isCommitting = false;
  /** What it reads while it only reads, and is to read the same. */
  #held: HeldRead | undefined;
  /** What it runs in once it may write. */
  #rehearsal: OpenRehearsal | undefined;
  /** Foreign keys keep it from being committed as it is. */
  #deferredForeignKeys = false;
  #last: Promise<unknown> = Promise.resolve();
  /** Why it is over. */
  #over: string | undefined;

  constructor(options: TransactionOptions, parts: TransactionParts) {
    this.options = options;
    this.#parts = parts;
    this.#idleSince = parts.clock.now();
    this.#openUntil = this.#idleSince + options.openMs;
    this.#watch = this.#watchAfter(Math.min(options.openMs, options.idleMs));
  }

  /** Has `body` run behind all that was asked for before; not once it is over. */
  async next<Result>(body: () => Promise<Result>): Promise<Result> {
    const before = this.#last;
    const mine = (async () => {
      await before.catch(() => {});
      this.#assertOpen();
      this.#requests++;
      try {
        return await body();
      } finally {
        this.#requests--;
        this.#idleSince = this.#parts.clock.now();
      }
    })();
    this.#last = mine;
    mine.catch(() => {});
    return await mine;
  }

  /** Runs a step, which writes if it `surelyWrites`, and returns its results. */
  async run(
    step: Uint8Array,
    { surelyWrites, resultBytesMax, deadline }: RunOptions,
  ): Promise<Uint8Array> {
    checkSize(this.#bytes + step.length);
    const rehearsal = await this.#rehearse(step, surelyWrites, deadline);
    // Another node's clock, or this one's, may have ended it meanwhile.
    this.#assertOpen();
    // What its client is not told, it has not done: the next step is run without it.
    if (rehearsal.type === "same" && rehearsal.results.length > resultBytesMax) {
      throw tooLong(rehearsal.results.length, resultBytesMax);
    }
    if (describes(step) && rehearsal.type === "same") return rehearsal.results;
    return this.#note(step, rehearsal);
  }

  /**
   * One that may only read, or has not written yet, reads what was committed at its first read. At
   * its first write it is run as a whole, on what is committed now: then what it has read must be so
   * still, for nobody else writes any more.
   */
  async #rehearse(
    step: Uint8Array,
    surelyWrites: boolean,
    deadline: number,
  ): Promise<RehearsalOfAny> {
    const { store, takeTurn } = this.#parts;
    const { mode, rights } = this.options;
    if (mode === "read" || (mode === "deferred" && !surelyWrites && !this.#hadTurn)) {
      this.#held ??= await this.#hold();
      const rehearsal = await this.#held.run(step, rights).catch((error) => this.#failRead(error));
      if (rehearsal.type !== "writes") return rehearsal;
      if (mode === "read") {
        throw new ServiceError("invalid", "The transaction is one for reading: it does not write");
      }
      this.#assertOpen();
    }
    if (mode === "deferred" && !this.#hadTurn) {
      await takeTurn(this, deadline);
      this.#hadTurn = true;
      this.#assertOpen();
    }
    this.#letGoOfRead();
    this.#rehearsal ??= store.rehearsal(rights);
    const rehearsal = await this.#rehearsal.run([...this.steps, step]);
    assert(rehearsal.type !== "writes", "A transaction that may write was kept from it");
    return rehearsal;
  }

  /** Once the transaction is over nobody would let go of it, and the WAL not be begun anew. */
  async #hold(): Promise<HeldRead> {
    const held = await this.#parts.store.hold();
    if (this.#over !== undefined) held.letGo();
    this.#assertOpen();
    return held;
  }

  #failRead(error: unknown): never {
    if (!(error instanceof HeldReadLostError)) throw error;
    const why =
      "it was rolled back, as what it read is held no longer: the database was replaced by " +
      "another, or too much was written beside it";
    this.end(why);
    // It may have been over before, which is then why nothing is held for it.
    throw transactionOver(this.#over ?? why);
  }

  #letGoOfRead(): void {
    this.#held?.letGo();
    this.#held = undefined;
  }

  #note(step: Uint8Array, rehearsal: RehearsalOfAny): Uint8Array {
    if (rehearsal.type === "conflict") {
      this.end(
        "it was rolled back, as what it had seen was changed by others (SQLITE_BUSY_SNAPSHOT)",
      );
      throw conflict();
    }
    if (rehearsal.type === "rolled_back") {
      this.end("it was rolled back by one of its statements");
      return rehearsal.results;
    }
    setDigest(step, rehearsal.digest);
    this.steps.push(step);
    this.#bytes += step.length;
    this.#writes ||= rehearsal.writes;
    this.#deferredForeignKeys = rehearsal.deferredForeignKeys;
    return rehearsal.results;
  }

  /** Whether there is anything to commit. */
  get writes(): boolean {
    return this.#writes;
  }

  /**
   * Its commit begins, and alone says from now on what becomes of it. Throws what SQLite says of a
   * COMMIT while foreign keys are not made good; it then goes on.
   */
  beginCommit(): void {
    if (this.#deferredForeignKeys) {
      throw new ServiceError("invalid", "FOREIGN KEY constraint failed: the transaction goes on");
    }
    this.#isCommitting = true;
  }

  /** Rolls it back, unless its commit is under way. */
  rollBack(why: string): void {
    if (!this.#isCommitting) this.end(why);
  }

  /** It is over, for whoever asks after it. */
  end(why: string): void {
    if (this.#over !== undefined) return;
    this.#over = why;
    this.#watch.cancel();
    this.#letGoOfRead();
    this.#rehearsal?.letGo();
    this.#parts.ended(this);
  }

  get over(): string | undefined {
    return this.#over;
  }

  #assertOpen(): void {
    if (this.#over !== undefined) throw transactionOver(this.#over);
  }

  /** One timer for both its times: to set one for each request costs as much as a small statement. */
  #watchAfter(afterMs: number): Timer {
    return this.#parts.clock.after(afterMs, () => this.#lookAtTimes());
  }

  #lookAtTimes(): void {
    const { openMs, idleMs } = this.options;
    const now = this.#parts.clock.now();
    const openLeftMs = this.#openUntil - now;
    const idleLeftMs = this.#requests > 0 ? idleMs : this.#idleSince + idleMs - now;
    if (openLeftMs <= 0) {
      this.rollBack(`it was rolled back, open for longer than ${openMs / 1000} s`);
    } else if (idleLeftMs <= 0) {
      this.rollBack(`it was rolled back, without a request for ${idleMs / 1000} s`);
    } else this.#watch = this.#watchAfter(Math.min(openLeftMs, idleLeftMs));
  }
}

type RehearsalOfAny = Exclude<Rehearsal, { readonly type: "writes" }>;

export function transactionOver(why: string): ServiceError {
  return new ServiceError("transaction_over", `The transaction is over: ${why}`);
}

function tooLong(bytes: number, bytesMax: number): ServiceError {
  return new ServiceError(
    "too_large",
    `The results have ${bytes} bytes, and another node, as the one that was asked, is sent ` +
      `${bytesMax} at most: ask the transaction's own, which its id names, or for less; it goes on ` +
      "without this request",
  );
}

export function conflict(): ServiceError {
  return new ServiceError(
    "conflict",
    "database is locked: what the transaction has seen was changed by others " +
      "(SQLITE_BUSY_SNAPSHOT); it is rolled back, try all of it again",
  );
}
