import { isUtf8 } from "node:buffer";
import { plainFormat } from "../store/types.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import { emptyEnvelope, resultsEnvelope } from "./answers.ts";
import { refusal } from "./error_answer.ts";
import { clusterTimeout, elapsed, startOf } from "./query_parameters.ts";
import { notUtf8 } from "./request_body.ts";
import { idempotencyKey, marked, notKept, refuseKey } from "./idempotency_key.ts";
import { withIndex } from "./session_index.ts";
import { spool } from "./spool.ts";

/** /db/load: replaces the database by a SQLite file, or runs a SQL text in one transaction. */
export async function load(
  app: AppState,
  admitted: AdmittedRequest<"database">,
): Promise<Response> {
  const { request, parameters, identity } = admitted;
  const { answers, logger, service } = app;
  const startedAt = startOf(parameters);
  const redirect = app.redirect(request, parameters);
  if (redirect !== undefined) return redirect;
  const pretty = parameters.has("pretty");
  const body = await admitted.body();
  if (body.isSqlite) {
    refuseKey(request);
    logger.log("INFO", "http", "SQLite database file detected as load data");
    const index = await loadFile(app, request, body.whole());
    return withIndex(answers.loaded(emptyEnvelope({}, pretty), app.forwardedTo()), index);
  }
  // SQLite takes it apart, in the store's Worker: here it is bytes, and nothing reads them twice.
  const sql = await body.text();
  if (!isUtf8(sql)) {
    return answers.text(200, refusal(app, { error: notUtf8, parameters, startedAt }).body ?? "");
  }
  const format = { ...plainFormat, timings: parameters.has("timings") };
  const answer = await service.loadSql({
    sql,
    format,
    timeoutMs: clusterTimeout(parameters),
    key: idempotencyKey(app, { request, identity, format }),
  });
  const fields = { ...notKept(answer), timeSeconds: elapsed(parameters, startedAt) };
  const envelope = resultsEnvelope(answer.results, fields, pretty);
  return marked(answers.loaded(envelope, answer.servedBy), answer);
}

/** /boot: as /db/load of a SQLite file, on a cluster of one node. */
export async function boot(
  app: AppState,
  admitted: AdmittedRequest<"database">,
): Promise<Response> {
  const { answers } = app;
  refuseKey(admitted.request);
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
  if (!request.headers.has("transfer-encoding")) return await service.load(body, signal);
  const { dataDirectory } = service.status();
  return await spool(body, dataDirectory, (spooled) => service.load(spooled, signal));
}

function bootObstacle({ service }: AppState): string | undefined {
  const { raft, configuration } = service.status();
  if (raft.role !== "leader") return "not leader";
  return configuration.members.length > 1 ? "not single-node" : undefined;
}
