import type { Clock, Logger } from "../../io/types.ts";
import { openLibrary } from "../../sqlite/mod.ts";
import { QuickSwitch } from "../quick_connection.ts";
import { type SlowStatement, StatementMeter } from "../statements/statement_meter.ts";
import type { StatementFigures } from "../statements/statement_statistics.ts";
import type { ReadRequest } from "../types.ts";
import type { ReadingStart } from "./outside_readers.ts";
import { type QuickBounds, QuickReader } from "./quick_reader.ts";

/** More than on the main thread: nobody but the clients of this one waits for it. */
const bounds: QuickBounds = { answerBytesMax: 0x4_0000, ticksMax: 1000, durationMsMax: 4 };

export interface ThreadReaderParts {
  readonly start: ReadingStart;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly reportSlow: (statement: SlowStatement) => void;
}

/**
 * Reads the store's database on a thread that is none of the store's, as the quick reader of the
 * main thread does, and like it leaves to the store's readers what takes long, or fails.
 */
export class ThreadReader {
  readonly #quick: QuickReader;
  readonly #meter: StatementMeter;
  readonly #life = { isOpen: false, hold() {} };

  constructor({ start, clock, logger, reportSlow }: ThreadReaderParts) {
    this.#meter = new StatementMeter({ clock, slow: start.slow, report: reportSlow });
    this.#quick = new QuickReader({
      library: openLibrary(start.library),
      path: start.path,
      foreignKeys: start.foreignKeys,
      life: this.#life,
      quickSwitch: new QuickSwitch(clock, logger, "a thread of HTTP"),
      clock,
      meter: this.#meter,
    }, bounds);
  }

  /** The answer of what is committed here now; undefined when this is not for here. */
  read(request: ReadRequest): Uint8Array<ArrayBuffer> | undefined {
    return this.#quick.read(request);
  }

  get statements(): StatementFigures[] {
    return this.#meter.figures;
  }

  resume(): void {
    this.#life.isOpen = true;
  }

  /** Closes the connection; nothing is read until it may go on. */
  release(): void {
    this.#life.isOpen = false;
    this.#quick.release();
  }
}
