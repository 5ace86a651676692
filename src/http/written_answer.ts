import type { WriteAnswer } from "../cluster/types.ts";
import type { Results } from "../store/types.ts";
import { type Answers, resultsEnvelope } from "./answers.ts";
import { marked, notKept } from "./idempotency_key.ts";
import { elapsed, type QueryParameters } from "./query_parameters.ts";

/** A write that was carried out, and how its client wants to hear of it. */
interface Written {
  readonly answer: WriteAnswer;
  /** Those of the answer, as the client is to have them. */
  readonly results: Results | ReadableStream<Uint8Array>;
  readonly parameters: QueryParameters;
  /** See `startOf`. */
  readonly startedAt: number;
}

/** The response to a write. */
export function writtenAnswer(
  answers: Answers,
  { answer, results, parameters, startedAt }: Written,
): Response {
  const envelope = resultsEnvelope(results, {
    ...notKept(answer),
    timeSeconds: elapsed(parameters, startedAt),
    raftIndex: parameters.has("raft_index") ? answer.raftIndex : 0,
  }, parameters.has("pretty"));
  return marked(answers.results(envelope, answer.servedBy), answer);
}
