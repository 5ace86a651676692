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
