import { formatDuration } from "../../base/duration.ts";
import { printError } from "../output.ts";

const intervalMs = 200;

/** Shows on a terminal how far an import is: rows, how many a second, and the time that is left. */
export class ImportProgress {
  readonly #total: number;
  readonly #isShown = Deno.stderr.isTerminal();
  readonly #startedAt = performance.now();
  #startedBytes: number | undefined;
  #shownAt = -Infinity;

  /** `total`: of the file, in bytes. */
  constructor(total: number) {
    this.#total = total;
  }

  show(rows: number, earlier: number, bytes: number): void {
    const now = performance.now();
    // What was there already took next to no time.
    if (rows === earlier) this.#startedBytes = bytes;
    if (!this.#isShown || now - this.#shownAt < intervalMs) return;
    this.#shownAt = now;
    const seconds = (now - this.#startedAt) / 1000;
    const rate = Math.round((rows - earlier) / seconds);
    const read = bytes - (this.#startedBytes ?? 0);
    const left = read > 0 ? (this.#total - bytes) * seconds / read : undefined;
    const share = Math.min(100, Math.floor(100 * bytes / Math.max(1, this.#total)));
    const time = left === undefined ? "" : `, ${secondsText(left)} left`;
    printError(
      `\r\x1b[K${rows.toLocaleString("en")} rows (${share} %), ${
        rate.toLocaleString("en")
      } a second${time}`,
    );
  }

  /** Clears the line; resolves with what to say of the time. */
  end(added: number): string {
    if (this.#shownAt > -Infinity) printError("\r\x1b[K");
    const ms = Math.max(1, performance.now() - this.#startedAt);
    const rate = Math.round(added / ms * 1000).toLocaleString("en");
    return `in ${secondsText(ms / 1000)}, ${rate} a second`;
  }
}

function secondsText(seconds: number): string {
  return formatDuration(
    Math.max(
      seconds < 10 ? 0.1 : 1,
      seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds),
    ) * 1000,
  );
}
