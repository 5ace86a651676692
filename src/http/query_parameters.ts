import { fitsInt64 } from "../base/int64.ts";
import { RequestError } from "./request_error.ts";
import { parseGoDuration } from "./go_duration.ts";

/** A request's query parameters; of a key given twice the first counts. Flags count by presence. */
export type QueryParameters = ReadonlyMap<string, string>;

const none: QueryParameters = new Map();
const decimal = /^[-+]?\d+$/;
const decoder = new TextDecoder();

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
    if (value !== undefined && parseGoDuration(value) === undefined) {
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
export function durationParameter(
  parameters: QueryParameters,
  key: string,
  otherwise: number,
): number {
  const value = parameters.get(key);
  if (value === undefined) return otherwise;
  const milliseconds = parseGoDuration(value) ?? 0;
  return milliseconds > 0 ? Math.ceil(milliseconds) : otherwise;
}
