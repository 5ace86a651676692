import { rightsOf } from "../access/table_rights.ts";
import { hasBreakingPragma } from "./statements.ts";
import { Withdrawal } from "../cluster/withdrawal.ts";
import { type ReadAnswer, ServiceError, type WriteRequest } from "../cluster/types.ts";
import { jsonContentType, resultsEnvelope } from "./answers.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import { notUtf8 } from "./request_body.ts";
import { inspect, readInspected, readStatements, type RequestStatements } from "./data_request.ts";
import { type Work, workOf } from "./data_work.ts";
import type { WatchedClient } from "./disconnect_watch.ts";
import { refusal } from "./error_answer.ts";
import { idempotencyKey } from "./idempotency_key.ts";
import {
  answerFormat,
  clusterTimeout,
  elapsed,
  type QueryParameters,
  readLevel,
  startOf,
  statementTimeout,
} from "./query_parameters.ts";
import { queuedExecute } from "./queued_execute.ts";
import { toAudit } from "./table_refusals.ts";
import { inTransaction } from "./transactions.ts";
import { traced } from "./traced_write.ts";
import { minIndex, withIndex } from "./session_index.ts";
import { writtenAnswer } from "./written_answer.ts";

/** /db/execute: writes. */
export async function execute(
  app: AppState,
  admitted: AdmittedRequest<"statements">,
): Promise<Response> {
  const { parameters } = admitted;
  if (parameters.has("queue")) return await queuedExecute(app, admitted);
  const startedAt = startOf(parameters);
  const statements = await readStatements(app, admitted);
  if (statements === undefined) return refusal(app, { error: notUtf8, parameters, startedAt });
  app.counters.execute_stmts_rx += statements.length;
  if (hasBreakingPragma(statements)) return pragmaRefusal(app, parameters, startedAt);
  const work = workOf(admitted, statements, { unified: false, startedAt });
  if (parameters.has("tx")) return await inTransaction(app, { ...work, readOnly: false });
  return await write(app, work);
}

/** /db/query: reads. */
export function query(
  app: AppState,
  admitted: AdmittedRequest<"statements">,
): Response | Promise<Response> {
  const { request, parameters } = admitted;
  const startedAt = startOf(parameters);
  const readThem = (statements: RequestStatements | undefined) => {
    if (statements === undefined) return refusal(app, { error: notUtf8, parameters, startedAt });
    app.counters.query_stmts_rx += statements.length;
    if (hasBreakingPragma(statements)) return pragmaRefusal(app, parameters, startedAt);
    const work = workOf(admitted, statements, { unified: false, startedAt });
    if (parameters.has("tx")) return inTransaction(app, { ...work, readOnly: true });
    return read(app, work);
  };
  return request.method === "GET"
    ? readThem([{ sql: parameters.get("q") ?? "" }])
    : readStatements(app, admitted).then(readThem);
}

/**
 * /db/request: reads and writes together. Reads alone go the way of /db/query at their level; with
 * one write among them, all of it goes through the log.
 */
export async function unified(
  app: AppState,
  admitted: AdmittedRequest<"statements">,
): Promise<Response> {
  const { parameters, identity } = admitted;
  const startedAt = startOf(parameters);
  const statements = await readInspected(app, admitted, "both");
  app.counters.request_stmts_rx += statements.length;
  if (hasBreakingPragma(statements)) return pragmaRefusal(app, parameters, startedAt);
  const work = workOf(admitted, statements, { unified: true, startedAt });
  if (parameters.has("tx")) return await inTransaction(app, { ...work, readOnly: false });
  const readOnly = await inspect(app, statements, rightsOf(identity));
  return await (readOnly.every((verdict) => verdict === true) ? read : write)(app, work);
}

function pragmaRefusal(app: AppState, parameters: QueryParameters, startedAt: number): Response {
  return refusal(app, { error: "disallowed pragma", parameters, startedAt });
}

/** Carries out statements of which some may write, as the parameters ask, and answers for them. */
async function write(app: AppState, work: Work): Promise<Response> {
  const { request, requester, parameters, statements, startedAt, identity } = work;
  const redirect = app.redirect(request, parameters, jsonContentType);
  if (redirect !== undefined) return redirect;
  // In associative form rqlite gives writes `"rows":null`, for /db/execute too.
  const format = answerFormat(parameters, true);
  const withdrawal = new Withdrawal();
  using _ = app.running.begin(work, { write: withdrawal });
  const asked: WriteRequest = {
    statements,
    transaction: parameters.has("transaction"),
    unified: work.unified,
    format,
    statementTimeoutMs: statementTimeout(parameters),
    timeoutMs: clusterTimeout(parameters),
    rights: rightsOf(identity),
    key: await idempotencyKey(app, { request, requester, format }),
    withdrawal,
  };
  const answer = app.tracing === undefined
    ? await app.service.write(asked)
    : await traced(app.tracing, work, (trace) => app.service.write({ ...asked, trace }));
  const results = toAudit(work, answer.results);
  return writtenAnswer(app.answers, { answer, results, parameters, startedAt });
}

/** Reads at the level that the client asked for and answers with the results: at once where it can. */
function read(app: AppState, work: Work): Response | Promise<Response> {
  const { request, parameters, statements, startedAt } = work;
  const seen = minIndex(request, parameters);
  const level = { ...readLevel(parameters), ...(seen === undefined ? {} : { minIndex: seen }) };
  if (parameters.has("redirect") && app.isForLeader(level.level)) {
    const redirect = app.redirect(request, parameters, jsonContentType);
    if (redirect !== undefined) return redirect;
  }
  const asked = {
    statements,
    transaction: parameters.has("transaction"),
    format: answerFormat(parameters, work.unified),
    timeoutMs: statementTimeout(parameters),
    rights: rightsOf(work.identity),
  };
  const failed = (error: unknown) => {
    if (!(error instanceof ServiceError) || error.kind !== "stale") throw error;
    return refusal(app, { error: "stale read", parameters, startedAt });
  };
  const client = app.disconnects.over(request);
  let answer: ReadAnswer | Promise<ReadAnswer>;
  try {
    answer = app.service.read(asked, level, client.signal);
  } catch (error) {
    client[Symbol.dispose]();
    return failed(error);
  }
  return answer instanceof Promise
    ? watched(app, work, client, answer)
      .then((answer) => readAnswer(app, work, answer), failed)
      .finally(() => client[Symbol.dispose]())
    : readAnswer(app, work, answer);
}

function readAnswer(app: AppState, work: Work, answer: ReadAnswer): Response {
  const { parameters, startedAt } = work;
  const envelope = resultsEnvelope(toAudit(work, answer.results), {
    timeSeconds: elapsed(parameters, startedAt),
    raftIndex: parameters.has("raft_index") ? answer.raftIndex : 0,
  }, parameters.has("pretty"));
  return withIndex(app.answers.results(envelope, undefined), answer.seenIndex);
}

/** A read that takes longer: it is seen, and can be ended, as long as its answer is under way. */
async function watched(
  app: AppState,
  work: Work,
  client: WatchedClient,
  reading: Promise<ReadAnswer>,
): Promise<ReadAnswer> {
  client.lasts();
  using running = app.running.begin(work, { read: client });
  const answer = await running.orEnded(reading);
  const { results } = answer;
  return results instanceof ReadableStream
    ? { ...answer, results: running.streaming(results) }
    : answer;
}
