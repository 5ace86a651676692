import { repeat } from "../io/repeat.ts";
import type { Clock, Logger, Timer } from "../io/types.ts";

const dayMs = 86_400_000;
/** From this long before a certificate's end on the log says so, in ms. */
export const expiryWarningMs = 30 * dayMs;
/** How often it looks, in ms. */
const periodMs = dayMs / 2;

export interface ExpiryOptions {
  /** For the log line: "The certificate for HTTPS". */
  readonly what: string;
  /** When the one in force ends, in ms since 1970-01-01 UTC. */
  readonly notAfter: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Says twice a day that a certificate ends soon, from 30 days before and from the start on. */
export class ExpiryWatch {
  readonly #options: ExpiryOptions;
  readonly #timer: Timer;

  constructor(options: ExpiryOptions) {
    this.#options = options;
    this.#look();
    this.#timer = repeat(options.clock, periodMs, () => this.#look());
  }

  stop(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const { what, notAfter, clock, logger } = this.#options;
    const end = notAfter();
    const left = end - clock.wallTime();
    const date = new Date(end).toISOString();
    if (left <= 0) {
      logger.log("ERROR", "cli", `${what} ended on ${date}: nobody believes it any more`);
    } else if (left < expiryWarningMs) {
      const days = Math.ceil(left / dayMs);
      const soon = days === 1 ? "within a day" : `in ${days} days`;
      logger.log("WARN", "cli", `${what} ends ${soon}, on ${date}: replace it before`);
    }
  }
}
