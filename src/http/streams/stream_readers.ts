import { nextTurn } from "../next_turn.ts";
import { PiecesUnderWay } from "./pieces_under_way.ts";

/** Readers that are told something in one turn of the event loop: a few ms. */
const perTurn = 32;

/** Everybody who reads streams of one kind at this node. */
export class StreamReaders {
  /** How many may at a time. */
  readonly max = 4096;
  readonly underWay = new PiecesUnderWay();
  readonly #readers = new Set<AbortController>();
  #told = 0;
  #turn: Promise<void> = Promise.resolve();

  get count(): number {
    return this.#readers.size;
  }

  /** False when there are too many. */
  enter(reader: AbortController): boolean {
    if (this.#readers.size >= this.max) return false;
    this.#readers.add(reader);
    return true;
  }

  leave(reader: AbortController): void {
    this.#readers.delete(reader);
  }

  /** Resolves when a reader that has news may be told: not all at once, so that requests get between. */
  turn(): Promise<void> {
    const turn = this.#turn;
    if (++this.#told % perTurn === 0) this.#turn = turn.then(nextTurn);
    return turn;
  }

  /** Ends all streams: the node stops. */
  close(): void {
    for (const reader of this.#readers) reader.abort();
  }
}
