import type { Recent } from "../../base/recent.ts";
import type { AdmittedRequest } from "../admitted_request.ts";
import type { AppState } from "../app_state.ts";
import { laidOut } from "../indent.ts";
import type { QueryParameters } from "../query_parameters.ts";
import { RequestError } from "../request_error.ts";

/** /debug/log: the last lines of this node's log, the oldest first. */
export function logLines(app: AppState, { parameters }: AdmittedRequest<"none">): Response {
  return linesOf(app, parameters, app.info.logLines, ({ wallTime, level, room, message }) => {
    return { time: new Date(wallTime).toISOString(), level, room, message };
  });
}

/** /debug/audit: the last lines of this node's audit log, without SQL, which may hold data. */
export function auditLines(app: AppState, { parameters }: AdmittedRequest<"none">): Response {
  const lines = app.info.auditLines;
  if (lines === undefined) {
    throw new RequestError(404, "this node keeps no audit log: start it with -audit-log");
  }
  return linesOf(app, parameters, lines, (line) => {
    const { sql: _, ...event } = JSON.parse(line);
    return { event };
  });
}

function linesOf<T>(
  { answers }: AppState,
  parameters: QueryParameters,
  lines: Recent<T> | undefined,
  shown: (line: T) => object,
): Response {
  const kept = lines?.after(afterIn(parameters)) ?? [];
  const text = JSON.stringify({
    lines: kept.map(({ number, item }) => ({ number, ...shown(item) })),
  });
  return answers.json(laidOut(text, parameters.has("pretty")));
}

/** The number of a line; those behind it are asked for. */
function afterIn(parameters: QueryParameters): number {
  const text = parameters.get("after") ?? "0";
  if (!/^\d{1,15}$/.test(text)) throw new RequestError(400, "after is not the number of a line");
  return Number(text);
}
