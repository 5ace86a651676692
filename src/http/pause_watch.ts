import { ByteProgress } from "./byte_progress.ts";
import { BrokenBodyError } from "./request_error.ts";

/** Ends the reading of a body that pauses for too long, or comes drop by drop. */
export class PauseWatch implements Disposable {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #pauseMsMax: number;
  #timer: ReturnType<typeof setTimeout>;
  #since = performance.now();
  #tooLong = false;
  readonly #progress = new ByteProgress();

  constructor(reader: ReadableStreamDefaultReader<Uint8Array>, pauseMsMax: number) {
    this.#reader = reader;
    this.#pauseMsMax = pauseMsMax;
    this.#timer = this.#lookIn(pauseMsMax);
  }

  /** To be called after each read; throws a BrokenBodyError when it was this that ended it. */
  end(bytes: number): void {
    if (this.#tooLong) {
      throw new BrokenBodyError(`next to nothing of it came for ${this.#pauseMsMax} ms`);
    }
    if (this.#progress.came(bytes)) this.#since = performance.now();
  }

  /** One timer for all reads of a body: most end long before it. */
  #lookIn(delayMs: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      const leftMs = this.#since + this.#pauseMsMax - performance.now();
      if (leftMs > 0) {
        this.#timer = this.#lookIn(leftMs);
        return;
      }
      this.#tooLong = true;
      // A read under way ends by that.
      this.#reader.cancel().catch(() => {});
    }, delayMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
