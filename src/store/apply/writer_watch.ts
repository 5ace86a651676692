import type { Clock } from "../../io/types.ts";
import type { LifeCycle } from "../life_cycle.ts";
import { noUpkeep } from "./upkeep_table.ts";
import type { WriterStatus } from "./writer_messages.ts";
import { within } from "../../io/within.ts";

/** How long the writer may take to answer a mere question, in ms. */
export const waitMs = 200;

/** As long as it has said nothing. */
export const unknownStatus: WriterStatus = {
  pageSize: 0,
  pageCount: 0,
  freelistCount: 0,
  statementsCached: 0,
  sessions: 0,
  incrementalVacuum: false,
  upkeep: noUpkeep,
};

/**
 * What the writer says of itself; while it is busy with a long write, has no database, or cannot
 * say, what it last said.
 */
export class WriterWatch<Answer> {
  readonly #question: () => Promise<Answer>;
  readonly #life: LifeCycle;
  readonly #clock: Clock;
  #asked: Promise<unknown> | undefined;
  #last: Answer;

  /** @param last To begin with. */
  constructor(question: () => Promise<Answer>, last: Answer, life: LifeCycle, clock: Clock) {
    this.#question = question;
    this.#last = last;
    this.#life = life;
    this.#clock = clock;
  }

  async ask(): Promise<Answer> {
    if (this.#life.isOpen) {
      this.#asked ??= this.#ask();
      await within(this.#clock, waitMs, this.#asked);
    }
    return this.#last;
  }

  async #ask(): Promise<void> {
    try {
      this.#last = await this.#question();
    } catch {
      // Whatever it was, it is no answer's to a mere question to act on it.
    } finally {
      this.#asked = undefined;
    }
  }
}
