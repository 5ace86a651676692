import { inNextTurn } from "../../io/loop_turn.ts";
import type { PassedAnswer, PassedRequest } from "./messages.ts";

/** Sends another thread together what comes in one turn, with the streams among its bodies. */
export class Outbox<Message extends PassedRequest | PassedAnswer> {
  readonly #post: (messages: readonly Message[], transfer: Transferable[]) => void;
  #messages: Message[] = [];

  constructor(post: (messages: readonly Message[], transfer: Transferable[]) => void) {
    this.#post = post;
  }

  add(message: Message): void {
    if (this.#messages.push(message) === 1) inNextTurn(() => this.#send());
  }

  #send(): void {
    const messages = this.#messages;
    this.#messages = [];
    const streams = messages.flatMap(({ body }) => body instanceof ReadableStream ? [body] : []);
    this.#post(messages, streams);
  }
}
