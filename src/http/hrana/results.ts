import { errorIn, type HranaError } from "./errors.ts";

/** What a statement came to. */
export type Outcome =
  | {
    readonly type: "done";
    /** As store/json/typed_json.ts writes it: a stream while it is being read. */
    readonly result: string | ReadableStream<Uint8Array>;
    /** Of what it wrote. */
    readonly raftIndex?: number;
  }
  | { readonly type: "failed"; readonly error: HranaError };

export function failed(error: HranaError): Outcome {
  return { type: "failed", error };
}

/** The result of what has neither rows nor changes. */
export const nothing = '{"cols":[],"rows":[],"affected_row_count":0,"last_insert_rowid":null}';

/** The outcome of that. */
export const done = { type: "done", result: nothing } as const satisfies Outcome;

/** The outcome of one statement by the store's result. */
export function outcomeOf(result: string, raftIndex?: number): Outcome {
  const error = errorIn(result);
  if (error !== undefined) return failed(error);
  return { type: "done", result, ...(raftIndex === undefined ? {} : { raftIndex }) };
}

/** A result in one piece, or why there is none. */
export type Answer = { readonly result: string } | { readonly error: HranaError };

/** Characters of all results in an answer that is one JSON text; libSQL's server has the same bound. */
export const responseMax = 10_000_000;

/** What is left of that for the results of one answer. */
export class ResponseBudget {
  #left = responseMax;

  /** False where it is used up. */
  take(characters: number): boolean {
    this.#left -= characters;
    return this.#left >= 0;
  }
}

const tooLarge: HranaError = {
  message: `The results are larger than ${responseMax} bytes: ask for fewer rows at a time`,
  code: "RESPONSE_TOO_LARGE",
};

/** An error as far as there is room for it: SQLite says again what may be a long text. */
export function within(error: HranaError, budget: ResponseBudget): HranaError {
  if (budget.take(error.message.length)) return error;
  const { code } = error;
  return {
    message: "The statement has failed; the answer is too large to say more of it than the code",
    code,
  };
}

/** All of an outcome's result. */
export async function whole(outcome: Outcome, budget: ResponseBudget): Promise<Answer> {
  if (outcome.type === "failed") return { error: within(outcome.error, budget) };
  let text = "";
  if (typeof outcome.result === "string") {
    if (!budget.take(outcome.result.length)) return { error: tooLarge };
    text = outcome.result;
  } else {
    for await (const piece of outcome.result.pipeThrough(new TextDecoderStream())) {
      if (!budget.take(piece.length)) return { error: tooLarge };
      text += piece;
    }
    const error = cutShort(text.slice(text.lastIndexOf("\n") + 1));
    if (error !== undefined) return { error };
  }
  const { raftIndex } = outcome;
  return {
    result: raftIndex === undefined
      ? text
      : `${text.slice(0, -1)},"replication_index":"${raftIndex}"}`,
  };
}

/** The error with which the last line of a result says that it is not all; undefined for any other. */
export function cutShort(lastLine: string): HranaError | undefined {
  return lastLine.startsWith("],") ? errorIn(`{${lastLine.slice(2)}`) : undefined;
}

/** The lines of a result, of which typed_json.ts says what stands in them. */
export async function* linesOf(
  result: string | ReadableStream<Uint8Array>,
): AsyncGenerator<string, void> {
  if (typeof result === "string") return yield* result.split("\n");
  let rest = "";
  for await (const piece of result.pipeThrough(new TextDecoderStream())) {
    // A row may be long: it is put together once.
    if (!piece.includes("\n")) rest += piece;
    else {
      const lines = (rest + piece).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  }
  yield rest;
}
