import { type Service, ServiceError } from "../cluster/types.ts";
import type { Statement } from "../store/types.ts";
import type { HttpCounters } from "./counters.ts";
import { formatGoDuration } from "./go_duration.ts";
import type { Logger } from "../io/types.ts";
import { setsContext } from "./request_context.ts";

export interface WriteQueueOptions {
  readonly service: Service;
  readonly logger: Logger;
  readonly counters: HttpCounters;
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
} as const satisfies Partial<WriteQueueOptions>;

/** One request in the queue, and what becomes of it. */
class QueuedRequest {
  readonly sequence: bigint;
  readonly statements: readonly Statement[];
  readonly size: number;
  /** It is a batch by itself. */
  readonly alone: boolean;
  /** By the clock of performance.now. */
  readonly queuedAt = performance.now();
  #outcome: "written" | ServiceError | undefined;
  /** Made when somebody waits: most clients do not. */
  #waiting: PromiseWithResolvers<void> | undefined;

  constructor(sequence: bigint, statements: readonly Statement[], size: number) {
    this.sequence = sequence;
    this.statements = statements;
    this.size = size;
    this.alone = setsContext(statements);
  }

  /** Resolves when it is written, or rejects with why it never will be. */
  written(): Promise<void> {
    if (this.#waiting === undefined) {
      this.#waiting = Promise.withResolvers();
      if (this.#outcome !== undefined) this.settle(this.#outcome);
    }
    return this.#waiting.promise;
  }

  settle(outcome: "written" | ServiceError): void {
    this.#outcome = outcome;
    if (outcome === "written") this.#waiting?.resolve();
    else this.#waiting?.reject(outcome);
  }
}

const format = {
  associative: false,
  timings: false,
  blobArray: false,
  qualifyColumns: false,
  unified: false,
} as const;

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
  readonly #options: WriteQueueOptions;
  readonly #waiting: QueuedRequest[] = [];
  #size = 0;
  #lastSequence = BigInt(Date.now()) * 1_000_000n;
  #writtenSequence = 0n;
  /** Clients to wake when there is room again. */
  readonly #roomWaiters = new Set<() => void>();
  #batchTimer: ReturnType<typeof setTimeout> | undefined;
  #writer: Promise<void> | undefined;
  #closing = false;
  /** Ends a retry's pause early when the queue must empty itself. */
  #wakeRetry: (() => void) | undefined;
  #abandoned = false;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  /**
   * Queues statements. Resolves with the sequence number and a way to wait for the batch's end,
   * which rejects with a ServiceError when the batch could not be written. Throws a ServiceError
   * ("overloaded") when there was no room for `timeoutMs`.
   */
  async add(
    statements: readonly Statement[],
    size: number,
    timeoutMs: number,
  ): Promise<Pick<QueuedRequest, "sequence" | "written">> {
    const deadline = performance.now() + timeoutMs;
    while (!this.#closing && this.#full(size)) await this.#room(deadline - performance.now());
    if (this.#closing) throw new ServiceError("unavailable", "queue is closed");
    const request = new QueuedRequest(++this.#lastSequence, statements, size);
    this.#waiting.push(request);
    this.#size += size;
    this.#options.counters.queued_executions_num_stmts_rx += statements.length;
    this.#schedule();
    return request;
  }

  get counters(): HttpCounters {
    return this.#options.counters;
  }

  /** What /status shows. */
  status(): Record<string, unknown> {
    return {
      batch_size: this.#options.batchSize,
      max_size: this.#options.capacity,
      timeout: formatGoDuration(this.#options.timeoutMs),
      depth: this.#waiting.length,
      sequence_number: this.#writtenSequence,
    };
  }

  /** Takes nothing more, writes what waits, and gives up on the rest after `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.#closing = true;
    for (const wake of this.#roomWaiters) wake();
    this.#schedule();
    const giveUp = setTimeout(() => {
      this.#abandoned = true;
      this.#wakeRetry?.();
    }, timeoutMs);
    await this.#writer;
    clearTimeout(giveUp);
    clearTimeout(this.#batchTimer);
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
    const timer = setTimeout(resolve, timeoutMs);
    this.#roomWaiters.add(resolve);
    this.#schedule();
    await promise;
    this.#roomWaiters.delete(resolve);
    clearTimeout(timer);
  }

  /** How long until the next batch is to be written, in ms. */
  #dueInMs(): number {
    const first = this.#waiting[0];
    if (first === undefined) return Infinity;
    // Clients that wait for room wait for a batch to be written, full or not.
    const isFull = this.#waiting.length >= this.#options.batchSize || this.#roomWaiters.size > 0;
    if (this.#closing || isFull) return 0;
    if (this.#options.timeoutMs === 0) return Infinity;
    return first.queuedAt + this.#options.timeoutMs - performance.now();
  }

  /** Starts the writer when a batch is due, else the clock for it. */
  #schedule(): void {
    if (this.#writer !== undefined) return;
    const dueInMs = this.#dueInMs();
    if (dueInMs <= 0) {
      clearTimeout(this.#batchTimer);
      this.#batchTimer = undefined;
      this.#writer = this.#writeBatches();
    } else if (dueInMs !== Infinity && this.#batchTimer === undefined) {
      this.#batchTimer = setTimeout(() => {
        this.#batchTimer = undefined;
        this.#schedule();
      }, Math.ceil(dueInMs));
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
    const { counters } = this.#options;
    const batch = this.#takeBatch();
    const last = batch[batch.length - 1];
    if (last === undefined) return;
    const statements = batch.flatMap((request) => request.statements);
    const error = statements.length === 0 ? undefined : await this.#write(statements);
    if (error === undefined) {
      this.#writtenSequence = last.sequence;
      counters.queued_executions_num_stmts_tx += statements.length;
      counters.queued_executions_ok++;
    }
    for (const request of batch) request.settle(error ?? "written");
  }

  /**
   * A full batch, or all that has gathered behind it by now, unless each batch is a transaction. What
   * one request says of how it is to run holds for no other's.
   */
  #takeBatch(): QueuedRequest[] {
    const { transaction, batchSize } = this.#options;
    const countMax = transaction ? batchSize : Math.max(batchSize, gatheredMax);
    let size = 0;
    let count = 0;
    for (const request of this.#waiting) {
      if (count === countMax) break;
      if (count > 0 && (request.alone || size + request.size > batchCharactersMax)) break;
      size += request.size;
      count++;
      if (request.alone) break;
    }
    this.#size -= size;
    return this.#waiting.splice(0, count);
  }

  /**
   * Writes until it is done. A failure that did nothing is tried again; one whose outcome is
   * unknown is not, because the statements may have been applied.
   */
  async #write(statements: readonly Statement[]): Promise<ServiceError | undefined> {
    const { service, counters, transaction, retryDelayMs } = this.#options;
    for (;;) {
      try {
        await service.write({
          statements,
          transaction,
          unified: false,
          format,
          statementTimeoutMs: 0,
          timeoutMs: batchWriteTimeoutMs,
        });
        return undefined;
      } catch (thrown) {
        if (!(thrown instanceof ServiceError)) {
          this.#log("ERROR", `A queued batch failed: ${String(thrown)}`);
          return new ServiceError("failed", "queued write failed", { cause: thrown });
        }
        counters.queued_executions_failed++;
        if (thrown.kind === "no_leader") counters.queued_executions_no_leader++;
        else counters.queued_executions_unknown_error++;
        if (!nothingDone.has(thrown.kind) || this.#abandoned) {
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
    const timer = setTimeout(resolve, delayMs);
    this.#wakeRetry = resolve;
    await promise;
    this.#wakeRetry = undefined;
    clearTimeout(timer);
  }

  #log(level: "WARN" | "ERROR", message: string): void {
    this.#options.logger.log(level, "http", message);
  }
}

const nothingDone: ReadonlySet<ServiceError["kind"]> = new Set([
  "no_leader",
  "overloaded",
  "unavailable",
  "timeout",
]);
