import type { ReadLevel, ReadLevelOptions } from "../cluster/types.ts";
import type { AnswerFormat } from "../store/types.ts";
import { BoundedMap } from "../base/bounded_map.ts";
import { fitsInt64 } from "../base/int64.ts";
import { RequestError } from "./request_error.ts";
import { durationIn } from "../base/duration.ts";

/** What rqlite waits for the cluster when the client does not say, in ms. */
export const clusterTimeoutMs = 30_000;
const linearizableTimeoutMs = 10_000;
/** Timers keep 31 bits of milliseconds, 24.8 days, and fire at once beyond: no longer than 24 days. */
const timeoutMsMax = 24 * 24 * 3_600_000;

/** A request's query parameters; of a key given twice the first counts. Flags count by presence. */
export type QueryParameters = ReadonlyMap<string, string>;

const none: QueryParameters = new Map();
const decimal = /^[-+]?\d+$/;
const decoder = new TextDecoder();

/** URLs that are remembered, and how long one may be: clients send few, again and again. */
const seenMax = 256;
const seenLengthMax = 256;
const seen = new BoundedMap<QueryParameters>(seenMax);

/** The parameters of a request's URL. Throws a RequestError (400) with rqlite's words. */
export function parametersOf(url: string): QueryParameters {
  const known = seen.get(url);
  if (known !== undefined) return known;
  const queryAt = url.indexOf("?");
  const parameters = parseQueryParameters(queryAt < 0 ? "" : url.slice(queryAt + 1));
  if (url.length <= seenLengthMax) seen.set(url, parameters);
  return parameters;
}

/**
 * Reads the text behind the `?` by the rules of Go's url.ParseQuery and checks the parameters that
 * have a form. Throws a RequestError (400) with rqlite's words.
 */
export function parseQueryParameters(query: string): QueryParameters {
  if (query === "") return none;
  const parameters = new Map<string, string>();
  let error: RequestError | undefined;
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    if (pair.includes(";")) {
      error = new RequestError(400, "invalid semicolon separator in query");
      continue;
    }
    const equals = pair.indexOf("=");
    try {
      const key = unescape(equals < 0 ? pair : pair.slice(0, equals));
      const value = equals < 0 ? "" : unescape(pair.slice(equals + 1));
      if (!parameters.has(key)) parameters.set(key, value);
    } catch (thrown) {
      if (!(thrown instanceof RequestError)) throw thrown;
      error ??= thrown;
    }
  }
  if (error !== undefined) throw error;
  check(parameters);
  return parameters;
}

function check(parameters: QueryParameters): void {
  if (parameters.has("freshness_strict") && !parameters.has("freshness")) {
    throw new RequestError(400, "freshness_strict requires freshness");
  }
  for (const key of ["timeout", "freshness", "db_timeout", "linearizable_timeout"]) {
    const value = parameters.get(key);
    if (value !== undefined && durationIn(value) === undefined) {
      throw new RequestError(400, `${key} is not a valid duration`);
    }
  }
  for (const key of ["retries", "trailing_logs"]) {
    const value = parameters.get(key);
    if (value !== undefined && !isGoInteger(value)) {
      throw new RequestError(400, `${key} is not a valid integer`);
    }
  }
  if (parameters.get("q") === "") throw new RequestError(400, "query parameter not set");
}

/** Whether Go's strconv.Atoi reads it: a number of 64 bits. */
function isGoInteger(text: string): boolean {
  return decimal.test(text) && fitsInt64(BigInt(text));
}

/** Go's url.QueryUnescape: `+` is a space, bytes that are no UTF-8 become U+FFFD. */
function unescape(text: string): string {
  const spaced = text.includes("+") ? text.replaceAll("+", " ") : text;
  if (!spaced.includes("%")) return spaced;
  const broken = /%(?![0-9a-fA-F]{2}).{0,2}/su.exec(spaced);
  if (broken !== null) {
    throw new RequestError(400, `invalid URL escape ${JSON.stringify(broken[0])}`);
  }
  try {
    return decodeURIComponent(spaced);
  } catch {
    const bytes = new TextEncoder().encode(spaced);
    let length = 0;
    for (let at = 0; at < bytes.length; at++) {
      if (bytes[at] === 0x25) {
        bytes[length++] = parseInt(String.fromCharCode(bytes[at + 1] ?? 0, bytes[at + 2] ?? 0), 16);
        at += 2;
      } else {
        bytes[length++] = bytes[at] ?? 0;
      }
    }
    return decoder.decode(bytes.subarray(0, length));
  }
}

/** A duration in milliseconds; `otherwise` when absent, zero or negative. */
function durationParameter(
  parameters: QueryParameters,
  key: string,
  otherwise: number,
): number {
  const value = parameters.get(key);
  if (value === undefined) return otherwise;
  const milliseconds = durationIn(value) ?? 0;
  return milliseconds > 0 ? Math.ceil(milliseconds) : otherwise;
}

export function answerFormat(parameters: QueryParameters, unified: boolean): AnswerFormat {
  return {
    associative: parameters.has("associative"),
    timings: parameters.has("timings"),
    blobArray: parameters.has("blob_array"),
    exact: parameters.has("exact"),
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
  const freshness = parameters.get("freshness");
  return {
    level,
    // A negative one, as in rqlite, is one that only the leader can keep.
    freshnessMs: freshness === undefined ? 0 : durationIn(freshness) ?? 0,
    freshnessStrict: parameters.has("freshness_strict"),
    timeoutMs: level === "linearizable"
      ? timeoutParameter(parameters, "linearizable_timeout", linearizableTimeoutMs)
      : clusterTimeout(parameters),
  };
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
