import { printError } from "../output.ts";

const intervalMs = 100;

/** Counts bytes and, on a terminal, shows the count on a line of standard error that it clears again. */
export class Progress {
  readonly #label: string;
  readonly #total: number | undefined;
  readonly #isShown = Deno.stderr.isTerminal();
  #bytes = 0;
  #shownAt = -Infinity;

  /** `total` in bytes, where it is known beforehand. */
  constructor(label: string, total?: number) {
    this.#label = label;
    this.#total = total;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    const now = performance.now();
    if (!this.#isShown || now - this.#shownAt < intervalMs) return;
    this.#shownAt = now;
    const share = this.#total ? ` (${Math.floor(100 * this.#bytes / this.#total)} %)` : "";
    printError(`\r\x1b[K${this.#label}: ${sizeText(this.#bytes)}${share}`);
  }

  end(): void {
    if (this.#shownAt > -Infinity) printError("\r\x1b[K");
  }
}

/** Bytes as people read them: 512 B, 1.5 MiB. */
function sizeText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let size = bytes;
  let unit = 0;
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024;
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}
