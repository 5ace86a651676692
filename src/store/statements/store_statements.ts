import type { Clock, Logger } from "../../io/types.ts";
import { within } from "../../io/within.ts";
import type { Writer } from "../apply/writer.ts";
import { waitMs, WriterWatch } from "../apply/writer_watch.ts";
import type { LifeCycle } from "../life_cycle.ts";
import type { StatementSummary } from "./statement_summary.ts";
import { SlowLog } from "./slow_log.ts";
import { type SlowOptions, type SlowStatement, StatementMeter } from "./statement_meter.ts";
import { type StatementFigures, summarize } from "./statement_statistics.ts";

export interface StoreStatementsParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly slow: SlowOptions | undefined;
}

/** A thread that reads, as it tells what came of its statements. */
export interface ReadingThread {
  /** The figures of its statements, as it last told them. */
  readonly statements: readonly StatementFigures[];
  /** Asks for newer ones; resolves when they have come, which is not while it reads, or it is no more. */
  askStatements(): Promise<void>;
}

/** What is known of the statements that the threads of a store run. */
export class StoreStatements {
  readonly #clock: Clock;
  /** Of the main thread. */
  readonly meter: StatementMeter;
  /** To be told of slow ones, whichever thread ran them. */
  readonly reportSlow: (statement: SlowStatement) => void;

  constructor({ clock, logger, slow }: StoreStatementsParts) {
    const log = new SlowLog(clock, logger);
    this.#clock = clock;
    this.reportSlow = (statement) => log.note(statement);
    this.meter = new StatementMeter({ clock, slow, report: this.reportSlow });
  }

  /**
   * How to ask all threads for what they have kept, once those are there: as of now or, where one
   * says nothing for a while, a little older.
   */
  summaries(
    writer: Writer,
    reading: () => readonly ReadingThread[],
    life: LifeCycle,
  ): () => Promise<StatementSummary[]> {
    const none: StatementFigures[] = [];
    const ofWriter = new WriterWatch(() => writer.statements(), none, life, this.#clock);
    return async () => {
      const threads = reading();
      const asked = Promise.all(threads.map((thread) => thread.askStatements()));
      const [written] = await Promise.all([ofWriter.ask(), within(this.#clock, waitMs, asked)]);
      const read = threads.map(({ statements }) => statements);
      return summarize([this.meter.figures, written, ...read]);
    };
  }
}
