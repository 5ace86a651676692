import type { BodyShare } from "./body_budget.ts";

const firstPartBytes = 64 * 1024;
const partBytesMax = 1024 * 1024;

/**
 * A body as it arrives, in parts: it is never in one piece on the main thread. Parts of its own,
 * since each chunk would keep the larger buffer that it was read into.
 */
export class BodyParts {
  readonly #parts: Uint8Array<ArrayBuffer>[] = [];
  /** Of the last part. */
  #filled = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(chunk: Uint8Array): void {
    for (let rest = chunk; rest.length > 0;) {
      let part = this.#parts.at(-1);
      if (part === undefined || this.#filled === part.length) {
        part = new Uint8Array(Math.max(firstPartBytes, Math.min(partBytesMax, this.#length)));
        this.#parts.push(part);
        this.#filled = 0;
      }
      const piece = rest.subarray(0, part.length - this.#filled);
      part.set(piece, this.#filled);
      this.#filled += piece.length;
      this.#length += piece.length;
      rest = rest.subarray(piece.length);
    }
  }

  /** What has arrived, in its order; nothing is added any more. */
  take(): readonly Uint8Array<ArrayBuffer>[] {
    const last = this.#parts.pop();
    if (last !== undefined) this.#parts.push(last.subarray(0, this.#filled));
    return this.#parts;
  }
}

/** A whole body that is too large for the main thread to look at, and its share of the budget. */
export class LargeBody implements Disposable {
  readonly #share: BodyShare;

  constructor(
    /** Each alone in its buffer. */
    readonly parts: readonly Uint8Array<ArrayBuffer>[],
    readonly length: number,
    share: BodyShare,
  ) {
    this.#share = share;
  }

  [Symbol.dispose](): void {
    this.#share[Symbol.dispose]();
  }
}
