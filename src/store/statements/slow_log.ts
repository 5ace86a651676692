import type { Clock, Logger } from "../../io/types.ts";
import type { SlowStatement } from "./statement_meter.ts";

/** Lines that may be logged at once, and how soon one more may, in ms. */
const linesMax = 20;
const lineEveryMs = 500;

/** Logs slow statements, a line each; where there are many, not all. */
export class SlowLog {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #lines = linesMax;
  #countedAt = 0;
  #left = 0;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  note(slow: SlowStatement): void {
    const now = this.#clock.now();
    this.#lines = Math.min(linesMax, this.#lines + (now - this.#countedAt) / lineEveryMs);
    this.#countedAt = now;
    if (this.#lines < 1) {
      this.#left++;
      return;
    }
    this.#lines--;
    const before = this.#left === 0 ? "" : ` (${this.#left} before it were left out)`;
    this.#left = 0;
    this.#logger.log("WARN", "store", `${slowText(slow)}${before}`);
  }
}

function slowText({ sql, ms, rows, failed, plan }: SlowStatement): string {
  const end = failed ? "failed after" : "took";
  const steps = plan.length === 0 ? "" : `; plan: ${plan.join(", ")}`;
  return `Slow statement ${end} ${ms.toFixed(1)} ms, ${rows} rows: ${sql}${steps}`;
}
