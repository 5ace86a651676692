import { describes, scriptOf } from "../codec/script_codec.ts";
import type { OpenRehearsal, Rehearsal } from "../types.ts";
import type { Batches } from "./batches.ts";
import type { QuickWriter } from "./quick_writer.ts";
import type { Rehearsed, RehearsedSteps } from "./rehearsing.ts";
import type { Writer } from "./writer.ts";

interface Parts {
  readonly writer: Writer;
  readonly quickWriter: QuickWriter;
  readonly batches: Batches;
  readonly foreignKeys: boolean;
}

/**
 * Runs transactions that are not committed yet: on the main thread itself, as QuickWriter says, or
 * else at the writer. Each has a handle; what is open for one is given up for another, for a batch
 * and for the next file, and run again then.
 */
export class Rehearsals {
  readonly #parts: Parts;
  #last = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  begin(rights: string | undefined): OpenRehearsal {
    const { writer, quickWriter } = this.#parts;
    const id = ++this.#last;
    /** It has a step that is none for the main thread. */
    let isForWriter = false;
    let isOver = false;
    const giveUp = () => {
      if (quickWriter.rehearsed === id) quickWriter.giveUp();
      writer.giveUp(id);
    };
    return {
      run: async (steps) => {
        const last = steps.at(-1);
        const kept = steps.length - (last !== undefined && describes(last) ? 1 : 0);
        const ask = (done: number): RehearsedSteps => ({
          id,
          done,
          count: kept - done,
          script: scriptOf(steps.slice(done)),
          rights,
          foreignKeys: this.#parts.foreignKeys,
        });
        const quick = isForWriter ? undefined : this.#quickly(id, steps, ask);
        if (quick?.type === "needs_alone") isForWriter = true;
        else if (quick !== undefined) return quick;
        try {
          return await this.#atWriter(id, steps, ask);
        } finally {
          // It may have been over before the writer was asked.
          if (isOver) giveUp();
        }
      },
      letGo: () => {
        isOver = true;
        giveUp();
      },
    };
  }

  #quickly(
    id: number,
    steps: readonly Uint8Array[],
    ask: (done: number) => RehearsedSteps,
  ): Rehearsed {
    const { batches, quickWriter } = this.#parts;
    if (!batches.writerRests) return undefined;
    const done = steps.length - 1;
    // What it ran before is still there, or is run again.
    return quickWriter.rehearse(ask(quickWriter.stepsOf(id) === done ? done : 0), batches.base);
  }

  async #atWriter(
    id: number,
    steps: readonly Uint8Array[],
    ask: (done: number) => RehearsedSteps,
  ): Promise<Rehearsal> {
    const { writer, quickWriter, batches } = this.#parts;
    const run = (done: number) => {
      quickWriter.giveUp();
      return writer.rehearse(ask(done), () => batches.applied.index);
    };
    const done = steps.length - 1;
    if (done > 0 && writer.rehearsed === id) {
      const rehearsal = await run(done);
      if (rehearsal !== undefined) return rehearsal;
    }
    const rehearsal = await run(0);
    if (rehearsal === undefined) throw new Error("The writer ran no step of a transaction");
    return rehearsal;
  }
}
