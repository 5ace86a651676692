import { bytes } from "../parts/format.ts";
import { parseExact, stringifyExact, type Value } from "./exact.ts";
import { credentials, type Who } from "./session.ts";

let onRights: (who: Who) => void = () => {};

/** Calls it with what somebody may do whenever the node has refused something for want of a right. */
export function whenRefused(listener: (who: Who) => void): void {
  onRights = listener;
}

/** Asks the node that the page came from; throws its words for anything but success. */
export async function ask(
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const headers = new Headers(init.headers);
  const authorization = credentials();
  if (authorization !== undefined) headers.set("authorization", authorization);
  let response: Response;
  try {
    // Without "omit" the browser would ask for a password itself, and keep it.
    response = await fetch(path, {
      ...init,
      headers,
      credentials: "omit",
      redirect: "error",
    });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Error("The node does not answer");
  }
  if (response.ok) return response;
  // Somebody lacks this right alone, or is not known any more: the node says which.
  if (response.status === 401) whoami().then(onRights, () => {});
  throw new Error(await reasonOf(response));
}

async function reasonOf(response: Response): Promise<string> {
  const text = (await response.text().catch(() => "")).trim();
  if (text !== "") return text;
  if (response.status === 401) return "Your credentials do not permit this";
  if (response.status === 429) {
    return `Too many wrong passwords: try again in ${response.headers.get("retry-after")} s`;
  }
  return `The node answered with status ${response.status}`;
}

export async function askJson<T>(path: string): Promise<T> {
  return parseExact(await (await ask(path)).text()) as T;
}

const json = { "content-type": "application/json" };

/** A request that does something, with a body of JSON if there is one. */
export function act(
  path: string,
  method: "POST" | "DELETE",
  body?: unknown,
): Promise<Response> {
  return body === undefined
    ? ask(path, { method })
    : ask(path, { method, headers: json, body: JSON.stringify(body) });
}

export function whoami(): Promise<Who> {
  return askJson<Who>("/whoami");
}

/** A statement with its parameters. */
export type Statement = readonly [
  sql: string,
  ...parameters: readonly unknown[],
];

/** One result of the API. */
export interface Result {
  readonly columns?: readonly string[];
  readonly types?: readonly string[];
  readonly values?: readonly (readonly Value[])[];
  readonly rows_affected?: number;
  readonly last_insert_id?: Value;
  readonly time?: number;
  readonly error?: string;
}

export interface Results {
  readonly results: readonly Result[];
  readonly time?: number;
  readonly error?: string;
}

/** Sends statements to a route of the data, which is given with its options. */
export async function send(
  route: string,
  statements: readonly Statement[],
  signal?: AbortSignal,
): Promise<Results> {
  const response = await ask(route, {
    method: "POST",
    headers: json,
    body: stringifyExact(statements),
    ...(signal === undefined ? {} : { signal }),
  });
  const answer = parseExact(await boundedText(response)) as Results;
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer;
}

/** More than a tab can well hold. */
const answerBytesMax = 128_000_000;

async function boundedText(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let size = 0;
  while (reader !== undefined) {
    const { value, done } = await reader.read();
    if (done) break;
    size += value.length;
    parts.push(decoder.decode(value, { stream: true }));
    if (size <= answerBytesMax) continue;
    await reader.cancel();
    throw new Error(
      `The answer is larger than ${bytes(answerBytesMax)}: add a LIMIT`,
    );
  }
  return parts.join("");
}

/** Sends one statement. Throws SQLite's words when it fails. */
export async function sendOne(
  route: string,
  statement: Statement,
  signal?: AbortSignal,
): Promise<Result> {
  const { results: [result = {}] } = await send(route, [statement], signal);
  if (result.error !== undefined) throw new Error(result.error);
  return result;
}

/** The rows of one statement that reads. Throws SQLite's words when it fails. */
export async function rows(
  sql: string,
  parameters: readonly unknown[] = [],
  level = "weak",
): Promise<readonly (readonly Value[])[]> {
  const route = `/db/query?blob_array&level=${level}`;
  return (await sendOne(route, [sql, ...parameters])).values ?? [];
}
