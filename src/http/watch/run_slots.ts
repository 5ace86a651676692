/** Runs of live queries at a time: what clients ask for themselves finds free readers beside them. */
const runsMax = 2;

/** Where live queries wait for their turn to be run, the first one first. */
export class RunSlots {
  #free = runsMax;
  readonly #waiting: (() => void)[] = [];
  #runs = 0;

  /** Since the start. */
  get runs(): number {
    return this.#runs;
  }

  async use(run: () => Promise<void>): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    this.#runs++;
    try {
      await run();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
