import type { CallerTeller } from "../../access/caller_teller.ts";
import { messageOf } from "../../base/message_of.ts";
import type { Client } from "../client.ts";
import { FrontRequest } from "../front_request.ts";
import type { ClientHandler } from "../native_server.ts";
import { StreamedResponse } from "../streamed_response.ts";
import type { PassedAnswer, PassedRequest } from "./messages.ts";
import { Outbox } from "./outbox.ts";

export interface TakerParts {
  readonly handler: ClientHandler;
  /** Undefined where nobody is asked who they are. */
  readonly callers: Pick<CallerTeller, "tell"> | undefined;
  readonly post: (answers: readonly PassedAnswer[], transfer: Transferable[]) => void;
}

/** Carries out what another thread has passed on, on the main one, and sends the answers back together. */
export class RequestTaker {
  readonly #handler: ClientHandler;
  readonly #callers: TakerParts["callers"];
  readonly #underWay = new Map<number, FrontRequest>();
  readonly #answers: Outbox<PassedAnswer>;

  constructor(parts: TakerParts) {
    this.#handler = parts.handler;
    this.#callers = parts.callers;
    this.#answers = new Outbox(parts.post);
  }

  take(requests: readonly PassedRequest[]): void {
    for (const passed of requests) void this.#carryOut(passed);
  }

  /** Its client has gone. */
  gone(id: number): void {
    this.#underWay.get(id)?.abort();
  }

  /** The thread is no more, and its clients with it. */
  allGone(): void {
    for (const request of this.#underWay.values()) request.abort();
    this.#underWay.clear();
  }

  async #carryOut(passed: PassedRequest): Promise<void> {
    const { id, address, asksWho } = passed;
    let answer: PassedAnswer;
    try {
      const request = new FrontRequest(passed.url, passed);
      this.#underWay.set(id, request);
      // Whoever has the connection watches it.
      const client: Client = { address, begins() {}, answered: (response) => response };
      answer = await answerOf(id, await this.#handler(request, client));
      if (asksWho) {
        // Behind the answer: by now a password has been compared with its hash.
        const caller = this.#callers?.tell(request.headers.get("authorization"));
        answer = { ...answer, caller };
      }
    } catch (error) {
      const body = new TextEncoder().encode(messageOf(error));
      answer = { id, status: 500, headers: [], body };
    } finally {
      this.#underWay.delete(id);
    }
    this.#answers.add(answer);
  }
}

/** A response as another thread can send it. */
export async function answerOf(id: number, response: Response): Promise<PassedAnswer> {
  const { status } = response;
  const headers = [...response.headers];
  if (response instanceof StreamedResponse) return { id, status, headers, body: response.body };
  const body = await response.bytes();
  return { id, status, headers, body: body.length === 0 ? null : body };
}
