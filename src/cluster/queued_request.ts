import type { Requester } from "../access/types.ts";
import { assert } from "../base/assert.ts";
import type { IdempotencyKey, Results, Statements } from "../store/types.ts";
import { ResultErrors, type StatementErrorListener } from "./result_errors.ts";
import type { ServiceError } from "./types.ts";

/** A request in the queue, as others see it. */
export interface WaitingWrite extends Pick<QueuedRequest, "sequence" | "statements" | "requester"> {
  readonly ageMs: number;
}

/** What one request queues. */
export interface QueuedStatements {
  readonly statements: Statements;
  /** In characters, as they came. */
  readonly size: number;
  /** They must be a batch by themselves; default: what `setsContext` says. */
  readonly alone?: boolean | undefined;
  readonly requester?: Requester | undefined;
  /** Of the user who writes, by table, as `rightsOf` has it; undefined for all. */
  readonly rights?: string | undefined;
  /** A request with one is a batch by itself. */
  readonly key?: IdempotencyKey | undefined;
  /** Is told of each of the statements that fails by itself; default: nobody is. */
  readonly onError?: StatementErrorListener | undefined;
}

/** One request in the queue, and what becomes of it. */
export class QueuedRequest {
  readonly sequence: bigint;
  readonly statements: Statements;
  readonly size: number;
  /** It is a batch by itself. */
  readonly alone: boolean;
  /** It shares its batch only with others of the same. */
  readonly rights: string | undefined;
  readonly requester: Requester | undefined;
  readonly key: IdempotencyKey | undefined;
  readonly onError: StatementErrorListener | undefined;
  /** By the queue's clock, in ms. */
  readonly queuedAt: number;
  #outcome: number | ServiceError | undefined;
  /** Made when somebody waits: most clients do not. */
  #waiting: PromiseWithResolvers<number> | undefined;

  constructor(
    request: Pick<
      QueuedRequest,
      | "sequence"
      | "statements"
      | "size"
      | "alone"
      | "rights"
      | "requester"
      | "key"
      | "onError"
      | "queuedAt"
    >,
  ) {
    this.sequence = request.sequence;
    this.statements = request.statements;
    this.size = request.size;
    this.queuedAt = request.queuedAt;
    this.alone = request.alone;
    this.rights = request.rights;
    this.requester = request.requester;
    this.key = request.key;
    this.onError = request.onError;
  }

  /**
   * Resolves when it is written, with the index of its batch's entry (0 when there was nothing to
   * write), or rejects with why it never will be.
   */
  written(): Promise<number> {
    if (this.#waiting === undefined) {
      this.#waiting = Promise.withResolvers();
      if (this.#outcome !== undefined) this.settle(this.#outcome);
    }
    return this.#waiting.promise;
  }

  settle(outcome: number | ServiceError): void {
    assert(
      this.#outcome === undefined || this.#outcome === outcome,
      `Queued request ${this.sequence} is settled twice`,
    );
    this.#outcome = outcome;
    if (typeof outcome === "number") this.#waiting?.resolve(outcome);
    else this.#waiting?.reject(outcome);
  }
}

const encoder = new TextEncoder();

/** Tells those requests of a batch that want to know which of their statements have failed. */
export function tellErrors(batch: readonly QueuedRequest[], results: Results): void {
  if (batch.every(({ onError }) => onError === undefined)) return;
  let next = 0;
  let request: QueuedRequest | undefined;
  let first = 0;
  let end = 0;
  const errors = new ResultErrors((index, error) => {
    while (index >= end && next < batch.length) {
      request = batch[next++];
      first = end;
      end += request?.statements.length ?? 0;
    }
    request?.onError?.(index - first, error);
  });
  errors.push(typeof results === "string" ? encoder.encode(results) : results);
}
