import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import { jsonText } from "./request_body.ts";

/** /remove: takes a node out of the cluster. */
export async function remove(
  app: AppState,
  admitted: AdmittedRequest<"words">,
): Promise<Response> {
  const { request, parameters } = admitted;
  const { answers, service } = app;
  const id = idToRemove(jsonText(await admitted.body()));
  if (id === undefined) return answers.empty(400);
  admitted.audited?.note({ target: id, forwarded_to: app.forwardedTo() });
  const redirect = app.redirect(request, parameters);
  if (redirect !== undefined) return redirect;
  if (service.leader() === undefined) return answers.error(503, "leader not found");
  // Whether there is such a member this node may not know yet, or no more: the leader does.
  if (id !== "") await service.remove(id, admitted.requester);
  return answers.done(app.forwardedTo());
}

/** The one member of the object, a string named `id`; null is an empty one, as in Go. */
function idToRemove(body: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const [member, ...others] = Object.entries(value);
    if (member === undefined || others.length > 0) return undefined;
    const id = member[1] ?? "";
    return member[0] === "id" && typeof id === "string" ? id : undefined;
  } catch {
    return undefined;
  }
}

/** /snapshot: checkpoints and compacts the log; 204 when nothing was new. */
export async function snapshot(
  app: AppState,
  { parameters, audited }: AdmittedRequest<"none">,
): Promise<Response> {
  const trailingLogs = parameters.get("trailing_logs");
  audited?.note({ trailing_logs: trailingLogs });
  const done = await app.service.snapshot(
    trailingLogs === undefined ? undefined : Math.max(0, Number(trailingLogs)),
  );
  return app.answers.empty(done ? 200 : 204);
}

/** /reap: there are never old snapshots to remove here. */
export function reap({ answers }: AppState): Response {
  return answers.json('{"snapshots_reaped":0,"wals_checkpointed":0}\n');
}
