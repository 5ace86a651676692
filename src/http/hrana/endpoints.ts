import { rightsOf } from "../../access/table_rights.ts";
import type { AdmittedRequest } from "../admitted_request.ts";
import type { AppState } from "../app_state.ts";
import { refuseKey } from "../idempotency_key.ts";
import { joinInSlices } from "../../base/slices.ts";
import { LargeBody } from "../large_body.ts";
import { nextTurn } from "../next_turn.ts";
import { minIndex } from "../session_index.ts";
import { valueIn } from "./body_value.ts";
import { batchOf, executeIn } from "./json_request.ts";
import type { Operation } from "./passed_on.ts";
import { Pipeline } from "./pipeline.ts";
import { refusalsOf } from "./refusals.ts";
import { errorReply, refusalReply, type Reply, replyOf, responseTo } from "./reply.ts";
import type { Answer } from "./results.ts";
import { type Asker, StatementRunner } from "./statement_runner.ts";
import { Stream } from "./stream.ts";

type Admitted = AdmittedRequest<"statements">;

/** GET /v2 and its like: clients ask whether the version is spoken here. */
export function spoken({ answers }: AppState): Response {
  return answers.text(200, "libSQL's protocol (Hrana over HTTP) is spoken here\n");
}

/** POST /v2/pipeline and /v3/pipeline: requests of a stream, with an answer to all of them. */
export function pipeline(app: AppState, admitted: Admitted): Promise<Response> {
  return inStream(app, admitted, "pipeline");
}

/** POST /v3/cursor: a batch, whose rows come as they are read. */
export function cursor(app: AppState, admitted: Admitted): Promise<Response> {
  return inStream(app, admitted, "cursor");
}

async function inStream(
  app: AppState,
  admitted: Admitted,
  operation: Operation,
): Promise<Response> {
  return await answered(
    app,
    admitted,
    async (body, value, asker) => await app.hrana.serve({ operation, body, value, asker }),
  );
}

/** POST /v1/execute: a statement without a stream. */
export async function execute(app: AppState, admitted: Admitted): Promise<Response> {
  return await answered(app, admitted, async (_body, value, asker) => {
    const statement = executeIn(value);
    return await withoutStream(app, asker, (pipeline) => pipeline.statement(statement));
  });
}

/** POST /v1/batch. */
export async function batch(app: AppState, admitted: Admitted): Promise<Response> {
  return await answered(app, admitted, async (_body, value, asker) => {
    const steps = batchOf(value);
    asker.client?.watched.lasts();
    return await withoutStream(app, asker, (pipeline) => pipeline.batch(steps));
  });
}

async function withoutStream(
  app: AppState,
  asker: Asker,
  body: (pipeline: Pipeline) => Promise<Answer>,
): Promise<Reply> {
  const runner = new StatementRunner(app, asker);
  const stream = new Stream(asker.user);
  try {
    const answer = await body(new Pipeline(stream, runner));
    if ("error" in answer) return refusalReply(400, answer.error);
    return replyOf([`{"result":`, [answer.result], "}"], runner.seenIndex);
  } finally {
    await stream.close(runner);
  }
}

type Serve = (body: Uint8Array, value: unknown, asker: Asker) => Promise<Reply>;

/** What fails is answered so that the clients of libSQL understand it. */
async function answered(app: AppState, admitted: Admitted, serve: Serve): Promise<Response> {
  const { request, requester, identity, audited, parameters } = admitted;
  const watched = app.disconnects.over(request);
  try {
    refuseKey(request, "libSQL's protocol");
    const body = await bytesOf(admitted);
    const asker: Asker = {
      user: identity.username ?? "",
      rights: rightsOf(identity),
      address: requester.address,
      minIndex: minIndex(request, parameters),
      failures: refusalsOf(audited, identity),
      client: { request, requester, watched },
    };
    return responseTo(app, await serve(body, await valueIn(app, body), asker));
  } catch (error) {
    return responseTo(app, errorReply(app, error));
  } finally {
    watched[Symbol.dispose]();
  }
}

async function bytesOf(admitted: Admitted): Promise<Uint8Array> {
  const body = await admitted.body();
  if (!(body instanceof LargeBody)) return body;
  using _ = body;
  return await joinInSlices(body.parts, nextTurn);
}
