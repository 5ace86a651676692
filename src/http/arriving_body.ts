import { ByteProgress } from "./byte_progress.ts";
import { BrokenBodyError } from "./request_error.ts";
import { readInVain } from "./unread_body.ts";

/** It is looked at no more often, in ms. */
const lookMsMin = 10;

/**
 * A body as it comes from its client. It ends when it pauses for too long, or comes drop by drop;
 * time in which nobody waits for more of it does not count, however slowly it is taken.
 */
export class ArrivingBody implements Disposable {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #pauseMsMax: number;
  readonly #progress = new ByteProgress();
  #timer: ReturnType<typeof setTimeout>;
  /** For how long it was waited for since there was progress, until the last piece came. */
  #quietMs = 0;
  /** When the read under way began. */
  #waitingSince: number | undefined;
  #tooLong = false;
  /** It has ended, broken off, or was given up. */
  #isOver = false;

  constructor(stream: ReadableStream<Uint8Array>, pauseMsMax: number) {
    this.#reader = stream.getReader();
    this.#pauseMsMax = pauseMsMax;
    this.#timer = this.#lookIn(pauseMsMax);
  }

  /** The next piece. Throws a BrokenBodyError. */
  async read(): Promise<ReadableStreamReadResult<Uint8Array>> {
    const startedAt = performance.now();
    this.#waitingSince = startedAt;
    let result: ReadableStreamReadResult<Uint8Array>;
    try {
      result = await this.#reader.read();
    } catch (error) {
      this.#isOver = true;
      throw new BrokenBodyError(error);
    }
    this.#waitingSince = undefined;
    this.#isOver = result.done;
    if (this.#tooLong) {
      this.#isOver = true;
      throw new BrokenBodyError(`next to nothing of it came for ${this.#pauseMsMax} ms`);
    }
    if (this.#progress.came(result.value?.length ?? 0)) this.#quietMs = 0;
    else this.#quietMs += performance.now() - startedAt;
    return result;
  }

  /** Nobody wants more of it. Never rejects. */
  async cancel(): Promise<void> {
    this[Symbol.dispose]();
    if (this.#isOver) await this.#reader.cancel().catch(() => {});
    else await readInVain(this.#reader);
  }

  /** One timer for all reads of a body: most end long before it. */
  #lookIn(delayMs: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      const waitingMs = this.#waitingSince === undefined
        ? 0
        : performance.now() - this.#waitingSince;
      const leftMs = this.#pauseMsMax - this.#quietMs - waitingMs;
      if (this.#waitingSince === undefined || leftMs > 0) {
        this.#timer = this.#lookIn(Math.max(leftMs, lookMsMin));
        return;
      }
      this.#tooLong = true;
      // The read under way ends by that.
      this.#reader.cancel().catch(() => {});
    }, delayMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
