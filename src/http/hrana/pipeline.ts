import { BatchRun } from "./batch_run.ts";
import { type HranaError, ProtocolError } from "./errors.ts";
import { type Answer, ResponseBudget, whole, within } from "./results.ts";
import type { StatementRunner } from "./statement_runner.ts";
import type { Stream } from "./stream.ts";
import { Turns } from "./turns.ts";
import type { Batch, HranaStatement, SqlSource, StreamRequest } from "./types.ts";

/** Characters of stored texts that one request may have looked through, as often as it names them. */
const storedCharactersMax = 64 * 1024 * 1024;
const tooMuchStored: HranaError = {
  message: `Stored texts of more than ${storedCharactersMax} characters in one request`,
  code: "SQLITE_TOOBIG",
};

/** Carries out the requests of a pipeline, and writes what each came to in JSON. */
export class Pipeline {
  readonly #stream: Stream;
  readonly #runner: StatementRunner;
  readonly #budget = new ResponseBudget();
  readonly #turns = new Turns();
  #storedCharacters = 0;
  #isClosed = false;

  constructor(stream: Stream, runner: StatementRunner) {
    this.#stream = stream;
    this.#runner = runner;
  }

  /** The stream was closed by it. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** One text for each. Throws a ProtocolError: what was done before stays done. */
  async run(requests: readonly StreamRequest[]): Promise<string[]> {
    const results: string[] = [];
    for (const request of requests) {
      if (this.#turns.isOver) await this.#turns.take();
      if (this.#isClosed && request.type !== "close") {
        throw new ProtocolError(`The stream is closed: ${request.type} comes behind that`);
      }
      const answer = await this.#answer(request);
      results.push(
        "error" in answer
          ? `{"type":"error","error":${JSON.stringify(answer.error)}}`
          : `{"type":"ok","response":{"type":"${request.type}"${answer.result}}}`,
      );
    }
    return results;
  }

  /** What stands in a response behind its type. */
  async #answer(request: StreamRequest): Promise<Answer> {
    const stream = this.#stream;
    switch (request.type) {
      case "execute":
        return asMember(await this.statement(request.statement));
      case "batch":
        return asMember(await this.batch(request.batch));
      case "describe":
        if (this.#isTooMuch(request.source)) return this.#doneOr(tooMuchStored);
        return asMember(
          await whole(await stream.describe(request.source, this.#runner), this.#budget),
        );
      case "sequence":
        if (this.#isTooMuch(request.source)) return this.#doneOr(tooMuchStored);
        return this.#doneOr(await stream.sequence(request.source, this.#runner));
      case "store_sql":
        return this.#doneOr(stream.stored.store(request.sqlId, request.sql));
      case "close_sql":
        stream.stored.close(request.sqlId);
        return this.#doneOr(undefined);
      case "get_autocommit":
        return { result: `,"is_autocommit":${stream.isAutocommit}` };
      case "close":
        this.#isClosed = true;
        await stream.close(this.#runner);
        return this.#doneOr(undefined);
    }
  }

  #isTooMuch(source: SqlSource): boolean {
    if ("sqlId" in source) this.#storedCharacters += this.#stream.stored.textOf(source).length;
    return this.#storedCharacters > storedCharactersMax;
  }

  #doneOr(error: HranaError | undefined): Answer {
    return error === undefined ? { result: "" } : { error: within(error, this.#budget) };
  }

  async statement(statement: HranaStatement): Promise<Answer> {
    return await whole(await this.#stream.execute(statement, this.#runner), this.#budget);
  }

  async batch(batch: Batch): Promise<Answer> {
    const results: string[] = batch.map(() => "null");
    const errors: string[] = batch.map(() => "null");
    const run = new BatchRun(this.#stream, batch, this.#runner);
    for await (const { step, outcome } of run.outcomes()) {
      const answer = await whole(outcome, this.#budget);
      if ("error" in answer) {
        run.failedLate(step);
        errors[step] = JSON.stringify(answer.error);
      } else results[step] = answer.result;
    }
    return { result: `{"step_results":[${results}],"step_errors":[${errors}]}` };
  }
}

function asMember(answer: Answer): Answer {
  return "error" in answer ? answer : { result: `,"result":${answer.result}` };
}
