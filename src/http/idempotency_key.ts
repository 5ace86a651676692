import type { Requester } from "../access/types.ts";
import type { WriteAnswer } from "../cluster/types.ts";
import { type AnswerFormat, type IdempotencyKey, plainFormat } from "../store/types.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import { resultsEnvelope } from "./answers.ts";
import type { AppState } from "./app_state.ts";
import { clusterTimeout } from "./query_parameters.ts";
import { ofTransactions } from "./permissions.ts";
import { RequestError, SlowedError } from "./request_error.ts";
import { headerOf } from "./request_header.ts";
import { withIndex } from "./session_index.ts";

const header = "idempotency-key";
const replayedHeader = "idempotency-replayed";
/** A structured field's string, or what stands for one without quotes: visible ASCII. */
const quoted = /^"((?:[ !#-[\]-~]|\\["\\]){1,255})"$/;
const plain = /^[!#-~]{1,255}$/;

interface Keyed {
  readonly request: Request;
  readonly requester: Pick<Requester, "address">;
  /** In which the answer is kept, but for its timings. */
  readonly format: AnswerFormat;
}

/**
 * The client's name for a request that it may send again (draft-ietf-httpapi-idempotency-key-header),
 * and how its answer is kept; undefined when it gives none. Throws a RequestError (400) for what is
 * no key.
 */
export async function idempotencyKey(
  app: Pick<AppState, "limits" | "gate">,
  { request, requester: { address }, format }: Keyed,
): Promise<IdempotencyKey | undefined> {
  const value = keyHeader(request);
  const username = value === null ? undefined : await ownerOf(app, request, address);
  return keyOf(app, value, { username, format });
}

/**
 * Whose a key is. By what its route asks alone, a client would be nobody where everybody may do that,
 * and somebody at the next route: a write that was carried out would not be found.
 */
async function ownerOf(
  { gate }: Pick<AppState, "gate">,
  request: Request,
  address: string,
): Promise<string | undefined> {
  const authorization = headerOf(request, "authorization");
  const verdict = await gate?.judge(ofTransactions, authorization, address);
  switch (verdict?.type) {
    case "admitted":
      return verdict.identity.username;
    case "refused":
      return verdict.proven ? verdict.username : undefined;
    case "slowed":
      throw new SlowedError(verdict.seconds);
    default:
      return undefined;
  }
}

/** What the client sends for a key, whether it is one or not; null for none. */
export function keyHeader(request: Request): string | null {
  return headerOf(request, header);
}

/** The same of what a request has sent for a key, or null, where it is known whose that is. */
export function keyOf(
  { limits }: Pick<AppState, "limits">,
  value: string | null,
  { username, format }: Pick<Requester, "username"> & Pick<Keyed, "format">,
): IdempotencyKey | undefined {
  if (value === null) return undefined;
  const name = quoted.exec(value)?.[1]?.replace(/\\(.)/g, "$1") ?? plain.exec(value)?.[0];
  if (name === undefined) {
    throw new RequestError(400, "Idempotency-Key is not 1 to 255 visible ASCII characters");
  }
  return {
    user: username ?? "",
    name,
    keptSeconds: Math.ceil(limits.keyKeptMs / 1000),
    format: { ...format, timings: false },
    asks: false,
  };
}

/** Refuses a key where it would keep nobody from doing the thing twice. */
export function refuseKey(request: Request, what: string): void {
  if (keyHeader(request) === null) return;
  throw new RequestError(400, `Idempotency-Key is not for ${what}: it would not be heeded`);
}

/** What stands beside the results of an answer when those of the first request are not kept. */
export function notKept({ repeated }: WriteAnswer): { readonly error?: string } {
  if (repeated !== "results_not_kept") return {};
  return { error: "carried out before, under this Idempotency-Key; its results are not kept" };
}

/** The answer to a write: where in the log that was, and whether it was an earlier request's. */
export function marked(response: Response, { raftIndex, repeated }: WriteAnswer): Response {
  if (repeated !== undefined) response.headers.append(replayedHeader, "true");
  return withIndex(response, raftIndex);
}

/**
 * GET /db/outcome: what became of the write under the key, 404 when none was carried out. It is asked
 * through the log, and so is true of all that was acknowledged before.
 */
export async function outcome(
  app: AppState,
  { request, parameters, requester }: AdmittedRequest<"none">,
): Promise<Response> {
  const key = await idempotencyKey(app, { request, requester, format: plainFormat });
  if (key === undefined) {
    throw new RequestError(400, "Idempotency-Key is missing: it says which write is asked about");
  }
  const answer = await app.service.write({
    statements: [],
    transaction: false,
    unified: false,
    format: plainFormat,
    statementTimeoutMs: 0,
    timeoutMs: clusterTimeout(parameters),
    key: { ...key, asks: true },
  });
  const envelope = resultsEnvelope(answer.results, notKept(answer), parameters.has("pretty"));
  return marked(app.answers.results(envelope, answer.servedBy), answer);
}
