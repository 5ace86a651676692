import type { NodeProcess } from "../cluster/harness.ts";

/** How long a client waits before it gives a request up, in ms. */
const patienceMs = 12_000;

/** What a node answered. */
export interface Reply {
  readonly status: number;
  readonly text: string;
  /** The kind of error, as X-Raftlite-Error names it; "" for none. */
  readonly error: string;
  /** X-Raftlite-Index. */
  readonly index: number | undefined;
  /** It is what was answered to the first request with this key. */
  readonly replayed: boolean;
}

/**
 * What became of a request: "refused": the answer promises that nothing was done; "unknown": there
 * was no answer, or one that leaves it open.
 */
export type Outcome = "applied" | "refused" | "unknown";

/** Of these kinds of errors it is known that nothing was done. */
const certain = new Set([
  "no_leader",
  "overloaded",
  "unavailable",
  "behind",
  "stale",
  "too_large",
  "invalid",
  "refused",
  "conflict",
  "no_transaction",
  "transaction_over",
  "timeout",
]);

/** A request that was not answered with 200. */
export class RequestFailed extends Error {
  override name = "RequestFailed";

  constructor(message: string, readonly outcome: Exclude<Outcome, "applied">) {
    super(message);
  }
}

/** A statement of the API: its text, or the text and its parameters. */
export type SqlStatement = string | readonly [string, ...unknown[]];

/** Rows and counters of one statement. */
export interface StatementResult {
  readonly values?: readonly (readonly unknown[])[];
  readonly error?: string;
  readonly rows_affected?: number;
  readonly last_insert_id?: number;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly patienceMs?: number;
}

/**
 * One request a connection: on a connection that it has used before, Deno's fetch sends a request
 * again by itself when that breaks, a write too, whether the node had it or not
 * (findings/deno_fetch_sends_posts_twice.sh).
 */
export const onceOnly = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });

/** Sends one request. Throws a RequestFailed unless the answer is 200. */
export async function ask(
  node: NodeProcess,
  path: string,
  options: AskOptions = {},
): Promise<Reply> {
  const { method = "POST", headers = {}, body } = options;
  let response: Response;
  let text: string;
  try {
    response = await fetch(node.url + path, {
      method,
      client: onceOnly,
      headers: { "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(options.patienceMs ?? patienceMs),
    });
    text = await response.text();
  } catch (error) {
    // Nobody was there to take it.
    const reason = error instanceof Error ? `${error} (${error.cause})` : String(error);
    const refused = /connection refused|ECONNREFUSED/i.test(reason);
    throw new RequestFailed(`${node.id}: ${reason}`, refused ? "refused" : "unknown");
  }
  const { status } = response;
  const error = response.headers.get("x-raftlite-error") ?? "";
  if (status !== 200) {
    const outcome = certain.has(error) ? "refused" : "unknown";
    throw new RequestFailed(`${node.id}: ${status} ${error}: ${text}`, outcome);
  }
  const index = response.headers.get("x-raftlite-index");
  return {
    status,
    text,
    error,
    index: index === null ? undefined : Number(index),
    replayed: response.headers.get("idempotency-replayed") === "true",
  };
}

/** The results of statements, with the answer that they came in. */
export interface Results {
  readonly results: readonly StatementResult[];
  readonly reply: Reply;
}

/** Sends statements, and has their results. Throws a RequestFailed unless the answer is 200. */
export async function run(
  node: NodeProcess,
  path: string,
  statements: readonly SqlStatement[],
  headers: Readonly<Record<string, string>> = {},
): Promise<Results> {
  const reply = await ask(node, path, { body: JSON.stringify(statements), headers });
  const { results = [], error } = JSON.parse(reply.text);
  if (error !== undefined) throw new RequestFailed(`${node.id}: ${error}`, "refused");
  return { results, reply };
}

/** The rows of a read. Throws a RequestFailed for a statement that failed, too. */
export async function rows(
  node: NodeProcess,
  level: string,
  statement: SqlStatement,
  more = "",
): Promise<{ readonly values: readonly (readonly unknown[])[]; readonly reply: Reply }> {
  const { results: [result], reply } = await run(
    node,
    `/db/query?level=${level}&timeout=3s&linearizable_timeout=3s${more}`,
    [statement],
  );
  if (result?.error !== undefined) {
    throw new RequestFailed(`${node.id}: ${result.error}`, "refused");
  }
  return { values: result?.values ?? [], reply };
}
