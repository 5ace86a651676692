import type { Clock, Logger } from "../../io/types.ts";
import type { Writer } from "../apply/writer.ts";
import { waitMs, WriterWatch } from "../apply/writer_watch.ts";
import type { LifeCycle } from "../life_cycle.ts";
import type { ReaderPool } from "../read/reader_pool.ts";
import type { StatementSummary } from "./statement_summary.ts";
import { SlowLog } from "./slow_log.ts";
import { type SlowOptions, type SlowStatement, StatementMeter } from "./statement_meter.ts";
import { type StatementFigures, summarize } from "./statement_statistics.ts";

export interface StoreStatementsParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly slow: SlowOptions | undefined;
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
    readers: ReaderPool,
    life: LifeCycle,
  ): () => Promise<StatementSummary[]> {
    const none: StatementFigures[] = [];
    const ofWriter = new WriterWatch(() => writer.statements(), none, life, this.#clock);
    return async () => {
      const asked = [ofWriter.ask(), readers.statements(waitMs)] as const;
      const [written, read] = await Promise.all(asked);
      return summarize([this.meter.figures, written, ...read]);
    };
  }
}
