import { batchCharactersMax } from "../cluster/write_queue.ts";
import { ServiceError } from "../cluster/types.ts";
import type { Statement } from "../store/types.ts";
import type { AppState } from "./app_state.ts";
import { hasBreakingPragma } from "./breaking_pragma.ts";
import { clusterTimeout, elapsed, startOf } from "./data_request.ts";
import { emptyEnvelope } from "./envelope.ts";
import { refusal } from "./error_answer.ts";
import type { QueryParameters } from "./query_parameters.ts";
import { jsonText, readBody } from "./request_body.ts";
import { RequestError } from "./request_error.ts";
import { NoStatementsError, parseStatements } from "./statements.ts";

/** /db/execute?queue: answered with a sequence number, at once or (`wait`) when the batch is written. */
export async function queuedExecute(
  app: AppState,
  request: Request,
  parameters: QueryParameters,
): Promise<Response> {
  const { service, queue, counters, answers } = app;
  counters.queued_executions++;
  const startedAt = startOf(parameters);
  if (!parameters.has("noleader") && service.leader() === undefined) {
    throw new ServiceError("no_leader", "leader not found");
  }
  const wait = parameters.has("wait");
  const body = jsonText(await readBody(app, request));
  if (body.length > batchCharactersMax) {
    const limit = `${body.length} characters, the limit is ${batchCharactersMax}`;
    throw new RequestError(413, `queued request has ${limit}: send it without queue`);
  }
  const statements = queuedStatements(body, wait);
  if (hasBreakingPragma(statements)) {
    return refusal(app, parameters, "disallowed pragma", startedAt);
  }
  const timeoutMs = clusterTimeout(parameters);
  const queued = await queue.add(statements, body.length, timeoutMs);
  if (wait) {
    counters.queued_executions_wait++;
    if (!await settledWithin(queued.written(), timeoutMs)) {
      counters.queued_executions_wait_timeout++;
      return answers.error(408, "queue wait timeout");
    }
  }
  const fields = { sequenceNumber: queued.sequence, timeSeconds: elapsed(parameters, startedAt) };
  return answers.json(emptyEnvelope(fields, parameters.has("pretty")));
}

/**
 * A body without statements is a checkpoint: waiting for it waits for all before it. rqlite takes a
 * body that it cannot read for one too, except `[]` without `wait`.
 */
function queuedStatements(body: string, wait: boolean): Statement[] {
  try {
    return parseStatements(body);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    if (error instanceof NoStatementsError && !wait) throw error;
    return [];
  }
}

/** Whether `promise` resolves in time; rejects when it does. */
async function settledWithin(promise: Promise<void>, timeoutMs: number): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), timeoutMs);
  try {
    return await Promise.race([promise.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
