import { rightsOf } from "../access/table_rights.ts";
import { batchCharactersMax } from "../cluster/write_queue.ts";
import { ServiceError } from "../cluster/types.ts";
import { plainFormat } from "../store/types.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import type { RequestStatements } from "./data_request.ts";
import { emptyEnvelope } from "./answers.ts";
import { refuseTransaction } from "./transactions.ts";
import { idempotencyKey } from "./idempotency_key.ts";
import { withIndex } from "./session_index.ts";
import { refusal } from "./error_answer.ts";
import { clusterTimeout, elapsed, type QueryParameters, startOf } from "./query_parameters.ts";
import { BodyTooLongError } from "./body_reader.ts";
import { jsonText } from "./request_body.ts";
import { LargeBody } from "./large_body.ts";
import { LargeStatements } from "./large_statements.ts";
import { RequestError } from "./request_error.ts";
import { refusalListener } from "./table_refusals.ts";
import { hasBreakingPragma, NoStatementsError, parseStatements } from "./statements.ts";

/** /db/execute?queue: answered with a sequence number, at once or (`wait`) when the batch is written. */
export async function queuedExecute(
  app: AppState,
  admitted: AdmittedRequest<"statements">,
): Promise<Response> {
  const { request, requester, parameters, identity, audited } = admitted;
  const { service, queue, counters, answers } = app;
  refuseTransaction(parameters, "queued writes");
  counters.queued_executions++;
  const startedAt = startOf(parameters);
  if (!parameters.has("noleader") && service.leader() === undefined) {
    throw new ServiceError("no_leader", "leader not found");
  }
  const wait = parameters.has("wait");
  const { statements, characters } = await readQueued(app, admitted, wait);
  if (hasBreakingPragma(statements)) {
    return refusal(app, { error: "disallowed pragma", parameters, startedAt });
  }
  const timeoutMs = clusterTimeout(parameters);
  const alone = statements instanceof LargeStatements ? statements.facts.setsContext : undefined;
  const rights = rightsOf(identity);
  const key = await idempotencyKey(app, { request, requester, format: plainFormat });
  const onError = audited !== undefined && rights !== undefined
    ? refusalListener(audited, statements)
    : undefined;
  const queued = await queue.add(
    { statements, size: characters, alone, rights, requester, key, onError },
    timeoutMs,
  );
  let index: number | undefined;
  if (wait) {
    counters.queued_executions_wait++;
    index = await settledWithin(queued.written(), timeoutMs);
    if (index === undefined) {
      counters.queued_executions_wait_timeout++;
      return answers.error(408, "queue wait timeout");
    }
  }
  const fields = { sequenceNumber: queued.sequence, timeSeconds: elapsed(parameters, startedAt) };
  return withIndex(answers.json(emptyEnvelope(fields, parameters.has("pretty"))), index);
}

interface Queued {
  readonly statements: RequestStatements;
  readonly characters: number;
}

async function readQueued(
  app: AppState,
  admitted: AdmittedRequest<"statements">,
  wait: boolean,
): Promise<Queued> {
  const body = await admitted.body();
  if (body instanceof LargeBody) return await readLargeQueued(app, body, admitted.parameters);
  const text = jsonText(body);
  const exact = admitted.parameters.has("exact");
  const statements = orCheckpoint(wait, () => parseStatements(text, exact));
  return { statements, characters: text.length };
}

async function readLargeQueued(
  app: AppState,
  body: LargeBody,
  parameters: QueryParameters,
): Promise<Queued> {
  using _ = body;
  const { length } = body;
  try {
    const statements = await app.bodyReader.read(body, {
      type: "json",
      exact: parameters.has("exact"),
      wanted: "statements",
      charactersMax: batchCharactersMax,
    });
    return { statements, characters: statements.facts.characters };
  } catch (error) {
    if (error instanceof BodyTooLongError) throw tooLongForQueue(error.characters);
    const rethrow = () => {
      throw error;
    };
    return { statements: orCheckpoint(parameters.has("wait"), rethrow), characters: length };
  }
}

function tooLongForQueue(characters: number): RequestError {
  const limit = `${characters} characters, the limit is ${batchCharactersMax}`;
  return new RequestError(413, `queued request has ${limit}: send it without queue`);
}

/**
 * A body without statements is a checkpoint: waiting for it waits for all before it. rqlite takes a
 * body that it cannot read for one too, except `[]` without `wait`.
 */
function orCheckpoint<T>(wait: boolean, read: () => T): T | [] {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    if (error instanceof NoStatementsError && !wait) throw error;
    return [];
  }
}

/** What `promise` resolves with, undefined when that is not in time; rejects when it does. */
async function settledWithin<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), timeoutMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
