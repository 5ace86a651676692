/** How many moments are remembered. */
const momentsMax = 120;

/** When the cluster had committed how much: so that an index becomes a time. */
export class CommitHistory {
  readonly #moments: { readonly atMs: number; readonly index: number }[] = [];

  /** The highest index that was committed by then. */
  get index(): number {
    return this.#moments.at(-1)?.index ?? 0;
  }

  /** By then so much was committed. */
  note(atMs: number, index: number): void {
    if (index <= this.index && this.#moments.length > 0) return;
    if (this.#moments.length === momentsMax) this.#moments.shift();
    this.#moments.push({ atMs, index });
  }

  /**
   * How long ago there was first more than what a node with this index has, in ms: 0 when there is
   * no more. Longer ago than is remembered counts as the oldest moment.
   */
  behindMs(index: number, nowMs: number): number {
    const next = this.#moments.find((moment) => moment.index > index);
    return next === undefined ? 0 : Math.max(0, nowMs - next.atMs);
  }
}
