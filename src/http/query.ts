import type { AppState } from "./app_state.ts";
import { hasBreakingPragma } from "./breaking_pragma.ts";
import { readStatements, type RequestStatements, startOf } from "./data_request.ts";
import { refusal } from "./error_answer.ts";
import type { QueryParameters } from "./query_parameters.ts";
import { answerRead } from "./read_answer.ts";
import { notUtf8 } from "./body_text.ts";

/** /db/query: reads. */
export async function query(
  app: AppState,
  request: Request,
  parameters: QueryParameters,
): Promise<Response> {
  const startedAt = startOf(parameters);
  const statements: RequestStatements | undefined = request.method === "GET"
    ? [{ sql: parameters.get("q") ?? "" }]
    : await readStatements(app, request);
  if (statements === undefined) return refusal(app, parameters, notUtf8, startedAt);
  app.counters.query_stmts_rx += statements.length;
  if (hasBreakingPragma(statements)) {
    return refusal(app, parameters, "disallowed pragma", startedAt);
  }
  return await answerRead(app, request, parameters, statements, { unified: false, startedAt });
}
