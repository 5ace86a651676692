import { progressText, Transfer } from "../../io/transfers.ts";
import { StatusLine } from "../status_line.ts";

/**
 * Counts bytes and, on a terminal, shows the count, the rate and the time that is left on a line of
 * standard error that it clears again.
 */
export class Progress {
  readonly #label: string;
  readonly #transfer: Transfer;
  readonly #line = new StatusLine();

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
    this.#line.show(() => `${this.#label}: ${progressText(this.#transfer.figures)}`);
  }

  end(): void {
    this.#line.clear();
  }
}
