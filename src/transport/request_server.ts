import { messageOf } from "../base/message_of.ts";
import { RingMap } from "../base/ring_map.ts";
import { nodeName } from "../raft/types.ts";
import { type Frame, frameHeaderBytes, FrameType, isViolation, ViolationError } from "./frame.ts";
import type { Hello } from "./handshake.ts";
import type { Local } from "./local.ts";
import {
  decodeCancel,
  decodeRequest,
  FailureCode,
  OutgoingAnswer,
  OutgoingFailure,
  type ReceivedRequest,
} from "./request_frames.ts";
import type { Outgoing, SendQueue } from "./send_queue.ts";

/** What the connection that the requests came on offers. */
interface RequestSource {
  readonly remote: Hello;
  readonly remoteAddress: string;
  /** Something was queued. */
  wake(): void;
  close(why: string): void;
}

/** Hands the requests of one incoming connection to the handler, and its answers back. */
export class RequestServer {
  readonly #local: Local;
  readonly #queue: SendQueue;
  readonly #source: RequestSource;
  readonly #running = new RingMap<AbortController>();

  constructor(local: Local, queue: SendQueue, source: RequestSource) {
    this.#local = local;
    this.#queue = queue;
    this.#source = source;
  }

  /** Takes a request or a cancel; anything else may not come on this end. */
  frame(frame: Frame): void {
    if (frame.type === FrameType.request) {
      this.#begin(decodeRequest(frame.body));
    } else if (frame.type === FrameType.cancel) {
      this.#running.get(decodeCancel(frame.body))?.abort();
    } else {
      throw new ViolationError(`Frame of type ${frame.type} in place of a request`);
    }
  }

  /** The connection is gone: nobody waits for the answers. */
  abortAll(): void {
    for (const [, controller] of this.#running) controller.abort();
  }

  #begin(request: ReceivedRequest): void {
    const { id, kind } = request;
    if (this.#running.has(id)) throw new ViolationError(`Request ${id} came twice`);
    const peer = this.#local.peer(this.#source.remote, this.#source.remoteAddress);
    if (!peer.member && !this.#local.allowStrangers.has(kind)) {
      const why = `Requests of kind ${kind} are for members of this node's cluster only`;
      return this.#send(new OutgoingFailure(id, FailureCode.refused, why));
    }
    const handlers = this.#local.handlers;
    if (handlers === undefined) {
      const why = `Node ${
        nodeName(this.#local.id)
      } is not taking requests: it is starting or stopping`;
      return this.#send(new OutgoingFailure(id, FailureCode.overloaded, why));
    }
    if (this.#running.size >= this.#local.limits.pendingRequestsMax) {
      const why = `Node ${nodeName(this.#local.id)} has too many requests to answer`;
      return this.#send(new OutgoingFailure(id, FailureCode.overloaded, why));
    }
    const controller = new AbortController();
    this.#running.set(id, controller);
    this.#run(request, () => handlers.request(peer, kind, request.payload, controller.signal));
  }

  async #run({ id, kind }: ReceivedRequest, handle: () => Promise<Uint8Array>): Promise<void> {
    let reply: Outgoing;
    try {
      const answer = await handle();
      const limit = this.#local.limits.frameBytesMax - frameHeaderBytes;
      reply = answer.length <= limit ? new OutgoingAnswer(id, answer) : new OutgoingFailure(
        id,
        FailureCode.refused,
        `Answer of ${answer.length} bytes is over the limit of ${limit}`,
      );
    } catch (error) {
      if (isViolation(error)) this.#logRefused(kind, error.message);
      reply = new OutgoingFailure(id, FailureCode.refused, messageOf(error));
    }
    this.#running.take(id);
    this.#send(reply);
  }

  #logRefused(kind: number, why: string): void {
    const { remote, remoteAddress } = this.#source;
    const from = `${nodeName(remote.nodeId)} at ${remoteAddress}`;
    const line = `Refused a request of kind ${kind} from ${from}: ${why}`;
    this.#local.remoteLog.log("WARN", remoteAddress, line);
  }

  #send(reply: Outgoing): void {
    if (this.#queue.add(reply)) this.#source.wake();
    else this.#source.close("The other end asks but does not read its answers");
  }
}
