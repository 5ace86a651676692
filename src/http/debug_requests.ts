import { rightsOf } from "../access/table_rights.ts";
import type { Identity, Requester } from "../access/types.ts";
import { normalSql } from "../sqlite/normal_sql.ts";
import { EncodedStatements, type Statements } from "../store/types.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import { sortedGoJson } from "../base/go_json.ts";
import { laidOut } from "./indent.ts";
import { RequestError } from "./request_error.ts";
import type { RunningRequest } from "./running_requests.ts";

/** Statements of a request whose SQL is shown. */
const shownMax = 10;

/** /debug/requests: what is carried out for this node's clients, or waits for that, without values. */
export function debugRequests(
  app: AppState,
  { identity, parameters }: AdmittedRequest<"none">,
): Response {
  const now = performance.now();
  const requests = app.running.all.filter((each) => maySee(identity, each.work.requester))
    .map((each) => ({
      id: each.id,
      path: new URL(each.work.request.url).pathname,
      state: each.state,
      age_ms: Math.round(now - each.since),
      ...shownRequester(each.work.requester),
      ...shownStatements(each.work.statements),
    }));
  const queued = app.queue.waiting.filter(({ requester }) => maySee(identity, requester))
    .map(({ sequence, ageMs, requester, statements }) => ({
      sequence_number: sequence,
      state: "queued",
      age_ms: Math.round(ageMs),
      ...shownRequester(requester),
      ...shownStatements(statements),
    }));
  const text = sortedGoJson({ requests, queued });
  return app.answers.json(laidOut(text, parameters.has("pretty")));
}

/** DELETE /debug/requests/ID: ends one of them. */
export function endRequest(
  app: AppState,
  { request, identity, audited }: AdmittedRequest<"none">,
): Response {
  const id = /\/debug\/requests\/(\d{1,15})$/.exec(new URL(request.url).pathname)?.[1];
  if (id === undefined) {
    throw new RequestError(400, "the path must end with the id of a request: see /debug/requests");
  }
  audited?.note({ id });
  const running = app.running.get(Number(id));
  if (running === undefined || !maySee(identity, running.work.requester)) {
    throw new RequestError(404, `no request ${id} is under way`);
  }
  if (!running.end()) throw new RequestError(409, tooLate(running));
  return app.answers.done(undefined);
}

function tooLate({ id }: RunningRequest): string {
  return `request ${id} cannot be ended: its write has gone to the leader, and once it is in the ` +
    "log every node applies it";
}

/** Users with rights by table see what they ask for themselves: the SQL of others is about any table. */
function maySee(identity: Identity, requester: Requester | undefined): boolean {
  if (rightsOf(identity) === undefined) return true;
  return requester !== undefined && requester.username === identity.username;
}

function shownRequester(requester: Requester | undefined) {
  return { user: requester?.username, address: requester?.address };
}

function shownStatements(statements: Statements) {
  // Of a large request no thread but a reader's makes objects.
  const plain = statements instanceof EncodedStatements ? [] : statements;
  return {
    statements: statements.length,
    sql: plain.slice(0, shownMax).map(({ sql }) => normalSql(sql)),
  };
}
