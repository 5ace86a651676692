import { ServiceError, type ServiceErrorKind } from "../../cluster/types.ts";
import type { AppState } from "../app_state.ts";
import { AuditedRequest } from "../audited_request.ts";
import { valueIn } from "./body_value.ts";
import { cursorLines } from "./cursor.ts";
import { ProtocolError } from "./errors.ts";
import { cursorIn, pipelineIn } from "./json_request.ts";
import {
  decodePassedOn,
  decodeReply,
  encodePassedOn,
  encodeReply,
  type Operation,
} from "./passed_on.ts";
import { Pipeline } from "./pipeline.ts";
import { type FailureListener, failuresTo } from "./refusals.ts";
import { errorReply, type Reply, replyOf } from "./reply.ts";
import { type Asker, StatementRunner } from "./statement_runner.ts";
import type { Stream } from "./stream.ts";
import { type Baton, readBaton, Streams } from "./streams.ts";
import type { CursorRequest, PipelineRequest } from "./types.ts";

/** What a client asks of a stream. */
export interface Asked {
  readonly operation: Operation;
  /** As it came, in case it is for another node. */
  readonly body: Uint8Array;
  readonly value: unknown;
  readonly asker: Asker;
}

type Read =
  | { readonly type: "pipeline"; readonly request: PipelineRequest }
  | { readonly type: "cursor"; readonly request: CursorRequest };

/** Of a node that was not reached, is no member, or cannot do it: nothing was done there. */
const nothingDone: ReadonlySet<ServiceErrorKind> = new Set([
  "unavailable",
  "no_transaction",
  "invalid",
]);

/** How long another node may take that has the stream, in ms. */
const relayedMs = 300_000;

/** Serves libSQL's protocol at one node. */
export class HranaServer {
  readonly #app: AppState;
  readonly #node: string;
  readonly streams: Streams;

  constructor(app: AppState, node: string) {
    this.#app = app;
    this.#node = node;
    this.streams = new Streams(node, (stream) => this.#forgotten(stream));
    app.service.relay.serve((asked) => this.#relayed(asked));
  }

  /** Carries out what a client asks, here or at the node that has its stream. Throws a ProtocolError. */
  async serve(asked: Asked): Promise<Reply> {
    const read = readAsked(asked);
    if (!mayBeOverAtOnce(read)) asked.asker.client?.watched.lasts();
    const { request: { baton: text } } = read;
    const baton = text === undefined ? undefined : readBaton(text);
    if (baton !== undefined && baton.node !== this.#node) {
      const reply = await this.#passedOn(baton, asked);
      if (reply !== undefined) return reply;
    }
    const { asker } = asked;
    const stream = baton?.node === this.#node
      ? this.streams.take(baton, asker.user)
      : this.streams.open(asker.user);
    const runner = new StatementRunner(this.#app, asker);
    return read.type === "pipeline"
      ? await this.#pipeline(stream, read.request, runner)
      : this.#cursor(stream, read.request, runner);
  }

  async #pipeline(
    stream: Stream,
    { requests }: PipelineRequest,
    runner: StatementRunner,
  ): Promise<Reply> {
    const leave = await stream.enter();
    const pipeline = new Pipeline(stream, runner);
    let isDone = false;
    try {
      const results = await pipeline.run(requests);
      isDone = true;
      const baton = pipeline.isClosed ? null : this.streams.keep(stream);
      const text = `{"baton":${JSON.stringify(baton)},"base_url":null,"results":[`;
      return replyOf([text, results, "]}"], runner.seenIndex);
    } finally {
      if (!isDone) await stream.close(runner);
      leave();
    }
  }

  /** Its baton goes to the client before anything is done. */
  #cursor(stream: Stream, { batch }: CursorRequest, runner: StatementRunner): Reply {
    const baton = this.streams.keep(stream, stream.mayKeepState(batch));
    const body = cursorLines({ stream, batch, runner, baton });
    return { status: 200, body, index: undefined };
  }

  /** What the node of the baton answers; undefined where it cannot, and another stream is as good. */
  async #passedOn(baton: Baton, { operation, body, asker }: Asked): Promise<Reply | undefined> {
    const { user, rights, address, minIndex } = asker;
    const payload = encodePassedOn({ operation, user, rights, address, minIndex, body });
    try {
      return decodeReply(await this.#app.service.relay.ask(baton.node, payload, relayedMs));
    } catch (error) {
      if (!(error instanceof ServiceError) || !nothingDone.has(error.kind)) throw error;
      if (baton.isFree) return undefined;
      const message = `${error.message}: what the stream had open is rolled back`;
      throw new ProtocolError(message, "STREAM_EXPIRED");
    }
  }

  /** This node's side of it: never rejects. */
  async #relayed(payload: Uint8Array): Promise<Uint8Array> {
    const { operation, user, rights, address, minIndex, body } = decodePassedOn(payload);
    let reply: Reply;
    try {
      reply = await this.serve({
        operation,
        body,
        value: await valueIn(this.#app, body),
        asker: {
          user,
          rights,
          address,
          minIndex,
          failures: rights === undefined ? undefined : this.#audited(operation, user, address),
        },
      });
    } catch (error) {
      reply = errorReply(this.#app, error);
    }
    return await encodeReply(reply);
  }

  /** Tells this node's audit of what is refused in a request that another node passed on. */
  #audited(operation: Operation, username: string, address: string): FailureListener | undefined {
    const { audit } = this.#app;
    if (audit === undefined) return undefined;
    const request = new Request(`http://passed.on/v3/${operation}`, { method: "POST" });
    const identity = { username };
    return failuresTo(new AuditedRequest({ audit, act: undefined, request, identity, address }));
  }

  /** Nobody came for it any more. */
  #forgotten(stream: Stream): void {
    const { user } = stream;
    const asker = { user, rights: undefined, address: "", minIndex: undefined };
    // It is rolled back, be it for lack of its user's rights.
    stream.close(new StatementRunner(this.#app, asker)).catch(() => {});
  }
}

function readAsked({ operation, value }: Asked): Read {
  return operation === "pipeline"
    ? { type: operation, request: pipelineIn(value) }
    : { type: operation, request: cursorIn(value) };
}

/**
 * Whether all of it may be over in the turn in which it begins: one statement that waits for nothing
 * before it. Any other may come to a read that lasts when its client has gone already.
 */
function mayBeOverAtOnce(read: Read): boolean {
  if (read.type === "cursor" || read.request.baton !== undefined) return false;
  const [first, ...others] = read.request.requests;
  return first?.type === "execute" && others.every(({ type }) => type === "close");
}
