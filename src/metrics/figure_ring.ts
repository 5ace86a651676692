import { assert } from "../base/assert.ts";

/** A row: when it was, in ms since 1970, and a value for each name; null where there was none. */
export type FigureRow = readonly (number | null)[];

/** Figures of one node at many times; beyond so many rows the oldest are gone. */
export class FigureRing {
  readonly names: readonly string[];
  readonly #width: number;
  readonly #rowsMax: number;
  readonly #values: Float64Array;
  #pushed = 0;
  #lastMs = 0;

  constructor(names: readonly string[], rowsMax: number) {
    this.names = names;
    this.#width = names.length + 1;
    this.#rowsMax = rowsMax;
    this.#values = new Float64Array(this.#width * rowsMax);
  }

  /** @param values By name; what has none is null in the row. */
  push(atMs: number, values: Readonly<Record<string, number | undefined>>): void {
    const start = (this.#pushed % this.#rowsMax) * this.#width;
    // Who asks for what is later must miss no row, also when the machine's clock is set back.
    this.#lastMs = Math.max(atMs, this.#lastMs + 1);
    this.#values[start] = this.#lastMs;
    for (const [place, name] of this.names.entries()) {
      assert(name in values, `A row of figures lacks ${name}`);
      this.#values[start + 1 + place] = values[name] ?? NaN;
    }
    this.#pushed++;
  }

  /** Those later than a time, the oldest first. */
  after(atMs: number): FigureRow[] {
    const rows: FigureRow[] = [];
    const first = Math.max(0, this.#pushed - this.#rowsMax);
    for (let number = this.#pushed - 1; number >= first; number--) {
      const start = (number % this.#rowsMax) * this.#width;
      const row = this.#values.subarray(start, start + this.#width);
      if ((row[0] ?? 0) <= atMs) break;
      rows.push(Array.from(row, (value) => Number.isNaN(value) ? null : value));
    }
    return rows.reverse();
  }
}
