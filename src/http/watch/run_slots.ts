/** Runs of live queries at a time: what clients ask for themselves finds free readers beside them. */
const runsMax = 2;
/** Of those, how many may be of queries that take long, or of which it is not known yet. */
const longRunsMax = 1;
/** A query whose last run took no longer is short, in ms. */
const shortMsMax = 100;

/** What is to be run. */
export interface Run {
  /** Whose it is: all take turns, however many queries each has. */
  readonly owner: string;
  /** How long it took the last time, in ms; undefined before the first one. */
  readonly lastMs: number | undefined;
}

/** Those who wait for a place, by owner; who is served goes behind the others. */
class Line {
  readonly #max: number;
  readonly #waiting = new Map<string, (() => void)[]>();
  #running = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get running(): number {
    return this.#running;
  }

  wait(owner: string, begin: () => void): void {
    const known = this.#waiting.get(owner);
    if (known === undefined) this.#waiting.set(owner, [begin]);
    else known.push(begin);
  }

  /** Begins the next one; false when nobody waits, or as many run as may. */
  next(): boolean {
    const [first] = this.#waiting;
    if (first === undefined || this.#running >= this.#max) return false;
    const [owner, runs] = first;
    const begin = runs.shift();
    this.#waiting.delete(owner);
    if (runs.length > 0) this.#waiting.set(owner, runs);
    this.#running++;
    begin?.();
    return true;
  }

  ended(): void {
    this.#running--;
  }
}

/**
 * Where live queries wait for their turn to be run. Who has many is served as often as who has one;
 * and long ones never take all the places, so that short ones wait for short ones alone.
 */
export class RunSlots {
  readonly #short = new Line(runsMax);
  readonly #long = new Line(longRunsMax);
  #runs = 0;

  /** Since the start. */
  get runs(): number {
    return this.#runs;
  }

  async use({ owner, lastMs }: Run, run: () => Promise<void>): Promise<void> {
    const line = lastMs !== undefined && lastMs <= shortMsMax ? this.#short : this.#long;
    await new Promise<void>((resolve) => {
      line.wait(owner, resolve);
      this.#next();
    });
    this.#runs++;
    try {
      await run();
    } finally {
      line.ended();
      this.#next();
    }
  }

  /** A long one first where it may: short ones have the other places. */
  #next(): void {
    while (this.#short.running + this.#long.running < runsMax) {
      if (!this.#long.next() && !this.#short.next()) return;
    }
  }
}
