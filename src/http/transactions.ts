import { rightsOf } from "../access/table_rights.ts";
import type { Identity } from "../access/types.ts";
import { durationIn } from "../base/duration.ts";
import { type TransactionMode, transactionModes } from "../cluster/transactions/transaction.ts";
import type { TransactionRequest } from "../cluster/types.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import { emptyEnvelope, resultsEnvelope } from "./answers.ts";
import type { AppState } from "./app_state.ts";
import type { RequestStatements } from "./data_request.ts";
import type { Work } from "./data_work.ts";
import { keyHeader, keyOf, marked, refuseKey } from "./idempotency_key.ts";
import { parseFirstValue } from "./json_scanner.ts";
import {
  answerFormat,
  clusterTimeout,
  elapsed,
  type QueryParameters,
  statementTimeout,
} from "./query_parameters.ts";
import { jsonText } from "./request_body.ts";
import { RequestError } from "./request_error.ts";
import { toAudit } from "./table_refusals.ts";
import { plainFormat } from "../store/types.ts";

/** POST /db/begin: begins a transaction of several requests, and answers with its id and bounds. */
export async function begin(
  app: AppState,
  admitted: AdmittedRequest<"words">,
): Promise<Response> {
  const { parameters, identity } = admitted;
  const { transactionOpenMs, transactionIdleMs } = app.limits;
  const asked = beginning(await admitted.body());
  const openMs = Math.min(asked.openMs ?? transactionOpenMs, transactionOpenMs);
  const id = await app.service.begin({
    mode: asked.mode,
    user: userOf(identity),
    rights: rightsOf(identity),
    openMs,
    idleMs: transactionIdleMs,
    timeoutMs: clusterTimeout(parameters),
  });
  return app.answers.json(JSON.stringify({ tx: id, open_ms: openMs, idle_ms: transactionIdleMs }));
}

interface Beginning {
  readonly mode: TransactionMode;
  readonly openMs: number | undefined;
}

/** What the body asks for; an empty one is `{}`. Throws a RequestError. */
function beginning(body: Uint8Array): Beginning {
  const text = jsonText(body).trim();
  let value: unknown;
  try {
    value = text === "" ? {} : parseFirstValue(text);
  } catch {
    throw new RequestError(400, "body is not JSON");
  }
  if (typeof value !== "object" || value === null) {
    throw new RequestError(400, "body is not a JSON object");
  }
  const { mode = "deferred", timeout } = value as Readonly<Record<string, unknown>>;
  const known = transactionModes.find((candidate) => candidate === mode);
  if (known === undefined) {
    throw new RequestError(400, `mode is none of ${transactionModes.join(", ")}`);
  }
  if (timeout === undefined) return { mode: known, openMs: undefined };
  const openMs = typeof timeout === "string" ? durationIn(timeout) : undefined;
  if (openMs === undefined || openMs <= 0) {
    throw new RequestError(400, 'timeout is not a duration like "10s"');
  }
  return { mode: known, openMs };
}

/** POST /db/commit?tx=…: makes what the transaction wrote durable, and visible to all. */
export async function commit(
  app: AppState,
  admitted: AdmittedRequest<"none">,
): Promise<Response> {
  const { parameters } = admitted;
  return await committed(app, { ...admitted, tx: transactionIn(parameters), statements: 0 });
}

/** POST /db/rollback?tx=…: forgets it. */
export async function rollback(
  app: AppState,
  { parameters, identity }: AdmittedRequest<"none">,
): Promise<Response> {
  return await rolledBack(app, {
    parameters,
    identity,
    tx: transactionIn(parameters),
    statements: 0,
  });
}

function transactionIn(parameters: QueryParameters): string {
  const tx = parameters.get("tx");
  if (tx === undefined || tx === "") {
    throw new RequestError(400, "tx is missing: it names the transaction that /db/begin answered");
  }
  return tx;
}

interface Ending {
  readonly parameters: QueryParameters;
  readonly identity: Identity;
  readonly tx: string;
  /** To be answered for. */
  readonly statements: number;
}

async function committed(
  app: AppState,
  { request, parameters, identity, tx, statements }: Ending & { readonly request: Request },
): Promise<Response> {
  const { username } = identity;
  const done = await app.service.commit({
    ...callOf({ tx, parameters, identity }),
    // Whose it is the request was asked already, as whatever names a transaction.
    key: keyOf(app, keyHeader(request), { username, format: plainFormat }),
  });
  const answer = { results: "{}".repeat(statements), servedBy: undefined, ...done };
  const envelope = resultsEnvelope(answer.results, {
    raftIndex: parameters.has("raft_index") ? done.raftIndex : 0,
  }, parameters.has("pretty"));
  return marked(app.answers.results(envelope, undefined), answer);
}

async function rolledBack(
  app: AppState,
  { parameters, identity, tx, statements }: Ending,
): Promise<Response> {
  await app.service.rollback(callOf({ tx, parameters, identity }));
  const pretty = parameters.has("pretty");
  return app.answers.json(
    statements === 0 ? emptyEnvelope({}, pretty) : resultsEnvelope("{}", {}, pretty) as string,
  );
}

/** Refuses a transaction where it would not be heeded. */
export function refuseTransaction(parameters: QueryParameters, what: string): void {
  if (!parameters.has("tx")) return;
  throw new RequestError(400, `tx is not for ${what}: they would be none of the transaction's`);
}

/** Statements for a transaction. */
export interface Step extends Work {
  /** They came to /db/query. */
  readonly readOnly: boolean;
}

/** Runs statements in the transaction that the request names by `tx`. */
export async function inTransaction(app: AppState, step: Step): Promise<Response> {
  const { request, parameters, identity, statements, readOnly, unified, startedAt } = step;
  const tx = transactionIn(parameters);
  const ending = endingOf(statements);
  if (ending === "commit") {
    return await committed(app, { request, parameters, identity, tx, statements: 1 });
  }
  if (ending === "rollback") {
    return await rolledBack(app, { parameters, identity, tx, statements: 1 });
  }
  refuseKey(request, "statements of a transaction, but for its commit");
  const results = await app.service.runInTransaction({
    ...callOf({ tx, parameters, identity }),
    statements,
    readOnly,
    unified: unified || readOnly,
    atomic: parameters.has("transaction"),
    format: { ...answerFormat(parameters, !readOnly), timings: false },
    // Others' writes wait while one runs.
    statementTimeoutMs: statementTimeout(parameters) || app.limits.transactionOpenMs,
  });
  const envelope = resultsEnvelope(toAudit(step, results), {
    timeSeconds: elapsed(parameters, startedAt),
  }, parameters.has("pretty"));
  return app.answers.results(envelope, undefined);
}

const endings = /^\s*(?:(COMMIT|END)|ROLLBACK)(?:\s+TRANSACTION)?\s*;?\s*$/i;

/** Whether a request is nothing but the end of its transaction, in SQL. */
function endingOf(statements: RequestStatements): "commit" | "rollback" | undefined {
  if (!Array.isArray(statements) || statements.length !== 1) return undefined;
  const match = endings.exec(statements[0]?.sql ?? "");
  if (match === null) return undefined;
  return match[1] === undefined ? "rollback" : "commit";
}

/** Which transaction a request is for, whose, and how long it may take. */
function callOf({ tx, parameters, identity }: Omit<Ending, "statements">): TransactionRequest {
  return {
    id: tx,
    user: userOf(identity),
    rights: rightsOf(identity),
    timeoutMs: clusterTimeout(parameters),
  };
}

function userOf({ username }: Identity): string {
  return username ?? "";
}
