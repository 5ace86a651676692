import { printError } from "./output.ts";

const intervalMs = 100;

/** A line of standard error that says how far something is, on a terminal, and is cleared behind it. */
export class StatusLine {
  readonly #isShown = Deno.stderr.isTerminal();
  #shownAt = -Infinity;

  /** Asks for the text when it is time for a new one. */
  show(text: () => string): void {
    const now = performance.now();
    if (!this.#isShown || now - this.#shownAt < intervalMs) return;
    this.#shownAt = now;
    printError(`\r\x1b[K${text()}`);
  }

  clear(): void {
    if (this.#shownAt > -Infinity) printError("\r\x1b[K");
  }
}
