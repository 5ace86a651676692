import type { Statements } from "../store/types.ts";
import { jsonContentType } from "./answers.ts";
import type { AppState } from "./app_state.ts";
import { answerFormat, clusterTimeout, elapsed, statementTimeout } from "./data_request.ts";
import { resultsEnvelope } from "./envelope.ts";
import type { QueryParameters } from "./query_parameters.ts";

/** Carries out statements of which some may write, as the parameters ask, and answers for them. */
export async function answerWrite(
  app: AppState,
  request: Request,
  parameters: QueryParameters,
  statements: Statements,
  options: { readonly unified: boolean; readonly startedAt: number },
): Promise<Response> {
  const redirect = app.redirect(request, parameters, jsonContentType);
  if (redirect !== undefined) return redirect;
  const answer = await app.service.write({
    statements,
    transaction: parameters.has("transaction"),
    unified: options.unified,
    // In associative form rqlite gives writes `"rows":null`, for /db/execute too.
    format: answerFormat(parameters, true),
    statementTimeoutMs: statementTimeout(parameters),
    timeoutMs: clusterTimeout(parameters),
  });
  const envelope = resultsEnvelope(answer.results, {
    timeSeconds: elapsed(parameters, options.startedAt),
    raftIndex: parameters.has("raft_index") ? answer.raftIndex : 0,
  }, parameters.has("pretty"));
  return app.answers.results(envelope, answer.servedBy);
}
