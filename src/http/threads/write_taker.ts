import type { WriteAnswer } from "../../cluster/types.ts";
import type { Results } from "../../store/types.ts";
import { ReceivedWrite } from "./handed_write.ts";
import type { HandedOutcome, HandedOutcomes } from "./messages.ts";
import { answerOf } from "./request_taker.ts";

/** Carries out a write; never rejects: what fails is answered. */
export type HandedWriteHandler = (write: ReceivedWrite) => Promise<WriteAnswer | Response>;

/** Carries out the writes of another thread, on the main one, and sends what became of them together. */
export class WriteTaker {
  readonly #handler: HandedWriteHandler;
  readonly #post: (outcomes: HandedOutcomes) => void;
  #answered = new Columns();

  constructor(handler: HandedWriteHandler, post: (outcomes: HandedOutcomes) => void) {
    this.#handler = handler;
    this.#post = post;
  }

  take(batch: Uint8Array): void {
    for (const write of ReceivedWrite.of(batch)) {
      const { id } = write;
      void this.#handler(write).then((answer) =>
        answer instanceof Response ? this.#refused(id, answer) : this.#written(id, answer)
      );
    }
  }

  #written(id: number, written: WriteAnswer): void {
    const results = byThemselves(written.results);
    this.#sendSoon();
    const answered = this.#answered;
    if (written.servedBy !== undefined || written.repeated !== undefined) {
      answered.others.push([id, { ...written, results }]);
      return;
    }
    answered.ids.push(id);
    answered.results.push(results);
    answered.indexes.push(written.raftIndex);
  }

  async #refused(id: number, response: Response): Promise<void> {
    const answer = await answerOf(id, response);
    this.#sendSoon();
    this.#answered.others.push([id, answer]);
  }

  /** Before anything else is done: those that are applied together are answered in one go. */
  #sendSoon(): void {
    if (!this.#answered.isEmpty) return;
    queueMicrotask(() => {
      const outcomes = this.#answered;
      this.#answered = new Columns();
      this.#post(outcomes);
    });
  }
}

class Columns implements HandedOutcomes {
  readonly ids: number[] = [];
  readonly results: Results[] = [];
  readonly indexes: number[] = [];
  readonly others: [number, HandedOutcome][] = [];

  get isEmpty(): boolean {
    return this.ids.length === 0 && this.others.length === 0;
  }
}

/** Results without the others that share their memory, all of which would be sent along. */
function byThemselves(results: Results): Results {
  if (typeof results === "string" || results.length === results.buffer.byteLength) return results;
  return results.slice();
}
