import type { Deadline } from "./deadline.ts";
import { Conflict, type RaftliteError, TransactionOver, Unavailable } from "./errors.ts";
import type { Integers } from "./exact_json.ts";
import { type Answer, type Call, type Exchange, Lost } from "./exchange.ts";
import { refusal } from "./failover.ts";
import { onlyResult, type Result, resultsOf, type Row } from "./result.ts";
import { type Parameters, type Statement, statementsText } from "./values.ts";

/** What a transaction needs of its client. */
export interface TransactionParts {
  readonly id: string;
  /** The one where it began, which has it. */
  readonly node: string;
  readonly exchange: Exchange;
  readonly integers: Integers;
  readonly deadline: Deadline;
}

/** A transaction that is open: what it writes nobody else sees, and it sees nothing of others. */
export class Transaction {
  readonly #parts: TransactionParts;
  #isOver = false;
  /** Why it cannot be committed any more, though it may well be the next time. */
  #failure: RaftliteError | undefined;

  constructor(parts: TransactionParts) {
    this.#parts = parts;
  }

  /** Reads. */
  async query<R extends Row = Row>(sql: string, params: Parameters = []): Promise<Result<R>> {
    const [result] = await this.#run("/db/query", { exact: "" }, [{ sql, params }]);
    return onlyResult<R>(result);
  }

  /** Writes. A statement that fails throws, and is taken back; the transaction may go on. */
  async execute<R extends Row = Row>(sql: string, params: Parameters = []): Promise<Result<R>> {
    const [result] = await this.#run("/db/execute", { exact: "" }, [{ sql, params }]);
    return onlyResult<R>(result);
  }

  /** Statements in one request: all of them are done, or none. */
  async batch(statements: readonly Statement[]): Promise<Result[]> {
    if (statements.length === 0) return [];
    return await this.#run("/db/request", { exact: "", transaction: "" }, statements);
  }

  /** Why it is to be tried anew; undefined while it can be committed. */
  get failure(): RaftliteError | undefined {
    return this.#failure;
  }

  /** Nothing more is run in it. */
  end(): void {
    this.#isOver = true;
  }

  /** A request that belongs to it, sent once. Throws a Lost, or the reason of the deadline's signal. */
  async send(call: Call, deadline = this.#parts.deadline): Promise<Answer> {
    const { id, node, exchange } = this.#parts;
    const timeout = `${Math.ceil(deadline.leftMs) + 1}ms`;
    const parameters = { ...call.parameters, tx: id, timeout };
    return await exchange.send(node, { ...call, parameters }, deadline);
  }

  async #run(
    path: string,
    parameters: Record<string, string>,
    statements: readonly Statement[],
  ): Promise<Result[]> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isOver) throw new TransactionOver("The transaction has ended with its function");
    const body = statementsText(statements);
    let answer: Answer;
    try {
      answer = await this.send({ method: "POST", path, parameters, body });
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      // It may have been run, and would be a second time if it was sent again.
      throw this.#fail(
        new Unavailable(`${this.#parts.node}, which has the transaction: ${error.message}`),
      );
    }
    if (answer.status === 200) {
      return resultsOf(answer.text, { integers: this.#parts.integers, replayed: false });
    }
    const error = refusal(answer);
    if (error instanceof Conflict || error instanceof TransactionOver) throw this.#fail(error);
    throw answer.status >= 500 ? this.#fail(new Unavailable(error.message)) : error;
  }

  #fail(error: RaftliteError): RaftliteError {
    this.#failure ??= error;
    return error;
  }
}
