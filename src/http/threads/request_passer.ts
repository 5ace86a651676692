import { setImmediate } from "node:timers";
import type { Client } from "../client.ts";
import { DisconnectWatch } from "../disconnect_watch.ts";
import { responseOf } from "../streamed_response.ts";
import type { PassedAnswer, PassedRequest } from "./messages.ts";

export interface PasserParts {
  readonly post: (requests: readonly PassedRequest[], transfer: Transferable[]) => void;
  readonly gone: (id: number) => void;
}

/** Has the main thread answer requests: those of one turn go together, with their bodies. */
export class RequestPasser {
  readonly #parts: PasserParts;
  readonly #disconnects = new DisconnectWatch();
  readonly #waiting = new Map<number, (answer: PassedAnswer) => void>();
  #requests: PassedRequest[] = [];
  #lastId = 0;

  constructor(parts: PasserParts) {
    this.#parts = parts;
  }

  async pass(
    request: Request,
    body: PassedRequest["body"],
    { address }: Client,
  ): Promise<Response> {
    const id = ++this.#lastId;
    const { method, url } = request;
    const passed = { id, method, url, headers: [...request.headers], body, address };
    const answered = new Promise<PassedAnswer>((resolve) => this.#waiting.set(id, resolve));
    using client = this.#disconnects.over(request);
    client.signal().addEventListener("abort", () => this.#parts.gone(id), { once: true });
    if (this.#requests.push(passed) === 1) setImmediate(() => this.#send());
    const { status, headers, body: answer } = await answered;
    return responseOf(answer, { status, headers: headers.map(([name, value]) => [name, value]) });
  }

  #send(): void {
    const requests = this.#requests;
    this.#requests = [];
    const streams = requests.flatMap(({ body }) => body instanceof ReadableStream ? [body] : []);
    this.#parts.post(requests, streams);
  }

  answered(answers: readonly PassedAnswer[]): void {
    for (const answer of answers) {
      const answered = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      answered?.(answer);
    }
  }
}
