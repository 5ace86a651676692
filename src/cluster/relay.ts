import { messageOf } from "../base/message_of.ts";
import type { Node } from "../node/node.ts";
import { type Transport, TransportError } from "../transport/types.ts";
import { neverArrived, serviceError } from "./errors.ts";
import { memberNamed, presentAddress } from "./members.ts";
import { type ClientRelay, ServiceError } from "./types.ts";
import { beginAnswer, readAnswer, RequestKind } from "./wire.ts";

interface Parts {
  readonly node: Node;
  readonly transport: Transport;
}

/** Passes requests of clients on to the node that has what they are about. */
export class Relay implements ClientRelay {
  readonly #parts: Parts;
  #serve: ((asked: Uint8Array) => Promise<Uint8Array>) | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  serve(serve: (asked: Uint8Array) => Promise<Uint8Array>): void {
    this.#serve = serve;
  }

  async ask(name: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const { node, transport } = this.#parts;
    const member = memberNamed(node.configuration, name);
    if (member === undefined) {
      throw new ServiceError("no_transaction", `Node ${name} is not of this cluster`);
    }
    const address = presentAddress(transport, member);
    const call = { address, kind: RequestKind.relayed, payload };
    try {
      const reader = readAnswer(await transport.request(call, { timeoutMs }));
      return reader.raw(reader.remaining);
    } catch (error) {
      if (!(error instanceof TransportError)) throw serviceError(error);
      const message = `Node ${name}, which has the stream, does not answer: ${messageOf(error)}`;
      throw neverArrived(error)
        ? new ServiceError("unavailable", message, { cause: error })
        : new ServiceError("unknown_outcome", `Outcome unknown: ${message}`, { cause: error });
    }
  }

  /** This node's side of what others pass on. */
  async handle(payload: Uint8Array): Promise<Uint8Array> {
    if (this.#serve === undefined) {
      throw new ServiceError("unavailable", "This node serves no clients yet");
    }
    const answer = beginAnswer();
    answer.raw(await this.#serve(payload));
    return answer.copy();
  }
}
