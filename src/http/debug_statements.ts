import type { StatementSummary } from "../store/types.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import { laidOut } from "./indent.ts";
import type { QueryParameters } from "./query_parameters.ts";
import { RequestError } from "./request_error.ts";

const limitDefault = 100;

/**
 * /debug/statements: the statements that this node ran for clients, or applied for those of other
 * nodes, without their values: those first that took most time in all.
 */
export async function debugStatements(
  app: AppState,
  { parameters }: AdmittedRequest<"none">,
): Promise<Response> {
  const limit = limitIn(parameters);
  const summaries = await app.service.statements();
  const text = JSON.stringify({ statements: summaries.slice(0, limit).map(shown) });
  return app.answers.json(laidOut(text, parameters.has("pretty")));
}

function limitIn(parameters: QueryParameters): number {
  const text = parameters.get("limit") ?? String(limitDefault);
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new RequestError(400, "limit is not a positive integer");
  return Number(text);
}

function shown({ sql, calls, failures, rows, ...times }: StatementSummary) {
  const { totalMs, meanMs, p99Ms, maxMs } = times;
  return {
    sql,
    calls,
    failures,
    rows,
    total_ms: rounded(totalMs),
    mean_ms: rounded(meanMs),
    p99_ms: rounded(p99Ms),
    max_ms: rounded(maxMs),
  };
}

/** To a microsecond. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
