import { rightsOf } from "../../access/table_rights.ts";
import { ServiceError } from "../../cluster/types.ts";
import { LiveReadError, type LiveReadRequest, type Statement } from "../../store/types.ts";
import type { AdmittedRequest } from "../admitted_request.ts";
import type { AppState } from "../app_state.ts";
import { readStatements } from "../data_request.ts";
import { LargeStatements } from "../large_statements.ts";
import { answerFormat, clusterTimeout, readLevel, statementTimeout } from "../query_parameters.ts";
import { RequestError } from "../request_error.ts";
import { headerOf } from "../request_header.ts";
import { minIndex } from "../session_index.ts";
import { pieceStream } from "../streams/piece_stream.ts";
import { streamForm, streamTypes } from "../streams/stream_form.ts";
import { tellRefusal } from "../table_refusals.ts";
import type { LiveQuery } from "./live_query.ts";
import type { LiveState } from "./live_state.ts";
import { watchStream } from "./watch_stream.ts";

/** What one run of a live query may take, unless the client says less, in ms. */
const runMsMax = 5_000;

/** /db/watch: the rows of a SELECT, and then, whenever they are others, what is other. */
export async function watch(
  app: AppState,
  admitted: AdmittedRequest<"statements">,
): Promise<Response> {
  const { live } = app;
  const { request, requester, parameters } = admitted;
  const form = streamForm(parameters, headerOf(request, "accept"));
  const statement = await statementOf(app, admitted);
  const asked = requestOf(admitted, statement);
  const { query, letGo } = live.take(asked, `${requester.username ?? ""}@${requester.address}`);
  const gone = new AbortController();
  if (!live.watchers.enter(gone)) {
    letGo();
    throw new RequestError(503, `${live.watchers.max} watch queries at this node: ask another`);
  }
  const client = app.disconnects.over(request);
  using running = app.running.begin({ request, requester, statements: [statement] }, {
    read: client,
  });
  const leave = () => {
    letGo();
    live.watchers.leave(gone);
    client[Symbol.dispose]();
  };
  const left = client.signal();
  let sentAway: string | undefined;
  const end = () => {
    if (left.reason instanceof RequestError) sentAway = left.reason.message;
    gone.abort();
  };
  try {
    left.throwIfAborted();
    left.addEventListener("abort", end);
    const index = await freshIndex(app, admitted, client.signal);
    // Runs wait for their turn, behind those of others: not for somebody who has gone.
    const first = await orAborted(left, firstState(query, index, admitted, statement));
    const pieces = watchStream({
      ...{ query, live, first, form },
      mayGoOn: () => admitted.isStillAdmitted,
      gone,
      sentAway: () => sentAway,
    });
    const body = running.streaming(pieceStream(pieces, gone, leave));
    return app.answers.endless(body, streamTypes[form]);
  } catch (error) {
    leave();
    throw error;
  }
}

/** What `work` comes to; rejects once the signal is aborted. */
async function orAborted<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const end = () => reject(signal.reason);
  if (signal.aborted) end();
  signal.addEventListener("abort", end);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", end);
  }
}

async function statementOf(
  app: AppState,
  admitted: AdmittedRequest<"statements">,
): Promise<Statement> {
  const { request, parameters } = admitted;
  if (request.method === "GET") return { sql: parameters.get("q") ?? "" };
  const statements = await readStatements(app, admitted);
  if (statements === undefined) throw new RequestError(400, "SQL is not UTF-8");
  const [statement, another] = statements instanceof LargeStatements ? [] : statements;
  if (statement !== undefined && another === undefined) return statement;
  throw new RequestError(400, "a watch is of one SELECT, with its parameters");
}

function requestOf(
  { parameters, identity }: AdmittedRequest<"statements">,
  statement: Statement,
): LiveReadRequest {
  const asked = statementTimeout(parameters);
  return {
    statement,
    // Timings would be other each time.
    format: { ...answerFormat(parameters, false), timings: false },
    timeoutMs: asked === 0 ? runMsMax : Math.min(asked, runMsMax),
    rights: rightsOf(identity),
  };
}

/** Brings this node's own copy up to what the level asks for; resolves with how far it then is. */
async function freshIndex(
  app: AppState,
  { request, parameters }: AdmittedRequest<"statements">,
  signal: () => AbortSignal,
): Promise<number> {
  // A browser that comes back says there how far it has seen, and asks for the same URL as at first.
  const lastEventId = /^\d{1,15}$/.exec(headerOf(request, "last-event-id") ?? "")?.[0];
  const seen = Math.max(minIndex(request, parameters) ?? 0, Number(lastEventId ?? 0));
  const nothing = {
    statements: [],
    transaction: false,
    format: answerFormat(parameters, false),
    timeoutMs: 0,
  };
  const level = { ...readLevel(parameters), ...(seen > 0 ? { minIndex: seen } : {}) };
  try {
    await app.service.read(nothing, level, signal);
  } catch (error) {
    // Which rqlite's own routes answer in their way.
    if (error instanceof ServiceError && error.kind === "stale") {
      throw new RequestError(503, error.message);
    }
    throw error;
  }
  return app.live.store.applied.index;
}

async function firstState(
  query: LiveQuery,
  index: number,
  { audited, parameters }: AdmittedRequest<"statements">,
  { sql }: Statement,
): Promise<LiveState> {
  try {
    return await query.reach(index, clusterTimeout(parameters));
  } catch (error) {
    if (!(error instanceof LiveReadError)) throw error;
    if (audited !== undefined) tellRefusal(audited, error.message, sql);
    throw new RequestError(400, error.message);
  }
}
