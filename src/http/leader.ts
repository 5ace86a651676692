import { messageOf } from "../base/message_of.ts";
import { jsonContentType } from "./answers.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import { laidOut } from "./indent.ts";
import { parseFirstValue } from "./json_scanner.ts";
import { nodeJson } from "./node_report.ts";
import { clusterTimeout, type QueryParameters } from "./query_parameters.ts";
import { jsonText } from "./request_body.ts";
import { RequestError } from "./request_error.ts";
import { ServiceError } from "../cluster/types.ts";

/** /leader: GET shows the leader, POST makes it step down. */
export async function leader(
  app: AppState,
  admitted: AdmittedRequest<"words">,
): Promise<Response> {
  return admitted.request.method === "GET"
    ? await showLeader(app, admitted.parameters)
    : await stepDown(app, admitted);
}

async function showLeader(app: AppState, parameters: QueryParameters): Promise<Response> {
  const { answers, info, service } = app;
  const member = service.leader();
  if (member === undefined) return answers.error(503, "leader not found");
  const reports = await service.nodes(clusterTimeout(parameters));
  const report = reports.find((other) => other.member.id === member.id);
  if (report === undefined) return answers.error(503, "leader not found");
  const text = nodeJson(report, info);
  return answers.json(laidOut(text, parameters.has("pretty")));
}

async function stepDown(
  app: AppState,
  admitted: AdmittedRequest<"words">,
): Promise<Response> {
  const { request, parameters } = admitted;
  const { answers, service } = app;
  const wait = parameters.has("wait");
  const successor = await successorId(admitted);
  const current = service.leader();
  admitted.audited?.note({ target: successor, forwarded_to: app.forwardedTo() });
  if (current === undefined) return answers.error(503, "leader not found");
  const { members } = service.status().configuration;
  if (successor !== undefined && !members.some((member) => member.id === successor)) {
    return answers.error(500, "stepdown: node not found in cluster");
  }
  // Without `wait` rqlite answers at once, wherever it was asked.
  const redirect = wait ? app.redirect(request, parameters, jsonContentType) : undefined;
  if (redirect !== undefined) return redirect;
  const alone = members.filter((member) => member.suffrage === "voter").length < 2;
  if (alone && wait) return answers.error(500, "stepdown: cannot find peer");
  const servedBy = app.forwardedTo();
  try {
    if (!alone) await service.stepDown(successor, wait, admitted.requester);
  } catch (error) {
    if (!(error instanceof ServiceError) || error.kind === "no_leader") throw error;
    return answers.error(500, `stepdown: ${error.message}`);
  }
  return answers.done(servedBy, jsonContentType);
}

/**
 * The id in the body; undefined for any node. rqlite passes over a body that is not said to be JSON,
 * as curl's is not by default, and so another node than the one named takes over.
 */
async function successorId(admitted: AdmittedRequest<"words">): Promise<string | undefined> {
  const isSaid = admitted.request.headers.get("content-type") === "application/json";
  const body = jsonText(await admitted.body());
  if (body === "") return undefined;
  try {
    return idIn(parseFirstValue(body)) || undefined;
  } catch (error) {
    if (!isSaid) return undefined;
    throw new RequestError(400, `invalid JSON: ${messageOf(error)}`);
  }
}

/**
 * The id that Go reads out of a value: of null, and of an object without one, it is empty; large and
 * small letters in keys are the same, and the last one counts. Throws a TypeError with Go's words.
 */
function idIn(value: unknown): string {
  if (value === null) return "";
  if (typeof value !== "object" || Array.isArray(value)) {
    const type = 'Go value of type struct { ID string "json:\\"id\\"" }';
    throw new TypeError(`json: cannot unmarshal ${goKind(value)} into ${type}`);
  }
  let id = "";
  for (const [key, member] of Object.entries(value)) {
    if (!/^id$/i.test(key) || member === null) continue;
    if (typeof member !== "string") {
      const field = "Go struct field .id of type string";
      throw new TypeError(`json: cannot unmarshal ${goKind(member)} into ${field}`);
    }
    id = member;
  }
  return id;
}

function goKind(value: unknown): string {
  if (typeof value === "boolean") return "bool";
  return Array.isArray(value) ? "array" : typeof value;
}
