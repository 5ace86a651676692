import { ByteWriter } from "../../base/bytes.ts";
import { inNextTurn } from "../../io/loop_turn.ts";
import { type HandedWrite, writeHanded } from "./handed_write.ts";
import type { HandedOutcome, HandedOutcomes } from "./messages.ts";

/** Bytes of writes that go together at most, but for the last of them. */
const batchBytesMax = 64 * 1024;

/** Has the main thread carry out writes that this one has read: those of one turn go together. */
export class WritePasser {
  readonly #post: (batch: Uint8Array<ArrayBuffer>) => void;
  readonly #waiting = new Map<number, (outcome: HandedOutcome) => void>();
  readonly #batch = new ByteWriter(batchBytesMax);
  #isDue = false;
  #lastId = 0;

  constructor(post: (batch: Uint8Array<ArrayBuffer>) => void) {
    this.#post = post;
  }

  pass(write: Omit<HandedWrite, "id">): Promise<HandedOutcome> {
    return new Promise((resolve) => {
      const id = ++this.#lastId;
      writeHanded(this.#batch, { ...write, id });
      this.#waiting.set(id, resolve);
      // One by itself has nobody to wait for.
      if (this.#waiting.size === 1 || this.#batch.length >= batchBytesMax) this.#send();
      else this.#sendSoon();
    });
  }

  #sendSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    inNextTurn(() => {
      this.#isDue = false;
      this.#send();
    });
  }

  #send(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch.copy();
    this.#batch.reset(batchBytesMax);
    this.#post(batch);
  }

  answered({ ids, results, indexes, others }: HandedOutcomes): void {
    ids.forEach((id, at) =>
      this.#resolve(id, {
        results: results[at] ?? "",
        raftIndex: indexes[at] ?? 0,
        servedBy: undefined,
      })
    );
    for (const [id, outcome] of others) this.#resolve(id, outcome);
  }

  #resolve(id: number, outcome: HandedOutcome): void {
    const resolve = this.#waiting.get(id);
    this.#waiting.delete(id);
    resolve?.(outcome);
  }
}
