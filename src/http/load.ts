import { isUtf8 } from "node:buffer";
import { plainFormat } from "../store/types.ts";
import type { AppState } from "./app_state.ts";
import { emptyEnvelope, resultsEnvelope } from "./answers.ts";
import { refusal } from "./error_answer.ts";
import { clusterTimeout, elapsed, type QueryParameters, startOf } from "./query_parameters.ts";
import { notUtf8, readChunk, readRest } from "./request_body.ts";
import { withIndex } from "./session_index.ts";
import { spool } from "./spool.ts";

/** What a SQLite file begins with: https://www.sqlite.org/fileformat.html#the_database_header */
const sqliteHeader = new TextEncoder().encode("SQLite format");
/** Fewer bytes than this are no SQLite file for rqlite's /boot. */
const bootHeaderBytes = 32;

/** /db/load: replaces the database by a SQLite file, or runs a SQL text in one transaction. */
export async function load(
  app: AppState,
  request: Request,
  parameters: QueryParameters,
): Promise<Response> {
  const { answers, limits, logger, service } = app;
  const startedAt = startOf(parameters);
  const redirect = app.redirect(request, parameters);
  if (redirect !== undefined) return redirect;
  const pretty = parameters.has("pretty");
  const body = await peek(request, sqliteHeader.length + 1);
  if (body.isSqlite) {
    logger.log("INFO", "http", "SQLite database file detected as load data");
    const index = await loadFile(app, request, body.whole());
    return withIndex(answers.loaded(emptyEnvelope({}, pretty), app.forwardedTo()), index);
  }
  // SQLite takes it apart, in the store's Worker: here it is bytes, and nothing reads them twice.
  const sql = await readRest(app, {
    reader: body.reader,
    first: body.chunks,
    bytesMax: limits.loadTextBytesMax,
  });
  if (!isUtf8(sql)) {
    return answers.text(200, refusal(app, { error: notUtf8, parameters, startedAt }).body ?? "");
  }
  const answer = await service.loadSql({
    sql,
    format: { ...plainFormat, timings: parameters.has("timings") },
    timeoutMs: clusterTimeout(parameters),
  });
  const fields = { timeSeconds: elapsed(parameters, startedAt) };
  const envelope = resultsEnvelope(answer.results, fields, pretty);
  return withIndex(answers.loaded(envelope, answer.servedBy), answer.raftIndex);
}

/** /boot: as /db/load of a SQLite file, on a cluster of one node. */
export async function boot(app: AppState, request: Request): Promise<Response> {
  const { answers } = app;
  const body = await peek(request, bootHeaderBytes);
  if (body.length < bootHeaderBytes) return answers.error(503, "EOF");
  if (!body.isSqlite) {
    await body.reader.cancel();
    return answers.error(400, "invalid SQLite data");
  }
  const obstacle = bootObstacle(app);
  if (obstacle !== undefined) {
    await body.reader.cancel();
    return answers.error(503, obstacle);
  }
  const index = await loadFile(app, request, body.whole());
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

/** A body of which the first bytes have been read. */
interface PeekedBody {
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly chunks: readonly Uint8Array[];
  /** Bytes in `chunks`. */
  readonly length: number;
  readonly isSqlite: boolean;
  /** All of it, as a stream. */
  whole(): ReadableStream<Uint8Array>;
}

async function peek(request: Request, bytesMin: number): Promise<PeekedBody> {
  const reader = (request.body ?? new Blob().stream()).getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length < bytesMin) {
    const { value, done } = await readChunk(reader);
    if (done) break;
    chunks.push(value);
    length += value.length;
  }
  const start = new Uint8Array(chunks.flatMap((chunk) => [...chunk.subarray(0, bytesMin)]));
  return {
    reader,
    chunks,
    length,
    isSqlite: length > sqliteHeader.length && sqliteHeader.every((byte, i) => start[i] === byte),
    whole: () => ReadableStream.from(rest(chunks, reader)),
  };
}

async function* rest(
  chunks: readonly Uint8Array[],
  reader: ReadableStreamDefaultReader<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
    for (;;) {
      const { value, done } = await readChunk(reader);
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
