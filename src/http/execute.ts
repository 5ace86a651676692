import type { AppState } from "./app_state.ts";
import { hasBreakingPragma } from "./breaking_pragma.ts";
import { readStatements, startOf } from "./data_request.ts";
import { refusal } from "./error_answer.ts";
import type { QueryParameters } from "./query_parameters.ts";
import { queuedExecute } from "./queued_execute.ts";
import { notUtf8 } from "./body_text.ts";
import { answerWrite } from "./write_answer.ts";

/** /db/execute: writes. */
export async function execute(
  app: AppState,
  request: Request,
  parameters: QueryParameters,
): Promise<Response> {
  if (parameters.has("queue")) return await queuedExecute(app, request, parameters);
  const startedAt = startOf(parameters);
  const statements = await readStatements(app, request);
  if (statements === undefined) return refusal(app, parameters, notUtf8, startedAt);
  app.counters.execute_stmts_rx += statements.length;
  if (hasBreakingPragma(statements)) {
    return refusal(app, parameters, "disallowed pragma", startedAt);
  }
  return await answerWrite(app, request, parameters, statements, { unified: false, startedAt });
}
