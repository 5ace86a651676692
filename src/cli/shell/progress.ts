import { progressText, Transfer } from "../../io/transfers.ts";
import { printError } from "../output.ts";

const intervalMs = 100;

/**
 * Counts bytes and, on a terminal, shows the count, the rate and the time that is left on a line of
 * standard error that it clears again.
 */
export class Progress {
  readonly #label: string;
  readonly #transfer: Transfer;
  readonly #isShown = Deno.stderr.isTerminal();
  #shownAt = -Infinity;

  /** `totalBytes` where it is known beforehand. */
  constructor(label: string, totalBytes?: number) {
    this.#label = label;
    this.#transfer = new Transfer({ now: () => performance.now() }, "backup", {
      what: label,
      totalBytes,
    });
  }

  add(bytes: number): void {
    this.#transfer.add(bytes);
    const now = performance.now();
    if (!this.#isShown || now - this.#shownAt < intervalMs) return;
    this.#shownAt = now;
    printError(`\r\x1b[K${this.#label}: ${progressText(this.#transfer.figures)}`);
  }

  end(): void {
    if (this.#shownAt > -Infinity) printError("\r\x1b[K");
  }
}
