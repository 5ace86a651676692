import { jsonContentType } from "./answers.ts";
import type { AppState } from "./app_state.ts";
import { hasBreakingPragma } from "./breaking_pragma.ts";
import {
  answerFormat,
  clusterTimeout,
  elapsed,
  readStatements,
  statementTimeout,
} from "./data_request.ts";
import { resultsEnvelope } from "./envelope.ts";
import { refusal } from "./error_answer.ts";
import type { QueryParameters } from "./query_parameters.ts";
import { queuedExecute } from "./queued_execute.ts";

/** /db/execute: writes. */
export async function execute(
  app: AppState,
  request: Request,
  parameters: QueryParameters,
): Promise<Response> {
  app.counters.executions++;
  if (request.method !== "POST") return app.answers.empty(405, { json: true });
  if (parameters.has("queue")) return await queuedExecute(app, request, parameters);
  const startedAt = performance.now();
  const statements = await readStatements(app, request);
  app.counters.execute_stmts_rx += statements.length;
  if (hasBreakingPragma(statements)) {
    return refusal(app, parameters, "disallowed pragma", startedAt);
  }
  const redirect = app.redirect(request, parameters, jsonContentType);
  if (redirect !== undefined) return redirect;
  const answer = await app.service.write({
    statements,
    transaction: parameters.has("transaction"),
    unified: false,
    // In associative form rqlite gives writes `"rows":null` here too.
    format: answerFormat(parameters, true),
    statementTimeoutMs: statementTimeout(parameters),
    timeoutMs: clusterTimeout(parameters),
  });
  const envelope = resultsEnvelope(answer.results, {
    timeSeconds: elapsed(parameters, startedAt),
    raftIndex: parameters.has("raft_index") ? answer.raftIndex : 0,
  }, parameters.has("pretty"));
  return app.answers.results(envelope, answer.servedBy);
}
