import type { ChangeGroup } from "./change_group.ts";
import { followChanges } from "./changes.ts";
import { Deadline } from "./deadline.ts";
import { Exchange } from "./exchange.ts";
import type { Answer, Call } from "./exchange.ts";
import { Failover, refusal } from "./failover.ts";
import { Nodes } from "./nodes.ts";
import {
  authorizationOf,
  type BatchOptions,
  type CallOptions,
  type ChangesOptions,
  type ClientOptions,
  keyOf,
  type ReadOptions,
  type TransactionOptions,
  type WatchOptions,
  type WriteOptions,
} from "./options.ts";
import { onlyResult, type Result, resultsOf, type Row } from "./result.ts";
import { runTransaction } from "./run_transaction.ts";
import type { StreamParts } from "./stream.ts";
import type { Transaction } from "./transaction.ts";
import { type Parameters, type Statement, statementsText } from "./values.ts";
import { type WatchedResult, watchQuery } from "./watch.ts";

const timeoutMsDefault = 10_000;

/**
 * A cluster of raftlite as its client sees it: one database that is there as long as a majority of
 * its nodes is. Each operation goes to whichever node is there, takes no longer than its time, and
 * ends with a result or with an error that says whether anything was done; writes are done once,
 * however often they had to be sent. What a client has written, or read, its later reads see.
 */
export class Client {
  readonly #options: ClientOptions;
  readonly #nodes: Nodes;
  readonly #exchange: Exchange;
  readonly #failover: Failover;
  #seenIndex = 0;

  /** `urls`: of nodes, one at least, such as `http://10.0.0.1:4001`. */
  constructor(urls: string | readonly string[], options: ClientOptions = {}) {
    this.#options = options;
    this.#nodes = new Nodes(typeof urls === "string" ? [urls] : urls);
    const { fetch: given, discover = true } = options;
    this.#exchange = new Exchange({
      fetch: given ?? ((input, init) => fetch(input, init)),
      authorization: authorizationOf(options),
    });
    this.#failover = new Failover({ nodes: this.#nodes, exchange: this.#exchange, discover });
  }

  /** Reads. Statements that would write are not carried out. */
  async query<R extends Row = Row>(
    sql: string,
    params: Parameters = [],
    options: ReadOptions = {},
  ): Promise<Result<R>> {
    const answer = await this.#failover.send({
      method: "POST",
      path: "/db/query",
      parameters: {
        exact: "",
        level: options.level ?? this.#options.level ?? "weak",
        min_index: this.#seenIndex,
      },
      body: statementsText([{ sql, params }]),
    }, this.#deadline(options));
    return this.#one<R>(answer);
  }

  /** Writes, once. */
  async execute<R extends Row = Row>(
    sql: string,
    params: Parameters = [],
    options: WriteOptions = {},
  ): Promise<Result<R>> {
    return this.#one<R>(
      await this.#write("/db/execute", { exact: "" }, [{ sql, params }], options),
    );
  }

  /** Carries out statements, reads among them too, in one transaction: all of them, or none. */
  async batch(statements: readonly Statement[], options: BatchOptions = {}): Promise<Result[]> {
    if (statements.length === 0) return [];
    const path = options.reads === false ? "/db/execute" : "/db/request";
    const parameters = { exact: "", transaction: "", min_index: this.#seenIndex };
    return this.#results(await this.#write(path, parameters, statements, options));
  }

  /**
   * Runs `body` in a transaction, commits it and resolves with what `body` did. When others changed
   * what it had seen, or its node is lost, it is rolled back and run again from its beginning: what
   * it does beside the database, it may do more than once. An error that it throws rolls it back,
   * and is thrown.
   */
  async transaction<T>(
    body: (tx: Transaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    return await runTransaction(body, {
      exchange: this.#exchange,
      failover: this.#failover,
      integers: this.#integers,
      deadline: this.#deadline(options),
      mode: options.mode ?? "deferred",
      attempts: options.attempts ?? 10,
      saw: (index) => this.saw(index),
    });
  }

  /**
   * What became of the write under a key: its results, or undefined when nothing was carried out
   * under it. That is true of all that is finished; a write still on its way may yet be done. Throws
   * ResultLost for one that was done and whose results, of more than 64 KiB say, are not kept.
   */
  async outcome(key: string, options: CallOptions = {}): Promise<Result[] | undefined> {
    const call: Call = { method: "GET", path: "/db/outcome", key: keyOf(key) };
    const answer = await this.#failover.send(call, this.#deadline(options));
    return answer.kind === "key_unknown" ? undefined : this.#results(answer);
  }

  /**
   * What is done to which rows, group by group as it is committed, without end: at another node when
   * one is lost, each change once and in the cluster's order. Who keeps the `next` of the last group
   * that he has dealt with goes on behind it, at any later time that the cluster keeps changes for
   * (-changes-size). Throws ChangesLost where it does not any more.
   */
  changes(options: ChangesOptions = {}): AsyncGenerator<ChangeGroup, void, undefined> {
    return followChanges({
      ...this.#streamParts(options),
      integers: this.#integers,
      saw: (index) => this.saw(index),
    }, options);
  }

  /**
   * What a query comes to, and each time that it is other what it then comes to, without end: of
   * several changes at a time only the last, and at another node when one is lost, never going back.
   * The iterator throws when the query fails, or comes to more than the cluster keeps up to date
   * (docs/watch.md).
   */
  watch<R extends Row = Row>(
    sql: string,
    params: Parameters = [],
    options: WatchOptions = {},
  ): AsyncGenerator<WatchedResult<R>, void, undefined> {
    const level = options.level ?? this.#options.level ?? "weak";
    return watchQuery<R>({
      ...this.#streamParts(options),
      integers: this.#integers,
      seen: () => this.#seenIndex,
      saw: (index) => this.saw(index),
    }, { sql, params, options: { ...options, level } });
  }

  /** The URLs of the cluster's nodes, asked for now. They are known by themselves, too. */
  nodes(options: CallOptions = {}): Promise<readonly string[]> {
    return this.#failover.learn(this.#deadline(options));
  }

  /** How far in the cluster's log this client has seen. */
  get seenIndex(): number {
    return this.#seenIndex;
  }

  /** Has later reads see what another client, of which this is the `seenIndex`, has seen. */
  saw(index: number): void {
    if (!Number.isSafeInteger(index) || index < 0) throw new RangeError(`Index ${index} is none`);
    this.#seenIndex = Math.max(this.#seenIndex, index);
  }

  /** Ends what goes on beside the operations. There are no connections to close: fetch has them. */
  async close(): Promise<void> {
    await this.#failover.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #integers() {
    return this.#options.integers ?? "exact";
  }

  #streamParts({ timeoutMs }: { readonly timeoutMs?: number }): StreamParts {
    return {
      nodes: this.#nodes,
      exchange: this.#exchange,
      failover: this.#failover,
      patienceMs: timeoutMs ?? this.#options.timeoutMs ?? timeoutMsDefault,
    };
  }

  async #write(
    path: string,
    parameters: Call["parameters"] & object,
    statements: readonly Statement[],
    options: WriteOptions,
  ): Promise<Answer> {
    const body = statementsText(statements);
    const call: Call = { method: "POST", path, parameters, body, key: keyOf(options.key) };
    return await this.#failover.send(call, this.#deadline(options));
  }

  #deadline({ timeoutMs, signal }: CallOptions): Deadline {
    return new Deadline(timeoutMs ?? this.#options.timeoutMs ?? timeoutMsDefault, signal);
  }

  #results(answer: Answer): Result[] {
    if (answer.status !== 200) throw refusal(answer);
    this.saw(answer.index);
    return resultsOf(answer.text, { integers: this.#integers, replayed: answer.replayed });
  }

  #one<R extends Row>(answer: Answer): Result<R> {
    return onlyResult<R>(this.#results(answer)[0]);
  }
}
