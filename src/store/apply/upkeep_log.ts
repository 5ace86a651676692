import { formatDuration } from "../../base/duration.ts";
import type { Logger } from "../../io/types.ts";
import type { UpkeepRuns, UpkeepWork } from "../types.ts";
import type { UpkeepRun } from "./upkeep.ts";

const done: Readonly<Record<UpkeepWork, string>> = {
  vacuum: "vacuumed",
  optimize: "optimized",
};

const noRuns: UpkeepRuns = { ok: 0, failed: 0, totalMs: 0, lastMs: 0 };

/** Logs the upkeep that this node carries out, and counts it. */
export class UpkeepLog {
  readonly #logger: Logger;
  readonly #runs: Record<UpkeepWork, UpkeepRuns> = { vacuum: noRuns, optimize: noRuns };

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Since the start. */
  get runs(): Readonly<Record<UpkeepWork, UpkeepRuns>> {
    return this.#runs;
  }

  note({ task, durationMs, failure }: UpkeepRun): void {
    const { ok, failed, totalMs } = this.#runs[task];
    const went = failure === undefined;
    this.#runs[task] = {
      ok: ok + (went ? 1 : 0),
      failed: failed + (went ? 0 : 1),
      totalMs: totalMs + durationMs,
      lastMs: durationMs,
    };
    const took = formatDuration(durationMs);
    if (went) {
      this.#logger.log("INFO", "store", `database ${done[task]} in ${took}`);
    } else {
      this.#logger.log("WARN", "store", `Database could not be ${done[task]}: ${failure}`);
    }
  }
}
