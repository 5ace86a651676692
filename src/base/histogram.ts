/** Upper bounds for times, in seconds, from a tenth of a millisecond to ten seconds. */
const timeBounds: readonly number[] = [
  0.0001,
  0.00025,
  0.0005,
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
];

/** How often values came, by upper bounds: cheap enough for what happens with every request. */
export class Histogram {
  readonly bounds: readonly number[];
  /** How many were at most the bound of the same place, and above the one before; the last: all else. */
  readonly counts: Float64Array;
  readonly #sum: Float64Array;

  /** @param numbers Where it keeps them, shared with another thread perhaps: one more than counts. */
  constructor(
    bounds: readonly number[] = timeBounds,
    numbers: Float64Array = new Float64Array(bounds.length + 2),
  ) {
    this.bounds = bounds;
    this.counts = numbers.subarray(0, bounds.length + 1);
    this.#sum = numbers.subarray(bounds.length + 1);
  }

  /** Of all values. */
  get sum(): number {
    return this.#sum[0] ?? 0;
  }

  set sum(sum: number) {
    this.#sum[0] = sum;
  }

  /** Adds all of another with the same bounds. */
  add(other: Histogram): void {
    other.counts.forEach((count, at) => this.counts[at] = (this.counts[at] ?? 0) + count);
    this.sum += other.sum;
  }

  get count(): number {
    let count = 0;
    for (const each of this.counts) count += each;
    return count;
  }

  /** Notes that `value` came so many times. */
  observe(value: number, times = 1): void {
    const { bounds, counts } = this;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] ?? 0)) at++;
    counts[at] = (counts[at] ?? 0) + times;
    this.sum += value * times;
  }

  /**
   * The value that this part of all was at most, as far as the bounds tell: taken to lie evenly
   * between two. 0 when there was none; the highest bound for what is above it.
   */
  quantile(part: number): number {
    const wanted = part * this.count;
    let passed = 0;
    let low = 0;
    for (const [at, high] of this.bounds.entries()) {
      const here = this.counts[at] ?? 0;
      if (here > 0 && passed + here >= wanted) return low + (high - low) * (wanted - passed) / here;
      passed += here;
      low = high;
    }
    return passed === this.count ? 0 : low;
  }
}
