import { assert } from "../base/assert.ts";
import { nextTurn } from "./next_turn.ts";
import { RequestError } from "./request_error.ts";

/** The bytes that all large bodies under way may take up together. */
export class BodyBudget {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** For one body, to be disposed of with it. */
  share(): BodyShare {
    return new BodyShare((bytes) => this.#take(bytes));
  }

  #take(bytes: number): void {
    if (this.#bytes + bytes > this.#bytesMax) {
      throw new RequestError(503, "Too many large requests at a time, try again later");
    }
    this.#bytes += bytes;
    assert(this.#bytes >= 0, "Bodies gave back more of their budget than they took");
  }
}

/** What one body has of the budget. */
export class BodyShare implements Disposable {
  readonly #takeOfAll: (bytes: number) => void;
  #bytes = 0;

  constructor(takeOfAll: (bytes: number) => void) {
    this.#takeOfAll = takeOfAll;
  }

  /** Throws a RequestError (503) when that is more than there is. */
  take(bytes: number): void {
    this.#takeOfAll(bytes);
    this.#bytes += bytes;
  }

  [Symbol.dispose](): void {
    this.#takeOfAll(-this.#bytes);
    this.#bytes = 0;
  }
}

/** Bodies up to this size are read as they come: to count them would cost more than they do. */
const uncountedBytes = 16 * 1024;
/** Bytes of larger bodies that are made statements in one turn of the event loop, if it is not one. */
const turnBytesMax = 256 * 1024;

/**
 * Spreads bodies of middling size over turns of the event loop: each may be read without a pause,
 * but not all that have come at the same time.
 */
export class TurnBudget {
  #spent = 0;
  #turn: Promise<void> | undefined;

  /** What to wait for before a body of that many bytes is read; undefined for nothing. */
  admit(bytes: number): Promise<void> | undefined {
    if (bytes <= uncountedBytes) return undefined;
    if (this.#take(bytes)) return undefined;
    return this.#wait(bytes);
  }

  async #wait(bytes: number): Promise<void> {
    do await this.#turn; while (!this.#take(bytes));
  }

  #take(bytes: number): boolean {
    if (this.#spent > 0 && this.#spent + bytes > turnBytesMax) return false;
    this.#spent += bytes;
    this.#turn ??= nextTurn().then(() => {
      this.#spent = 0;
      this.#turn = undefined;
    });
    return true;
  }
}
