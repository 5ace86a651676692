import { formatDuration } from "../../base/duration.ts";
import { StatusLine } from "../status_line.ts";

/** Shows on a terminal how far an import is: rows, how many a second, and the time that is left. */
export class ImportProgress {
  readonly #total: number;
  readonly #line = new StatusLine();
  readonly #startedAt = performance.now();
  #startedBytes = 0;

  /** `total`: of the file, in bytes. */
  constructor(total: number) {
    this.#total = total;
  }

  show(rows: number, earlier: number, bytes: number): void {
    // What was there already took next to no time.
    if (rows === earlier) this.#startedBytes = bytes;
    this.#line.show(() => this.#text(rows, earlier, bytes));
  }

  /** Clears the line, and returns what to say of the time. */
  end(added: number): string {
    this.#line.clear();
    const ms = Math.max(1, performance.now() - this.#startedAt);
    return `in ${timeText(ms)}, ${rateText(added, ms)}`;
  }

  #text(rows: number, earlier: number, bytes: number): string {
    const ms = performance.now() - this.#startedAt;
    const read = bytes - this.#startedBytes;
    const share = Math.min(100, Math.floor(100 * bytes / Math.max(1, this.#total)));
    const done = `${rows.toLocaleString("en")} rows (${share} %), ${rateText(rows - earlier, ms)}`;
    return read > 0 ? `${done}, ${timeText((this.#total - bytes) * ms / read)} left` : done;
  }
}

function rateText(rows: number, ms: number): string {
  return `${Math.round(rows / ms * 1000).toLocaleString("en")} a second`;
}

/** To the tenth of a second below ten of them, then to the second; at least one of these. */
function timeText(ms: number): string {
  const stepMs = ms < 10_000 ? 100 : 1_000;
  return formatDuration(Math.max(1, Math.round(ms / stepMs)) * stepMs);
}
