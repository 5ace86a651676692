import type { ReadLevel, ReadLevelOptions } from "../cluster/types.ts";
import type { AnswerFormat, Statement } from "../store/types.ts";
import { assert } from "../base/assert.ts";
import type { AppState } from "./app_state.ts";
import { NotUtf8Error } from "./body_reader.ts";
import { jsonText, sqlText } from "./body_text.ts";
import { parseGoDuration } from "./go_duration.ts";
import { durationParameter, type QueryParameters } from "./query_parameters.ts";
import { LargeBody } from "./large_body.ts";
import { LargeStatements } from "./large_statements.ts";
import { readBody } from "./request_body.ts";
import { parseStatements } from "./statements.ts";

/** What rqlite waits for the cluster when the client does not say, in ms. */
export const clusterTimeoutMs = 30_000;
const linearizableTimeoutMs = 10_000;
/** Timers keep 31 bits of milliseconds, 24.8 days, and fire at once beyond: no longer than 24 days. */
const timeoutMsMax = 24 * 24 * 3_600_000;

type Awaitable<T> = T | Promise<T>;

/** Statements of a request, which a Worker has read if they are many or large. */
export type RequestStatements = readonly Statement[] | LargeStatements;

/**
 * The statements of a body: SQL itself when sent as text/plain, undefined when that is no UTF-8;
 * otherwise JSON.
 */
export function readStatements(
  app: AppState,
  request: Request,
): Promise<RequestStatements | undefined> {
  const isSql = request.headers.get("content-type")?.startsWith("text/plain");
  return readBody(app, request).then((body): Awaitable<RequestStatements | undefined> => {
    if (body instanceof LargeBody) return readLarge(app, body, isSql ? "sql" : "json");
    return isSql ? onlyStatement(sqlText(body)) : parseStatements(jsonText(body));
  });
}

/**
 * The statements of a body that is always JSON, so that SQLite can be asked about them; of a large
 * one perhaps only their texts.
 */
export async function readInspected(
  app: AppState,
  request: Request,
  wanted: "both" | "texts",
): Promise<RequestStatements> {
  const body = await readBody(app, request);
  if (!(body instanceof LargeBody)) return parseStatements(jsonText(body));
  using _ = body;
  return await app.bodyReader.read(body, {
    type: "json",
    wanted,
    charactersMax: Infinity,
  });
}

/** What SQLite says of each statement, in their order. */
export function inspect(
  app: AppState,
  statements: RequestStatements,
): Promise<(boolean | string)[]> {
  const texts = statements instanceof LargeStatements ? statements.inspection : statements;
  assert(texts !== undefined, "Statements are inspected that were not read for it");
  return app.service.inspect(texts);
}

async function readLarge(
  app: AppState,
  body: LargeBody,
  type: "sql" | "json",
): Promise<LargeStatements | undefined> {
  using _ = body;
  try {
    return await app.bodyReader.read(body, { type, wanted: "statements", charactersMax: Infinity });
  } catch (error) {
    if (error instanceof NotUtf8Error) return undefined;
    throw error;
  }
}

function onlyStatement(sql: string | undefined): readonly Statement[] | undefined {
  return sql === undefined ? undefined : [{ sql }];
}

export function answerFormat(parameters: QueryParameters, unified: boolean): AnswerFormat {
  return {
    associative: parameters.has("associative"),
    timings: parameters.has("timings"),
    blobArray: parameters.has("blob_array"),
    qualifyColumns: parameters.has("qualify_columns"),
    unified,
  };
}

/** How long the statements themselves may take, in ms; 0 for no limit. */
export function statementTimeout(parameters: QueryParameters): number {
  return timeoutParameter(parameters, "db_timeout", 0);
}

/** How long to wait for the cluster, in ms. */
export function clusterTimeout(parameters: QueryParameters): number {
  return timeoutParameter(parameters, "timeout", clusterTimeoutMs);
}

function timeoutParameter(parameters: QueryParameters, key: string, otherwise: number): number {
  return Math.min(durationParameter(parameters, key, otherwise), timeoutMsMax);
}

const levels: ReadonlyMap<string, ReadLevel> = new Map(
  (["none", "weak", "strong", "auto", "linearizable"] as const).map((level) => [level, level]),
);

/** The level asked for; an unknown one, or none, is weak. */
export function readLevel(parameters: QueryParameters): ReadLevelOptions {
  const level = levels.get(parameters.get("level")?.toLowerCase() ?? "") ?? "weak";
  return {
    level,
    // A negative one, as in rqlite, is one that only the leader can keep.
    freshnessMs: parseGoDuration(parameters.get("freshness") ?? "0") ?? 0,
    freshnessStrict: parameters.has("freshness_strict"),
    timeoutMs: level === "linearizable"
      ? timeoutParameter(parameters, "linearizable_timeout", linearizableTimeoutMs)
      : clusterTimeout(parameters),
  };
}

/** Whether a read at this level is the leader's in rqlite, which `redirect` sends clients to. */
export function isForLeader({ service }: AppState, level: ReadLevel): boolean {
  if (level !== "auto") return level !== "none";
  const { id, configuration } = service.status();
  return configuration.members.some((member) => member.id === id && member.suffrage === "voter");
}

/** When a request began, by performance.now, if it asks for timings. */
export function startOf(parameters: QueryParameters): number {
  return parameters.has("timings") ? performance.now() : 0;
}

/** Seconds since `startedAt`; 0 unless timings were asked for. */
export function elapsed(parameters: QueryParameters, startedAt: number): number {
  if (!parameters.has("timings")) return 0;
  // Nine decimals, as nanoseconds in Go give them.
  return Math.round((performance.now() - startedAt) * 1e6) / 1e9;
}
