import type { CallerMemory } from "../../access/caller_memory.ts";
import type { Client } from "../client.ts";
import { DisconnectWatch } from "../disconnect_watch.ts";
import { headerOf } from "../request_header.ts";
import { responseOf } from "../streamed_response.ts";
import type { PassedAnswer, PassedRequest } from "./messages.ts";
import { Outbox } from "./outbox.ts";

export interface PasserParts {
  readonly post: (requests: readonly PassedRequest[], transfer: Transferable[]) => void;
  readonly gone: (id: number) => void;
  /** Is told who has asked, where `asksWho` is given; undefined where nobody is. */
  readonly callers: CallerMemory | undefined;
}

/** Has the main thread answer requests: those of one turn go together, with their bodies. */
export class RequestPasser {
  readonly #gone: PasserParts["gone"];
  readonly #callers: CallerMemory | undefined;
  readonly #disconnects = new DisconnectWatch();
  readonly #waiting = new Map<number, (answer: PassedAnswer) => void>();
  readonly #requests: Outbox<PassedRequest>;
  #lastId = 0;

  constructor(parts: PasserParts) {
    this.#gone = parts.gone;
    this.#callers = parts.callers;
    this.#requests = new Outbox(parts.post);
  }

  async pass(
    request: Request,
    body: PassedRequest["body"],
    { address }: Client,
    asksWho: boolean,
  ): Promise<Response> {
    const id = ++this.#lastId;
    const { method, url } = request;
    const passed = { id, method, url, headers: [...request.headers], body, address, asksWho };
    const answered = new Promise<PassedAnswer>((resolve) => this.#waiting.set(id, resolve));
    using client = this.#disconnects.over(request);
    client.signal().addEventListener("abort", () => this.#gone(id), { once: true });
    this.#requests.add(passed);
    const answer = await answered;
    if (answer.caller !== undefined) {
      this.#callers?.remember(headerOf(request, "authorization"), answer.caller);
    }
    return passedResponse(answer);
  }

  answered(answers: readonly PassedAnswer[]): void {
    for (const answer of answers) {
      const answered = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      answered?.(answer);
    }
  }
}

/** The response that another thread has sent. */
export function passedResponse({ status, headers, body }: PassedAnswer): Response {
  return responseOf(body, { status, headers: headers.map(([name, value]) => [name, value]) });
}
