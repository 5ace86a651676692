/** Bytes of all pieces of one kind that readers have not taken yet, about. */
const bytesMax = 64 * 1024 * 1024;
/** How old a piece must be for its reader to be given up where others wait for room, in ms. */
const patienceMs = 5_000;

/** Who is given up, as others wait for what he does not take. */
export class SlowReaderError extends Error {
  override name = "SlowReaderError";

  constructor() {
    super("The reader of a stream takes less than there is room for: ask again");
  }
}

interface Piece {
  bytes: number;
  readonly since: number;
  readonly gone: AbortController;
}

/**
 * What is on its way to readers, bounded over all of them: one who takes nothing would hold a piece
 * for a minute, and there may be thousands. Whoever is to be told more waits for room; the one who
 * has not taken his piece for the longest makes it, by being given up.
 */
export class PiecesUnderWay {
  readonly #bytesMax: number;
  readonly #patienceMs: number;
  /** The oldest first. */
  readonly #pieces = new Set<Piece>();
  #bytes = 0;
  #room = Promise.withResolvers<void>();

  /** @param limits For tests. */
  constructor(limits: { readonly bytesMax?: number; readonly patienceMs?: number } = {}) {
    this.#bytesMax = limits.bytesMax ?? bytesMax;
    this.#patienceMs = limits.patienceMs ?? patienceMs;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Gives the text that `make` makes, of about so many bytes at most, once there is room for it;
   * nothing for "". It is under way until more is asked for.
   *
   * @param gone Aborted when the reader has gone; and here, with a SlowReaderError, to give him up.
   */
  async *carry(
    gone: AbortController,
    bytes: number,
    make: () => string,
  ): AsyncGenerator<string, void, undefined> {
    const piece = await this.#begin(bytes, gone);
    try {
      const text = make();
      this.#bytes += 2 * text.length - piece.bytes;
      piece.bytes = 2 * text.length;
      if (text !== "") yield text;
    } finally {
      this.#end(piece);
    }
  }

  /** Has room from the moment on in which there is some. */
  async #begin(bytes: number, gone: AbortController): Promise<Piece> {
    for (;;) {
      const [oldest] = this.#pieces;
      const isFull = oldest !== undefined && this.#bytes + bytes > this.#bytesMax;
      if (!isFull || gone.signal.aborted) break;
      const leftMs = oldest.since + this.#patienceMs - performance.now();
      if (leftMs > 0) await this.#change(leftMs, gone.signal);
      else {
        this.#end(oldest);
        oldest.gone.abort(new SlowReaderError());
      }
    }
    const piece = { bytes, since: performance.now(), gone };
    this.#pieces.add(piece);
    this.#bytes += bytes;
    return piece;
  }

  /** Resolves when a piece has ended, the time is over, or the signal is aborted. */
  async #change(ms: number, signal: AbortSignal): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, ms);
    const aborted = () => late.resolve();
    signal.addEventListener("abort", aborted);
    await Promise.race([this.#room.promise, late.promise]);
    clearTimeout(timer);
    signal.removeEventListener("abort", aborted);
  }

  #end(piece: Piece): void {
    if (!this.#pieces.delete(piece)) return;
    this.#bytes -= piece.bytes;
    this.#room.resolve();
    this.#room = Promise.withResolvers();
  }
}
