import type { Clock } from "../../io/types.ts";
import type { LifeCycle } from "../life_cycle.ts";
import type { Writer } from "./writer.ts";
import type { WriterStatus } from "./writer_thread.ts";

/** How long the writer may take to say how it is, in ms. */
const waitMs = 200;

/**
 * What the writer says of itself; while it is busy with a long write, has no database, or cannot
 * say, what it last said.
 */
export class WriterStatusWatch {
  readonly #writer: Writer;
  readonly #life: LifeCycle;
  readonly #clock: Clock;
  #asked: Promise<unknown> | undefined;
  #last: WriterStatus = {
    pageSize: 0,
    pageCount: 0,
    freelistCount: 0,
    statementsCached: 0,
    sessions: 0,
  };

  constructor(writer: Writer, life: LifeCycle, clock: Clock) {
    this.#writer = writer;
    this.#life = life;
    this.#clock = clock;
  }

  async ask(): Promise<WriterStatus> {
    if (this.#life.isOpen) {
      const asked = this.#asked ??= this.#ask();
      await new Promise<void>((resolve) => {
        const late = this.#clock.after(waitMs, resolve);
        void asked.then(() => {
          late.cancel();
          resolve();
        });
      });
    }
    return this.#last;
  }

  async #ask(): Promise<void> {
    try {
      this.#last = await this.#writer.status();
    } catch {
      // Whatever it was, it is no answer's to a mere question to act on it.
    } finally {
      this.#asked = undefined;
    }
  }
}
