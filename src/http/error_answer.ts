import { messageOf } from "../base/message_of.ts";
import { ServiceError, type ServiceErrorKind } from "../cluster/types.ts";
import { StoreBusyError } from "../store/types.ts";
import type { AppState } from "./app_state.ts";
import { emptyEnvelope } from "./answers.ts";
import { elapsed, type QueryParameters } from "./query_parameters.ts";
import { BrokenBodyError, RequestError, SlowedError } from "./request_error.ts";

const statuses: Readonly<Record<ServiceErrorKind, number>> = {
  no_leader: 503,
  overloaded: 503,
  too_large: 413,
  unavailable: 503,
  unknown_outcome: 503,
  stale: 503,
  behind: 503,
  key_reused: 422,
  key_unknown: 404,
  conflict: 409,
  no_transaction: 404,
  transaction_over: 410,
  timeout: 504,
  invalid: 400,
  failed: 500,
};

/** The answer to a request that failed. */
export function errorAnswer(app: AppState, error: unknown): Response {
  const { answers, counters, logger } = app;
  if (error instanceof BrokenBodyError) logger.log("DEBUG", "http", error.message);
  if (error instanceof SlowedError) return answers.later(error.seconds);
  if (error instanceof RequestError) return answers.error(error.status, error.message, "refused");
  if (error instanceof ServiceError) {
    if (error.kind === "no_leader") {
      counters.leader_not_found++;
      return answers.error(503, "leader not found", error.kind);
    }
    if (error.kind === "failed") logger.log("ERROR", "http", `Request failed: ${error.message}`);
    return answers.error(statuses[error.kind], error.message, error.kind);
  }
  if (error instanceof StoreBusyError) return answers.error(503, error.message, "overloaded");
  if (error instanceof DOMException && error.name === "AbortError") {
    return answers.error(499, "client went away");
  }
  const text = messageOf(error);
  logger.log("ERROR", "http", `Request failed: ${text}`);
  return answers.error(500, text);
}

interface Refusal {
  readonly error: string;
  readonly parameters: QueryParameters;
  /** See `startOf`. */
  readonly startedAt: number;
}

/** How rqlite refuses a whole request for its content: 200, no results, and an error beside them. */
export function refusal(
  app: AppState,
  { error, parameters, startedAt }: Refusal,
): Response {
  const fields = { error, timeSeconds: elapsed(parameters, startedAt) };
  return app.answers.json(emptyEnvelope(fields, parameters.has("pretty")));
}
