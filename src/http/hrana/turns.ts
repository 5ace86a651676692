import { nextTurn } from "../next_turn.ts";

/** How long one request may have the event loop for itself, in ms. */
const heldMsMax = 8;

/** Lets others have their turn of the event loop between the statements of a request. */
export class Turns {
  #since = performance.now();

  /** To be asked between statements, of which each takes as long as its text is: time to take one. */
  get isOver(): boolean {
    return performance.now() - this.#since >= heldMsMax;
  }

  async take(): Promise<void> {
    await nextTurn();
    this.#since = performance.now();
  }
}
