/**
 * The term of every index of a log, kept as the index where each term begins: terms never fall
 * along a log (5.3), so a few numbers stand for millions of entries.
 */
export class TermStarts {
  readonly #terms: number[] = [];
  readonly #indexes: number[] = [];

  /** Notes that the entry at `index`, one behind the last, is of `term`. */
  append(index: number, term: number): void {
    const last = this.#terms.length - 1;
    if (last >= 0 && this.#terms[last] === term) return;
    this.#terms.push(term);
    this.#indexes.push(index);
  }

  /** Forgets the entries from `index` on. */
  truncate(index: number): void {
    while ((this.#indexes[this.#indexes.length - 1] ?? 0) >= index) {
      this.#indexes.pop();
      this.#terms.pop();
    }
  }

  /** Forgets the entries up to `index`. */
  dropThrough(index: number): void {
    const runs = this.#position(index + 1);
    if (runs > 0) {
      this.#indexes.splice(0, runs);
      this.#terms.splice(0, runs);
    }
    if ((this.#indexes[0] ?? Infinity) <= index) this.#indexes[0] = index + 1;
  }

  clear(): void {
    this.#terms.length = 0;
    this.#indexes.length = 0;
  }

  /** The term at `index`, which must be one of the log's. */
  termAt(index: number): number {
    return this.#terms[this.#position(index)] ?? 0;
  }

  /** The last index up to `index` whose term is at most `term`; 0 when there is none. */
  lastIndexWithTermAtMost(index: number, term: number): number {
    let position = this.#position(index);
    if ((this.#terms[position] ?? Infinity) <= term) return index;
    while (position >= 0 && (this.#terms[position] ?? 0) > term) position--;
    const next = this.#indexes[position + 1];
    return position < 0 || next === undefined ? 0 : next - 1;
  }

  /** Which run holds `index`; -1 when it lies before the first. */
  #position(index: number): number {
    let high = this.#indexes.length - 1;
    if ((this.#indexes[high] ?? Infinity) <= index) return high;
    let low = -1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#indexes[middle] ?? 0) <= index) low = middle;
      else high = middle;
    }
    return low;
  }
}
