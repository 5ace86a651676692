import type { Clock, Logger } from "../../io/types.ts";
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

/** Threads that read, as they tell what came of their statements. */
export interface ReadingThreads {
  statements(waitMs: number): Promise<(readonly StatementFigures[])[]>;
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

  /** How to ask all threads for what they have kept, once those are there. */
  summaries(
    writer: Writer,
    readers: readonly ReadingThreads[],
    life: LifeCycle,
  ): () => Promise<StatementSummary[]> {
    const none: StatementFigures[] = [];
    const ofWriter = new WriterWatch(() => writer.statements(), none, life, this.#clock);
    return async () => {
      const reading = Promise.all(readers.map((each) => each.statements(waitMs)));
      const [written, read] = await Promise.all([ofWriter.ask(), reading]);
      return summarize([this.meter.figures, written, ...read.flat()]);
    };
  }
}
