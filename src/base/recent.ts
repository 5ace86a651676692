export interface RecentBounds {
  readonly itemsMax: number;
  /** Of the sizes that are given, all together. */
  readonly sizeMax: number;
}

/** The last of many things, bounded by their number and size. Each has a number, one after the other. */
export class Recent<T> {
  readonly #bounds: RecentBounds;
  readonly #kept: { readonly number: number; readonly item: T; readonly size: number }[] = [];
  #size = 0;
  #last = 0;

  constructor(bounds: RecentBounds) {
    this.#bounds = bounds;
  }

  push(item: T, size: number): void {
    this.#kept.push({ number: ++this.#last, item, size });
    this.#size += size;
    const { itemsMax, sizeMax } = this.#bounds;
    while (this.#kept.length > itemsMax || this.#size > sizeMax) {
      this.#size -= this.#kept.shift()?.size ?? 0;
    }
  }

  /**
   * Those with a higher number that are still kept, the oldest first; all behind a number that there
   * has not been, which is of an earlier start.
   */
  after(number: number): readonly { readonly number: number; readonly item: T }[] {
    return this.#kept.filter((kept) => number > this.#last || kept.number > number);
  }
}
