import { type ReadAnswer, ServiceError } from "../cluster/types.ts";
import type { Statements } from "../store/types.ts";
import { jsonContentType } from "./answers.ts";
import type { AppState } from "./app_state.ts";
import { answerFormat, elapsed, isForLeader, readLevel, statementTimeout } from "./data_request.ts";
import { resultsEnvelope } from "./envelope.ts";
import { refusal } from "./error_answer.ts";
import type { QueryParameters } from "./query_parameters.ts";

/** Reads at the level that the client asked for and answers with the results. */
export async function answerRead(
  app: AppState,
  request: Request,
  parameters: QueryParameters,
  statements: Statements,
  { unified, startedAt }: { unified: boolean; startedAt: number },
): Promise<Response> {
  const level = readLevel(parameters);
  if (parameters.has("redirect") && isForLeader(app, level.level)) {
    const redirect = app.redirect(request, parameters, jsonContentType);
    if (redirect !== undefined) return redirect;
  }
  const read = {
    statements,
    transaction: parameters.has("transaction"),
    format: answerFormat(parameters, unified),
    timeoutMs: statementTimeout(parameters),
  };
  using client = app.disconnects.over(request);
  let answer: ReadAnswer;
  try {
    const answered = app.service.read(read, level, client.signal);
    answer = answered instanceof Promise ? await answered : answered;
  } catch (error) {
    if (!(error instanceof ServiceError) || error.kind !== "stale") throw error;
    return refusal(app, parameters, "stale read", startedAt);
  }
  const envelope = resultsEnvelope(answer.results, {
    timeSeconds: elapsed(parameters, startedAt),
    raftIndex: parameters.has("raft_index") ? answer.raftIndex : 0,
  }, parameters.has("pretty"));
  return app.answers.results(envelope, undefined);
}
