import { releaseBytes, releasedBytesMin } from "../base/bytes.ts";
import type { Client } from "./client.ts";
import type { ClientHandler, Handler } from "./native_server.ts";
import { OwnPieces } from "./own_pieces.ts";
import { isArriving } from "./request_body.ts";
import { StreamedResponse } from "./streamed_response.ts";

/**
 * What one client's connection is doing, so that one that does nothing can be ended. It reads no
 * clock: whoever looks at it from time to time sees whether `marks` has grown.
 */
export class ClientActivity implements Client {
  readonly address: string;
  /** Handles a request of this client: by one closure, as each that is called there costs time. */
  readonly handle: Handler;
  readonly #givesBack: boolean;
  readonly #controller = new AbortController();
  #underWay = 0;
  #marks = 0;
  #requests = 0;
  #newest: Request | undefined;
  #isReceiving = false;

  /**
   * @param handler Calls `begins` and `answered`.
   * @param options `givesBack`: whether the memory of OwnPieces is given back when the next piece is
   * asked for. Only a server that then needs the last one no more may have that.
   */
  constructor(address: string, handler: ClientHandler, { givesBack = false } = {}) {
    this.address = address;
    this.#givesBack = givesBack;
    this.handle = (request) => handler(request, this);
  }

  /** Grows with each request, answer and piece of an answer that the client takes. */
  get marks(): number {
    return this.#marks;
  }

  /** Requests begun so far. */
  get requests(): number {
    return this.#requests;
  }

  /** It waits for this node, and not the other way round. */
  get isServed(): boolean {
    return this.#underWay > 0 || this.#isReceiving;
  }

  /** The body of its newest request has not come yet as a whole: it is one that is read at once. */
  get isSending(): boolean {
    return this.#isReceiving || (this.#newest !== undefined && isArriving(this.#newest));
  }

  /** Aborted when the connection is to end in whatever state it is. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    this.#controller.abort();
  }

  /** Something has come from the client. */
  mark(): void {
    this.#marks++;
  }

  /** Waits for a body that is received as a whole before its request is handled. */
  async receive<T>(body: Promise<T>): Promise<T> {
    this.#marks++;
    this.#isReceiving = true;
    try {
      return await body;
    } finally {
      this.#isReceiving = false;
    }
  }

  begins(request: Request): void {
    this.#marks++;
    this.#requests++;
    this.#underWay++;
    this.#newest = request;
  }

  answered(response: Response): Response {
    this.#endOne();
    return response instanceof StreamedResponse ? this.#watched(response) : response;
  }

  #endOne(): void {
    this.#underWay--;
    this.#marks++;
    if (this.#underWay === 0) this.#newest = undefined;
  }

  /** The response, each piece of which counts: while it is made, and when the client has taken it. */
  #watched(response: Response): Response {
    const { body } = response;
    if (body === null) return response;
    const reader = body.getReader();
    const isGiven = this.#givesBack && body instanceof OwnPieces;
    let taken: Uint8Array<ArrayBuffer> | undefined;
    // The same kind, for a server that would read ahead of one of another.
    const kind = isGiven ? OwnPieces : ReadableStream<Uint8Array<ArrayBuffer>>;
    const watched = new kind({
      pull: async (controller) => {
        this.#underWay++;
        if (taken !== undefined) releaseBytes(taken);
        try {
          const { value, done } = await reader.read();
          taken = isGiven && value !== undefined && value.length >= releasedBytesMin
            ? value
            : undefined;
          if (done) controller.close();
          else controller.enqueue(value);
        } finally {
          this.#endOne();
        }
      },
      cancel: (reason) => reader.cancel(reason),
    }, { highWaterMark: 0 });
    return new StreamedResponse(watched, response);
  }
}
