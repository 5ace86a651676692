/** The append requests under way to one follower, each by its last index, in the order sent. */
export class InflightWindow {
  readonly #lastIndexes: number[];
  #start = 0;
  #count = 0;

  constructor(size: number) {
    this.#lastIndexes = new Array<number>(size).fill(0);
  }

  get full(): boolean {
    return this.#count === this.#lastIndexes.length;
  }

  add(lastIndex: number): void {
    this.#lastIndexes[(this.#start + this.#count) % this.#lastIndexes.length] = lastIndex;
    this.#count++;
  }

  /** Everything up to `index` has arrived. */
  release(index: number): void {
    while (this.#count > 0 && (this.#lastIndexes[this.#start] ?? 0) <= index) {
      this.#start = (this.#start + 1) % this.#lastIndexes.length;
      this.#count--;
    }
  }

  clear(): void {
    this.#count = 0;
  }
}
