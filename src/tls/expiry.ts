import { repeat } from "../io/repeat.ts";
import type { Clock, Logger, Timer } from "../io/types.ts";
import type { KeyPair } from "./key_pair.ts";

const dayMs = 86_400_000;
/** The longest before a certificate's end that anybody is warned, in ms. */
const warningMsMax = 30 * dayMs;
/** How often it looks, in ms. */
const periodMs = dayMs / 2;

/** For how long a certificate is good, in ms since 1970-01-01 UTC. */
export type Validity = Pick<KeyPair, "notBefore" | "notAfter">;

/**
 * From when on a certificate is late to be replaced, in ms since 1970-01-01 UTC: 30 days before its
 * end, or in the last quarter of its time where that is later. Whatever renews certificates by
 * itself (this program, ACME's clients, cert-manager) does so when a third is left, so that only
 * those are told of that were not renewed in time.
 */
export function expiryWarningFrom({ notBefore, notAfter }: Validity): number {
  return notAfter - Math.min(warningMsMax, (notAfter - notBefore) / 4);
}

export interface ExpiryOptions {
  /** For the log line: "The certificate for HTTPS". */
  readonly what: string;
  /** Of the one in force. */
  readonly validity: () => Validity;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Says twice a day that a certificate ends soon, once it is late to be replaced, and from the start on. */
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
    const { what, validity, clock, logger } = this.#options;
    const now = clock.wallTime();
    const valid = validity();
    const end = valid.notAfter;
    const left = end - now;
    const date = new Date(end).toISOString();
    if (left <= 0) {
      logger.log("ERROR", "cli", `${what} ended on ${date}: nobody believes it any more`);
    } else if (now > expiryWarningFrom(valid)) {
      const days = Math.ceil(left / dayMs);
      const soon = days === 1 ? "within a day" : `in ${days} days`;
      logger.log("WARN", "cli", `${what} ends ${soon}, on ${date}: replace it before`);
    }
  }
}
