import { assert } from "../base/assert.ts";
import type { NextTurn } from "../base/slices.ts";
import type { Clock, Logger, Timer } from "../io/types.ts";
import { nextTurnOf } from "../io/next_turn.ts";
import { joinStatements, plainStatements } from "../store/codec/statement_codec.ts";
import { EncodedStatements, plainFormat, type Statement, type Statements } from "../store/types.ts";
import { setsContext } from "./request_context.ts";
import {
  QueuedRequest,
  type QueuedStatements,
  tellErrors,
  type WaitingWrite,
} from "./queued_request.ts";
import { type Service, ServiceError } from "./types.ts";

export interface WriteQueueParts {
  readonly service: Pick<Service, "write">;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface WriteQueueOptions {
  /** Requests that may wait; a client that finds no room waits for some. */
  readonly capacity: number;
  /** Requests that make a batch full: it is then written, with what came behind them meanwhile. */
  readonly batchSize: number;
  /** How long a request waits for its batch to become full, in ms; 0 for as long as it takes. */
  readonly timeoutMs: number;
  /** Each batch is one transaction. */
  readonly transaction: boolean;
  /** SQL and parameters that may wait, in characters. */
  readonly sizeMax: number;
  /** Clients that may wait for room. */
  readonly waitersMax: number;
  /** Pause before a batch that found no leader is tried again, in ms. */
  readonly retryDelayMs: number;
}

export const defaultWriteQueueOptions = {
  capacity: 1024,
  batchSize: 128,
  timeoutMs: 50,
  transaction: false,
  sizeMax: 256 * 1024 * 1024,
  waitersMax: 4096,
  retryDelayMs: 1000,
} as const satisfies WriteQueueOptions;

/** How the queue is now, for /status. */
export interface WriteQueueFigures {
  readonly batchSize: number;
  readonly capacity: number;
  readonly timeoutMs: number;
  readonly waitingRequests: number;
  /** Of the last request that is written; 0 before the first. */
  readonly writtenSequence: bigint;
}

/** What became of queued writes since the start, for /debug/vars. */
export class WriteQueueCounts {
  statementsTaken = 0;
  statementsWritten = 0;
  batchesWritten = 0;
  /** Tries that failed, and of these: those that found no leader, and all others. */
  failures = 0;
  failuresNoLeader = 0;
  failuresOther = 0;
}

/** JSON of a batch that is encoded without a pause, in characters. */
const plainCharactersMax = 256 * 1024;

/** All in a row; encoded, with pauses, when they are many or large. */
async function statementsOf(
  batch: readonly QueuedRequest[],
  nextTurn: NextTurn,
): Promise<Statements> {
  let characters = 0;
  const plain: Statement[] = [];
  for (const { statements, size } of batch) {
    characters += size;
    if (statements instanceof EncodedStatements || characters > plainCharactersMax) {
      return await joinStatements(batch.map((request) => request.statements), nextTurn);
    }
    for (const statement of statements) plain.push(statement);
  }
  return plain;
}

/** Requests of one batch that is no transaction: others' writes wait for it. */
const gatheredMax = 1024;
const batchWriteTimeoutMs = 30_000;
/**
 * JSON of one batch, in characters. It becomes one entry of the log, of 64 MiB at most, in which a
 * number can take 4.5 times its JSON.
 */
export const batchCharactersMax = 12 * 1024 * 1024;

/**
 * Writes that are answered before they are made: kept in memory, and written in batches, in order,
 * one at a time. What a crash finds here is lost.
 */
export class WriteQueue {
  readonly counts = new WriteQueueCounts();
  readonly #service: Pick<Service, "write">;
  readonly #clock: Clock;
  readonly #nextTurn: NextTurn;
  readonly #logger: Logger;
  readonly #options: WriteQueueOptions;
  readonly #waiting: QueuedRequest[] = [];
  #size = 0;
  #lastSequence: bigint;
  #writtenSequence = 0n;
  /** Clients to wake when there is room again. */
  readonly #roomWaiters = new Set<() => void>();
  #batchTimer: Timer | undefined;
  #writer: Promise<void> | undefined;
  #closing = false;
  /** Ends a retry's pause early when the queue must empty itself. */
  #wakeRetry: (() => void) | undefined;
  #abandoned = false;

  constructor(parts: WriteQueueParts, options: WriteQueueOptions) {
    this.#service = parts.service;
    this.#clock = parts.clock;
    this.#nextTurn = nextTurnOf(parts.clock);
    this.#logger = parts.logger;
    this.#options = options;
    // Nanoseconds, as in rqlite: no number is given out again after a restart.
    this.#lastSequence = BigInt(Math.floor(parts.clock.wallTime())) * 1_000_000n;
  }

  /**
   * Queues statements. Resolves with the sequence number and a way to wait for the batch's end,
   * which rejects with a ServiceError when the batch could not be written. Throws a ServiceError
   * ("overloaded") when there was no room for `timeoutMs`.
   */
  async add(
    queued: QueuedStatements,
    timeoutMs: number,
  ): Promise<Pick<QueuedRequest, "sequence" | "written">> {
    const { statements, size, rights, requester, key, onError } = queued;
    const alone = key !== undefined || (queued.alone ?? setsContext(plainStatements(statements)));
    const deadline = this.#clock.now() + timeoutMs;
    while (!this.#closing && this.#full(size)) await this.#room(deadline - this.#clock.now());
    if (this.#closing) throw new ServiceError("unavailable", "queue is closed");
    const sequence = ++this.#lastSequence;
    const queuedAt = this.#clock.now();
    const request = new QueuedRequest({
      sequence,
      statements,
      size,
      alone,
      rights,
      requester,
      key,
      onError,
      queuedAt,
    });
    this.#waiting.push(request);
    this.#size += size;
    this.counts.statementsTaken += statements.length;
    this.#schedule();
    return request;
  }

  /** What waits for its batch, in order. */
  get waiting(): WaitingWrite[] {
    const now = this.#clock.now();
    return this.#waiting.map(({ sequence, statements, requester, queuedAt }) => {
      return { sequence, statements, requester, ageMs: now - queuedAt };
    });
  }

  get figures(): WriteQueueFigures {
    const { batchSize, capacity, timeoutMs } = this.#options;
    return {
      batchSize,
      capacity,
      timeoutMs,
      waitingRequests: this.#waiting.length,
      writtenSequence: this.#writtenSequence,
    };
  }

  /** Takes nothing more, writes what waits, and gives up on the rest after `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.#closing = true;
    for (const wake of this.#roomWaiters) wake();
    this.#schedule();
    const giveUp = this.#clock.after(timeoutMs, () => {
      this.#abandoned = true;
      this.#wakeRetry?.();
    });
    await this.#writer;
    giveUp.cancel();
    this.#batchTimer?.cancel();
    if (this.#waiting.length > 0) {
      this.#log("ERROR", `Gave up ${this.#waiting.length} queued requests: not written in time`);
      const error = new ServiceError("unavailable", "queue is closed");
      for (const request of this.#waiting.splice(0)) request.settle(error);
    }
  }

  #full(size: number): boolean {
    const { capacity, sizeMax } = this.#options;
    return this.#waiting.length >= capacity ||
      (this.#size + size > sizeMax && this.#waiting.length > 0);
  }

  async #room(timeoutMs: number): Promise<void> {
    if (timeoutMs <= 0 || this.#roomWaiters.size >= this.#options.waitersMax) {
      throw new ServiceError("overloaded", "queue is full");
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.after(timeoutMs, resolve);
    this.#roomWaiters.add(resolve);
    this.#schedule();
    await promise;
    this.#roomWaiters.delete(resolve);
    timer.cancel();
  }

  /** How long until the next batch is to be written, in ms. */
  #dueInMs(): number {
    const first = this.#waiting[0];
    if (first === undefined) return Infinity;
    // Clients that wait for room wait for a batch to be written, full or not.
    const isFull = this.#waiting.length >= this.#options.batchSize || this.#roomWaiters.size > 0;
    if (this.#closing || isFull) return 0;
    if (this.#options.timeoutMs === 0) return Infinity;
    return first.queuedAt + this.#options.timeoutMs - this.#clock.now();
  }

  /** Starts the writer when a batch is due, else the clock for it. */
  #schedule(): void {
    if (this.#writer !== undefined) return;
    const dueInMs = this.#dueInMs();
    if (dueInMs <= 0) {
      this.#batchTimer?.cancel();
      this.#batchTimer = undefined;
      this.#writer = this.#writeBatches();
    } else if (dueInMs !== Infinity && this.#batchTimer === undefined) {
      this.#batchTimer = this.#clock.after(Math.ceil(dueInMs), () => {
        this.#batchTimer = undefined;
        this.#schedule();
      });
    }
  }

  async #writeBatches(): Promise<void> {
    do {
      await this.#writeBatch();
      for (const wake of this.#roomWaiters) wake();
    } while (!this.#abandoned && this.#dueInMs() <= 0);
    this.#writer = undefined;
    if (!this.#abandoned) this.#schedule();
  }

  async #writeBatch(): Promise<void> {
    const batch = this.#takeBatch();
    const last = batch[batch.length - 1];
    if (last === undefined) return;
    const statements = await statementsOf(batch, this.#nextTurn);
    const outcome = statements.length === 0 ? 0 : await this.#write(statements, batch);
    if (typeof outcome === "number") {
      assert(last.sequence > this.#writtenSequence, "Queued requests were written out of order");
      this.#writtenSequence = last.sequence;
      this.counts.statementsWritten += statements.length;
      this.counts.batchesWritten++;
    }
    for (const request of batch) request.settle(outcome);
  }

  /**
   * A full batch, or all that has gathered behind it by now, unless each batch is a transaction. What
   * one request says of how it is to run, and what its user may do, holds for no other's.
   */
  #takeBatch(): QueuedRequest[] {
    const { transaction, batchSize } = this.#options;
    const countMax = transaction ? batchSize : Math.max(batchSize, gatheredMax);
    let size = 0;
    let count = 0;
    for (const request of this.#waiting) {
      if (count === countMax) break;
      const apart = request.alone || request.rights !== this.#waiting[0]?.rights;
      if (count > 0 && (apart || size + request.size > batchCharactersMax)) break;
      size += request.size;
      count++;
      if (request.alone) break;
    }
    this.#size -= size;
    const batch = this.#waiting.splice(0, count);
    assert(this.#size >= 0, "The write queue gave out more than it had");
    assert(batch.length === 1 || !batch.some(({ alone }) => alone), "A request shares its batch");
    return batch;
  }

  /**
   * Writes until it is done, and resolves with the entry's index. A failure that did nothing is
   * tried again; one whose outcome is unknown only under a key, as the statements may have been
   * applied.
   */
  async #write(
    statements: Statements,
    batch: readonly QueuedRequest[],
  ): Promise<number | ServiceError> {
    const { transaction, retryDelayMs } = this.#options;
    const { rights, key } = batch[0] ?? {};
    for (;;) {
      try {
        const { results, raftIndex } = await this.#service.write({
          statements,
          transaction,
          unified: false,
          format: plainFormat,
          statementTimeoutMs: 0,
          timeoutMs: batchWriteTimeoutMs,
          rights,
          key,
        });
        tellErrors(batch, results);
        return raftIndex;
      } catch (thrown) {
        if (!(thrown instanceof ServiceError)) {
          this.#log("ERROR", `A queued batch failed: ${String(thrown)}`);
          return new ServiceError("failed", "queued write failed", { cause: thrown });
        }
        this.counts.failures++;
        if (thrown.kind === "no_leader") this.counts.failuresNoLeader++;
        else this.counts.failuresOther++;
        const isSafe = nothingDone.has(thrown.kind) ||
          (key !== undefined && thrown.kind === "unknown_outcome");
        if (!isSafe || this.#abandoned) {
          this.#log("ERROR", `Dropped ${statements.length} queued statements: ${thrown.message}`);
          return thrown;
        }
        this.#log("WARN", `Queued batch waits to be written again: ${thrown.message}`);
        await this.#pause(retryDelayMs);
        if (this.#abandoned) return thrown;
      }
    }
  }

  async #pause(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.after(delayMs, resolve);
    this.#wakeRetry = resolve;
    await promise;
    this.#wakeRetry = undefined;
    timer.cancel();
  }

  #log(level: "WARN" | "ERROR", message: string): void {
    // Under the name of the API, whose clients queue writes.
    this.#logger.log(level, "http", message);
  }
}

const nothingDone: ReadonlySet<ServiceError["kind"]> = new Set([
  "no_leader",
  "overloaded",
  "unavailable",
  "timeout",
]);
