import { RingMap } from "../base/ring_map.ts";
import type { Timer } from "../io/types.ts";
import { type Frame, frameHeaderBytes, FrameType, ViolationError } from "./frame.ts";
import type { Local } from "./local.ts";
import {
  decodeAnswer,
  decodeFailure,
  FailureCode,
  OutgoingCancel,
  OutgoingRequest,
} from "./request_frames.ts";
import type { SendQueue } from "./send_queue.ts";
import { type NoConnection, type RequestOptions, TransportError } from "./types.ts";

interface Pending {
  readonly item: OutgoingRequest;
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (error: TransportError) => void;
  readonly timeoutMs: number;
  readonly deadline: number;
  readonly stopListening: () => void;
}

export interface RequestClientParts {
  readonly local: Local;
  readonly address: string;
  readonly queue: SendQueue;
  /** Called when something was queued. */
  readonly wake: () => void;
}

/** The requests made to one address, from their queueing to their answer. */
export class RequestClient {
  readonly #local: Local;
  readonly #address: string;
  readonly #queue: SendQueue;
  readonly #wake: () => void;
  readonly #pending = new RingMap<Pending>();
  /** For the first deadline of all: a timer for each costs as much as the rest of a request. */
  #expiry: { readonly at: number; readonly timer: Timer } | undefined;
  #lastId = 0;

  constructor({ local, address, queue, wake }: RequestClientParts) {
    this.#local = local;
    this.#address = address;
    this.#queue = queue;
    this.#wake = wake;
  }

  /** How many wait for an answer. */
  get pending(): number {
    return this.#pending.size;
  }

  request(kind: number, payload: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    const { signal, timeoutMs } = options;
    if (signal?.aborted) return Promise.reject(this.#error("aborted", "Request aborted"));
    const limits = this.#local.limits;
    if (payload.length > limits.frameBytesMax - frameHeaderBytes) {
      const why = `Request of ${payload.length} bytes is over the limit of ${limits.frameBytesMax}`;
      return Promise.reject(this.#error("protocol", why));
    }
    if (this.#pending.size >= limits.pendingRequestsMax) {
      return Promise.reject(this.#error("overloaded", "Too many requests wait for an answer"));
    }
    const id = this.#nextId();
    const item = new OutgoingRequest(id, kind, payload);
    if (!this.#queue.add(item)) {
      return Promise.reject(this.#error("overloaded", "Too many requests wait to be sent"));
    }
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const deadline = this.#local.clock.now() + timeoutMs;
    const abort = () => this.#abandon(id, this.#error("aborted", "Request aborted"));
    signal?.addEventListener("abort", abort, { once: true });
    const stopListening = () => signal?.removeEventListener("abort", abort);
    this.#pending.set(id, { item, resolve, reject, timeoutMs, deadline, stopListening });
    this.#expireAt(deadline);
    this.#wake();
    return promise;
  }

  /** Takes an answer or a failure; anything else may not come on this end. */
  frame(frame: Frame): void {
    if (frame.type === FrameType.answer) {
      const { id, payload } = decodeAnswer(frame.body);
      this.#settle(id)?.resolve(payload);
    } else if (frame.type === FrameType.failure) {
      const { id, code, text } = decodeFailure(frame.body);
      const kind = code === FailureCode.overloaded ? "overloaded" : "refused";
      this.#settle(id)?.reject(new TransportError(kind, text));
    } else {
      throw new ViolationError(`Frame of type ${frame.type} in place of an answer`);
    }
  }

  /** The connection broke, or could not be made, as `why` says with the address: nothing is answered any more. */
  fail(kind: NoConnection, why: string): void {
    for (const [id, { item }] of this.#pending) {
      const sent = !this.#queue.delete(item);
      this.#settle(id)?.reject(
        sent
          ? new TransportError("interrupted", `Connection lost before the answer came: ${why}`)
          : new TransportError(kind, why),
      );
    }
  }

  #expireAt(deadline: number): void {
    if (this.#expiry !== undefined && this.#expiry.at <= deadline) return;
    this.#expiry?.timer.cancel();
    const { clock } = this.#local;
    const timer = clock.after(Math.max(1, deadline - clock.now()), () => this.#expire());
    this.#expiry = { at: deadline, timer };
  }

  #expire(): void {
    this.#expiry = undefined;
    const now = this.#local.clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [id, pending] of this.#pending) {
      if (pending.deadline <= now) this.#timeOut(id, pending);
      else next = Math.min(next, pending.deadline);
    }
    if (next < Number.POSITIVE_INFINITY) this.#expireAt(next);
  }

  #timeOut(id: number, { item, timeoutMs }: Pending): void {
    const unsent = this.#queue.has(item);
    this.#abandon(
      id,
      unsent
        ? this.#error("unreachable", `Request could not be sent within ${timeoutMs} ms`)
        : this.#error("timeout", `No answer within ${timeoutMs} ms`),
    );
  }

  /** Gives a request up: takes it back when it is still here, else tells the other end. */
  #abandon(id: number, error: TransportError): void {
    const pending = this.#settle(id);
    if (pending === undefined) return;
    if (!this.#queue.delete(pending.item)) {
      this.#queue.add(new OutgoingCancel(id));
      this.#wake();
    }
    pending.reject(error);
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.take(id);
    if (pending === undefined) return undefined;
    if (this.#pending.size === 0) {
      this.#expiry?.timer.cancel();
      this.#expiry = undefined;
    }
    pending.stopListening();
    return pending;
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0; while (this.#pending.has(this.#lastId));
    return this.#lastId;
  }

  #error(kind: TransportError["kind"], why: string): TransportError {
    return new TransportError(kind, `Node at ${this.#address}: ${why}`);
  }
}
