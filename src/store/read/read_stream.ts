import type { Clock, Timer } from "../../io/types.ts";

export interface ReadStreamHandlers {
  /** One more part may come. */
  wanted(): void;
  /** Nobody wants the rest. */
  cancelled(): void;
}

/**
 * An answer that comes in parts, as a stream: a part is asked for when the client has taken one,
 * and a client that takes none for `stallMs` is given up, since it holds a connection.
 */
export class ReadStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #handlers: ReadStreamHandlers;
  readonly #clock: Clock;
  readonly #stallMs: number;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #stall: Timer | undefined;
  /** Parts that arrived and were not yet asked for. */
  readonly #parts: Uint8Array[] = [];
  #waiting = false;
  #ended = false;

  constructor(clock: Clock, stallMs: number, handlers: ReadStreamHandlers) {
    this.#clock = clock;
    this.#stallMs = stallMs;
    this.#handlers = handlers;
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: () => {
        if (this.#ended) return;
        this.#end();
        this.#handlers.cancelled();
      },
    }, { highWaterMark: 0 });
    this.#watch();
  }

  part(bytes: Uint8Array, last: boolean): void {
    if (this.#ended) return;
    this.#parts.push(bytes);
    if (last) this.#ended = true;
    if (this.#waiting) this.#deliver();
  }

  /** The answer cannot be finished. */
  fail(error: Error): void {
    if (this.#ended && this.#parts.length === 0) return;
    this.#end();
    this.#parts.length = 0;
    this.#controller?.error(error);
  }

  #pull(): void {
    this.#stall?.cancel();
    this.#stall = undefined;
    this.#waiting = true;
    if (this.#parts.length > 0) this.#deliver();
  }

  #deliver(): void {
    const part = this.#parts.shift();
    if (part === undefined) return;
    this.#waiting = false;
    this.#controller?.enqueue(part);
    if (this.#ended && this.#parts.length === 0) {
      this.#controller?.close();
      return;
    }
    this.#handlers.wanted();
    this.#watch();
  }

  #watch(): void {
    this.#stall?.cancel();
    this.#stall = this.#clock.after(this.#stallMs, () => {
      const wasRunning = !this.#ended;
      this.fail(
        new Error(`Answer given up: its client took nothing of it for ${this.#stallMs} ms`),
      );
      if (wasRunning) this.#handlers.cancelled();
    });
  }

  #end(): void {
    this.#ended = true;
    this.#stall?.cancel();
    this.#stall = undefined;
  }
}
