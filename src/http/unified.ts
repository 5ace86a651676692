import type { AppState } from "./app_state.ts";
import { hasBreakingPragma } from "./breaking_pragma.ts";
import { inspect, readInspected, startOf } from "./data_request.ts";
import { refusal } from "./error_answer.ts";
import type { QueryParameters } from "./query_parameters.ts";
import { answerRead } from "./read_answer.ts";
import { answerWrite } from "./write_answer.ts";

/**
 * /db/request: reads and writes together. Reads alone go the way of /db/query at their level; with
 * one write among them, all of it goes through the log.
 */
export async function unified(
  app: AppState,
  request: Request,
  parameters: QueryParameters,
): Promise<Response> {
  const startedAt = startOf(parameters);
  const statements = await readInspected(app, request, "both");
  app.counters.request_stmts_rx += statements.length;
  if (hasBreakingPragma(statements)) {
    return refusal(app, parameters, "disallowed pragma", startedAt);
  }
  const readOnly = await inspect(app, statements);
  if (readOnly.every((verdict) => verdict === true)) {
    return await answerRead(app, request, parameters, statements, { unified: true, startedAt });
  }
  return await answerWrite(app, request, parameters, statements, { unified: true, startedAt });
}
