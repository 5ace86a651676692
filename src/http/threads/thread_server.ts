import { CallerMemory } from "../../access/caller_memory.ts";
import { anybody, type Identity } from "../../access/types.ts";
import { UsersEpoch } from "../../access/users_epoch.ts";
import { messageOf } from "../../base/message_of.ts";
import type { Clock, Logger } from "../../io/types.ts";
import { LeasePermit } from "../../node/lease_permit.ts";
import type { StatementFigures } from "../../store/read/outside_readers.ts";
import type { ReadRequest, Statement } from "../../store/types.ts";
import type { TlsCredentials } from "../../tls/credentials.ts";
import { Answers, resultsEnvelope } from "../answers.ts";
import type { Client } from "../client.ts";
import { keyHeader } from "../idempotency_key.ts";
import { elapsed, statementTimeout } from "../query_parameters.ts";
import { isSmall, smallBody } from "../request_body.ts";
import { headerOf } from "../request_header.ts";
import { writtenAnswer } from "../written_answer.ts";
import type {
  ConfirmedLevel,
  FromThread,
  PassedRequest,
  ServingStart,
  ToThread,
} from "./messages.ts";
import { type PointQuery, pointQuery, pointStatements } from "./point_query.ts";
import { ReadConfirmer } from "./read_confirmer.ts";
import { type PointWrite, pointWrite } from "./point_write.ts";
import { passedResponse, RequestPasser } from "./request_passer.ts";
import { ThreadFigures } from "./thread_figures.ts";
import { listenOnThread, type ThreadListener } from "./thread_listener.ts";
import { WritePasser } from "./write_passer.ts";

/** The database, as a thread reads it. */
export interface PointReader {
  read(request: ReadRequest): Uint8Array<ArrayBuffer> | undefined;
  readonly statements: readonly StatementFigures[];
  resume(): void;
  release(): void;
}

export interface ThreadServerParts {
  readonly serving: ServingStart;
  readonly reader: PointReader;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly post: (message: FromThread, transfer?: Transferable[]) => void;
}

/**
 * Serves HTTP on a thread beside the main one, on the same port. It answers reads of single rows at
 * once, as the main thread does, and nothing else: whatever is not that, or is wrong in any way, the
 * main thread answers through this one, so that every answer is as if there were no other thread.
 */
export class ThreadServer {
  readonly #parts: ThreadServerParts;
  readonly #answers: Answers;
  /** Undefined where nobody is asked who they are. */
  readonly #callers: CallerMemory | undefined;
  readonly #figures: ThreadFigures;
  readonly #permit: LeasePermit;
  readonly #passer: RequestPasser;
  readonly #writes: WritePasser;
  readonly #confirmer: ReadConfirmer;
  readonly #listening: Promise<ThreadListener>;
  /** How much later it is by the main thread's clock than by this one's, at most. */
  #mainIsLaterMs: number | undefined;
  #askedClockAt = 0;

  /**
   * Where the address cannot be listened on, or this Deno has no server for it, a rejection that
   * nobody takes ends the thread.
   */
  constructor(parts: ThreadServerParts) {
    const { serving, clock, logger, post } = parts;
    this.#parts = parts;
    const { users } = serving;
    this.#answers = new Answers(serving, serving.httpAddress, users !== undefined);
    this.#callers = users && new CallerMemory(new UsersEpoch(users), clock);
    this.#figures = new ThreadFigures(serving.figures);
    this.#permit = new LeasePermit(serving.permit);
    this.#passer = new RequestPasser({
      post: (requests, transfer) => post({ type: "requests", requests }, transfer),
      gone: (id) => post({ type: "gone", id }),
      callers: this.#callers,
    });
    this.#writes = new WritePasser((batch) => post({ type: "writes", batch }));
    this.#confirmer = new ReadConfirmer((round, level) => post({ type: "confirm", round, level }));
    this.#listening = listenOnThread({
      serving,
      handler: (request, client) => this.#handle(request, client),
      sized: (connections) => this.#figures.connections = connections,
      logger,
      audit: serving.isAudited ? { record: (event) => post({ type: "audit", event }) } : undefined,
    });
    void this.#listening.then(() => {
      this.#askedClockAt = clock.now();
      post({ type: "clock" });
    });
  }

  receive(message: Exclude<ToThread, { type: "start" }>): void {
    const { reader, post } = this.#parts;
    switch (message.type) {
      case "clock":
        // It was read after it had been asked for: so the main thread is no further ahead than that.
        this.#mainIsLaterMs = message.nowMs - this.#askedClockAt;
        break;
      case "answers":
        this.#passer.answered(message.answers);
        break;
      case "written":
        this.#writes.answered(message.outcomes);
        break;
      case "confirmed":
        this.#confirmer.answered(message.round, message.confirmed);
        break;
      case "resume":
        reader.resume();
        break;
      case "release":
        reader.release();
        post({ type: "released" });
        break;
      case "statements":
        post({ type: "statements", figures: reader.statements });
        break;
      case "renew":
        void this.#renew(message.shown).then((failure) => post({ type: "renewed", failure }));
        break;
      case "close_older":
        void this.#listening.then((listener) => listener.closeOlder());
        break;
      case "stop":
        void this.#listening.then((listener) => listener.shutdown())
          .finally(() => post({ type: "stopped" }));
        break;
    }
  }

  /** Has new connections shown another certificate; why not, where they cannot be. */
  async #renew(shown: TlsCredentials): Promise<string | undefined> {
    try {
      (await this.#listening).renew(shown);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  #handle(request: Request, client: Client): Promise<Response> {
    const startedAt = performance.now();
    client.begins(request);
    return this.#answer(request, client, startedAt).then((response) => client.answered(response));
  }

  #answer(request: Request, client: Client, startedAt: number): Promise<Response> {
    const { readsWrites, bodyBytesMax } = this.#parts.serving;
    const asked = pointQuery(request) ?? (readsWrites ? pointWrite(request) : undefined);
    const who = asked && this.#who(request, asked);
    if (asked === undefined || who === undefined || who === "not known") {
      return this.#passOn(request, client, who === "not known");
    }
    const letIn = { request, client, identity: who, startedAt };
    if ("statements" in asked && asked.statements !== undefined) {
      const { statements } = asked;
      return this.#read({ ...letIn, query: asked, statements, body: null });
    }
    if (!isSmall(request, bodyBytesMax)) return this.#pass(request, request.body, client);
    return smallBody(request).then((body) => {
      const statements = pointStatements(body, asked.parameters);
      if (statements === undefined) return this.#pass(request, body, client);
      return "level" in asked
        ? this.#read({ ...letIn, query: asked, statements, body })
        : this.#write({ ...letIn, write: asked, statements });
    }, (error) => this.#pass(request, brokenBody(error), client));
  }

  /**
   * Who asks, where this thread may let them in; undefined where it is the main one's to say what they
   * may, "not known" where it can tell this one, too.
   */
  #who(request: Request, asked: PointQuery | PointWrite): Identity | "not known" | undefined {
    if (this.#callers === undefined) return anybody;
    const authorization = headerOf(request, "authorization");
    const caller = this.#callers.get(authorization);
    if (caller === undefined) return "not known";
    if ("level" in asked) return caller.query;
    const { execute } = caller;
    // Everybody may write, but a key is its user's, whom the main thread finds.
    const isNobodys = execute?.username === undefined && authorization !== null;
    return isNobodys && keyHeader(request) !== null ? undefined : execute;
  }

  async #read(asked: AskedHere): Promise<Response> {
    const { query: { level }, request, body, client } = asked;
    if (level !== "none" && !this.#isPermitted(level)) {
      if (!await this.#confirmer.confirm(level)) return this.#pass(request, body, client);
    }
    return this.#readNow(asked) ?? this.#pass(request, body, client);
  }

  /** Whether the node leads, as the level has to know it, and all that is committed can be read. */
  #isPermitted(level: ConfirmedLevel): boolean {
    const later = this.#mainIsLaterMs;
    return later !== undefined && this.#permit.isInForce(level, this.#parts.clock.now() + later);
  }

  #readNow({ query, statements, request, identity, startedAt }: AskedHere): Response | undefined {
    const { parameters, format } = query;
    const { reader } = this.#parts;
    const results = reader.read({
      statements,
      transaction: false,
      format,
      timeoutMs: statementTimeout(parameters),
      rights: undefined,
    });
    if (results === undefined) return undefined;
    const answers = this.#answers;
    const envelope = resultsEnvelope(results, {
      timeSeconds: elapsed(parameters, startedAt),
    }, parameters.has("pretty"));
    const response = answers.results(envelope, undefined);
    this.#figures.answered(statements.length, (performance.now() - startedAt) / 1000);
    return this.#letOut(response, request, identity);
  }

  async #write(
    { write, statements, request, client, identity, startedAt }: HandedOver,
  ): Promise<Response> {
    this.#figures.wrote();
    const { parameters, ...asked } = write;
    const { address } = client;
    const answer = await this.#writes.pass({
      ...asked,
      key: keyHeader(request),
      username: identity.username,
      address,
      statements,
    });
    const answers = this.#answers;
    const response = "status" in answer
      ? passedResponse(answer)
      : writtenAnswer(answers, { answer, results: answer.results, parameters, startedAt });
    return this.#letOut(response, request, identity);
  }

  /** What is answered to somebody who was let in here. */
  #letOut(response: Response, request: Request, { username }: Identity): Response {
    const answers = this.#answers;
    const told = username === undefined ? response : answers.tellVersion(response);
    return answers.toOrigin(request, told);
  }

  /** With its body, in one piece if it is small. */
  #passOn(request: Request, client: Client, asksWho: boolean): Promise<Response> {
    const { bodyBytesMax } = this.#parts.serving;
    if (!isSmall(request, bodyBytesMax)) return this.#pass(request, request.body, client, asksWho);
    return smallBody(request).then(
      (body) => this.#pass(request, body, client, asksWho),
      (error) => this.#pass(request, brokenBody(error), client, asksWho),
    );
  }

  #pass(
    request: Request,
    body: PassedRequest["body"],
    client: Client,
    asksWho = false,
  ): Promise<Response> {
    this.#figures.passedOn();
    return this.#passer.pass(request, body, client, asksWho);
  }
}

/** A request that is to be answered here if it can be. */
interface AskedHere {
  readonly query: PointQuery;
  readonly statements: readonly Statement[];
  readonly request: Request;
  /** As it is passed on when it cannot. */
  readonly body: PassedRequest["body"];
  readonly client: Client;
  readonly identity: Identity;
  /** By performance.now, as for `elapsed`. */
  readonly startedAt: number;
}

/** A write that the main thread is to carry out. */
interface HandedOver extends Omit<AskedHere, "query" | "body"> {
  readonly write: PointWrite;
}

/** What is left of a body that broke off: whoever reads it finds out. */
function brokenBody(error: unknown): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({ start: (controller) => controller.error(error) });
}
