import { rightsOf } from "../access/table_rights.ts";
import type { Identity, Requester } from "../access/types.ts";
import { normalSql, normalSqlReadMax } from "../sqlite/normal_sql.ts";
import { plainStatements } from "../store/codec/statement_codec.ts";
import { EncodedStatements, type Statements } from "../store/types.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import { sortedGoJson } from "../base/go_json.ts";
import { laidOut } from "./indent.ts";
import { RequestError } from "./request_error.ts";
import type { RunningRequest } from "./running_requests.ts";

/** Statements of a request whose SQL is shown. */
const shownMax = 10;
/** Of statements as they go into the log, with their values: of longer ones no objects are made here. */
const encodedBytesMax = 16 * 1024;
/** Of all requests together, the oldest first: one answer takes the main thread some ms at most. */
const readBytesMax = 256 * 1024;

/** /debug/requests: what is carried out for this node's clients, or waits for that, without values. */
export function debugRequests(
  app: AppState,
  { identity, parameters }: AdmittedRequest<"none">,
): Response {
  const now = performance.now();
  const statements = new ShownStatements();
  const requests = app.running.all.filter((each) => maySee(identity, each.work.requester))
    .map((each) => ({
      id: each.id,
      path: new URL(each.work.request.url).pathname,
      state: each.state,
      age_ms: Math.round(now - each.since),
      ...shownRequester(each.work.requester),
      ...statements.of(each.work.statements),
    }));
  const queued = app.queue.waiting.filter(({ requester }) => maySee(identity, requester))
    .map(({ sequence, ageMs, requester, statements: waiting }) => ({
      sequence_number: sequence,
      state: "queued",
      age_ms: Math.round(ageMs),
      ...shownRequester(requester),
      ...statements.of(waiting),
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

/** What is told of requests' statements, in the order in which they are asked for. */
class ShownStatements {
  #bytesLeft = readBytesMax;

  of(statements: Statements): { readonly statements: number; readonly sql: readonly string[] } {
    return { statements: statements.length, sql: this.#sqlOf(statements) };
  }

  #sqlOf(statements: Statements): string[] {
    if (statements instanceof EncodedStatements) {
      const { length } = statements.bytes;
      if (length > encodedBytesMax || length > this.#bytesLeft) return [];
      this.#bytesLeft -= length;
      return plainStatements(statements).slice(0, shownMax).map(({ sql }) => normalSql(sql));
    }
    const shown: string[] = [];
    for (const { sql } of statements.slice(0, shownMax)) {
      this.#bytesLeft -= Math.min(sql.length, normalSqlReadMax);
      if (this.#bytesLeft < 0) break;
      shown.push(normalSql(sql));
    }
    return shown;
  }
}
