import type { ComparisonReport } from "../cluster/types.ts";
import { ServiceError } from "../cluster/types.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import { timeText } from "./time_text.ts";

/** /verify: POST has the nodes' copies of the database compared, GET shows how far that is. */
export async function verify(
  app: AppState,
  { request, audited }: AdmittedRequest<"none">,
): Promise<Response> {
  const { answers, service } = app;
  if (request.method === "POST") audited?.note({ forwarded_to: app.forwardedTo() });
  try {
    const report = request.method === "POST" ? await service.verify() : await service.comparison();
    return answers.json(`${JSON.stringify(comparisonJson(report), null, 2)}\n`);
  } catch (error) {
    if (!(error instanceof ServiceError) || error.kind !== "failed") throw error;
    return answers.error(409, error.message);
  }
}

/** A comparison as the API shows it. */
function comparisonJson(report: ComparisonReport | undefined): Record<string, unknown> {
  if (report === undefined) return { state: "none" };
  const { state, startedAtMs, finishedAtMs, index, tables, rows, copies, findings, unread } =
    report;
  return {
    state,
    message: report.message,
    started_at: timeText(startedAtMs),
    finished_at: timeText(finishedAtMs),
    index,
    tables,
    rows,
    copies: Object.fromEntries(
      copies.map(({ id, verdict, why, tables }) => [
        id,
        {
          verdict,
          why: why === "" ? undefined : why,
          tables: tables.length === 0 ? undefined : Object.fromEntries(
            tables.map(({ name, rows }) => [name, { rows_differing: rows ?? null }]),
          ),
        },
      ]),
    ),
    findings: findings.length === 0 ? undefined : findings,
    not_compared: unread.length === 0 ? undefined : unread,
  };
}
