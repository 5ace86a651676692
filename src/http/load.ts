import { isUtf8 } from "node:buffer";
import { ResultErrors } from "../cluster/result_errors.ts";
import { plainFormat, type Results } from "../store/types.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import { emptyEnvelope, resultsEnvelope } from "./answers.ts";
import type { AuditedRequest } from "./audited_request.ts";
import { refusal } from "./error_answer.ts";
import { clusterTimeout, elapsed, startOf } from "./query_parameters.ts";
import { notUtf8 } from "./request_body.ts";
import { refuseTransaction } from "./transactions.ts";
import { idempotencyKey, marked, notKept, refuseKey } from "./idempotency_key.ts";
import { withIndex } from "./session_index.ts";
import { spool } from "./spool.ts";

/** /db/load: replaces the database by a SQLite file, or runs a SQL text in one transaction. */
export async function load(
  app: AppState,
  admitted: AdmittedRequest<"database">,
): Promise<Response> {
  const { request, requester, parameters } = admitted;
  const { answers, logger, service } = app;
  const startedAt = startOf(parameters);
  refuseTransaction(parameters, "loads");
  const redirect = app.redirect(request, parameters);
  if (redirect !== undefined) return redirect;
  const pretty = parameters.has("pretty");
  const body = await admitted.body();
  const form = body.isSqlite ? "sqlite" : "sql";
  admitted.audited?.note({ form, ...lengthOf(request), forwarded_to: app.forwardedTo() });
  if (body.isSqlite) {
    refuseKey(request, "SQLite files");
    logger.log("INFO", "http", "SQLite database file detected as load data");
    const index = await loadFile(app, request, body.whole());
    return withIndex(answers.loaded(emptyEnvelope({}, pretty), app.forwardedTo()), index);
  }
  // SQLite takes it apart, in the store's Worker: here it is bytes, and nothing reads them twice.
  const sql = await body.text();
  if (admitted.audited?.wantsSql) admitted.audited.note({}, beginningOf(sql));
  if (!isUtf8(sql)) {
    return answers.text(200, refusal(app, { error: notUtf8, parameters, startedAt }).body ?? "");
  }
  const format = { ...plainFormat, timings: parameters.has("timings") };
  const answer = await service.loadSql({
    sql,
    format,
    timeoutMs: clusterTimeout(parameters),
    key: await idempotencyKey(app, { request, requester, format }),
  });
  tellOutcome(admitted.audited, answer.results);
  const fields = { ...notKept(answer), timeSeconds: elapsed(parameters, startedAt) };
  const envelope = resultsEnvelope(answer.results, fields, pretty);
  return marked(answers.loaded(envelope, answer.servedBy), answer);
}

/** Of a request, as its client says. */
function lengthOf({ headers }: Request): { bytes?: number } {
  const length = headers.get("content-length");
  return length === null ? {} : { bytes: Number(length) };
}

const decoder = new TextDecoder();

/** As much of a SQL text as a line of the audit holds, and a little more, so that it shows the cut. */
function beginningOf(sql: Uint8Array): string {
  return decoder.decode(sql.subarray(0, 16 * 1024));
}

/** The text may fail although it was carried out as far as the cluster goes. */
function tellOutcome(audited: AuditedRequest | undefined, results: Results): void {
  if (audited === undefined) return;
  let failure: string | undefined;
  const errors = new ResultErrors((_, error) => failure ??= error);
  errors.push(typeof results === "string" ? encoder.encode(results) : results);
  // SQLite's errors quote the SQL.
  const reason = audited.wantsSql ? failure : "an error of SQLite";
  if (failure !== undefined) audited.end("failed", { reason });
}

const encoder = new TextEncoder();

/** /boot: as /db/load of a SQLite file, on a cluster of one node. */
export async function boot(
  app: AppState,
  admitted: AdmittedRequest<"database">,
): Promise<Response> {
  const { answers } = app;
  admitted.audited?.note(lengthOf(admitted.request));
  refuseKey(admitted.request, "SQLite files");
  const body = await admitted.body();
  if (body.isShort) return answers.error(503, "EOF");
  if (!body.isSqlite) {
    await body.cancel();
    return answers.error(400, "invalid SQLite data");
  }
  const obstacle = bootObstacle(app);
  if (obstacle !== undefined) {
    await body.cancel();
    return answers.error(503, obstacle);
  }
  const index = await loadFile(app, admitted.request, body.whole());
  return withIndex(answers.empty(200), index);
}

/**
 * Loads a SQLite file, and has it first in a file of this node's where it comes in chunks. Resolves
 * with the index of the entry by which it is the database.
 */
async function loadFile(
  { service }: AppState,
  request: Request,
  body: ReadableStream<Uint8Array>,
): Promise<number> {
  const { signal } = request;
  if (!request.headers.has("transfer-encoding")) {
    return await service.load(body, signal, lengthOf(request).bytes);
  }
  const { dataDirectory } = service.status();
  return await spool(body, dataDirectory, (spooled, size) => service.load(spooled, signal, size));
}

function bootObstacle({ service }: AppState): string | undefined {
  const { raft, configuration } = service.status();
  if (raft.role !== "leader") return "not leader";
  return configuration.members.length > 1 ? "not single-node" : undefined;
}
