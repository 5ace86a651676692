import { type EncodedGroup, encodeMessage, type MessageOptions } from "./message.ts";
import type { MessagePart, OutgoingMessage } from "./types.ts";

const encoder = new TextEncoder();

/** Groups on their way, in whichever form they are asked for. */
export class GroupsMessage implements OutgoingMessage {
  readonly #groups: readonly EncodedGroup[];
  readonly #options: MessageOptions;
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  #parts: readonly MessagePart[] | undefined;

  constructor(groups: readonly EncodedGroup[], options: MessageOptions) {
    this.#groups = groups;
    this.#options = options;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes ??= encoder.encode(encodeMessage(this.#groups, this.#options));
  }

  get parts(): readonly MessagePart[] {
    return this.#parts ??= this.#groups.map((group) => {
      const { id, table, json } = group;
      const isEvent = this.#options.debezium !== undefined;
      const text = isEvent ? json : encodeMessage([group], this.#options);
      return { id, table, bytes: encoder.encode(text) };
    });
  }
}
