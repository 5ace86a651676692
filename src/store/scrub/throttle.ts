import type { ThreadScope } from "../threads.ts";

/** What the word says that a throttled work looks at. */
export const ScrubWord = {
  goOn: 0,
  /** Nothing more is to be begun: what there is will do. */
  cutShort: 1,
  /** All is to end at once: the database is taken away. */
  end: 2,
} as const;

/** How long it works at a stretch, in ms. */
const stretchMs = 10;

/** Has a thread rest most of the time, in the midst of whatever it does. */
export class Throttle {
  readonly #scope: Pick<ThreadScope<unknown>, "clock" | "wait">;
  readonly #word: Int32Array;
  readonly #restFactor: number;
  #since: number;

  /** `share` is what it may have of a processor's core. */
  constructor(
    scope: Pick<ThreadScope<unknown>, "clock" | "wait">,
    word: Int32Array,
    share: number,
  ) {
    this.#scope = scope;
    this.#word = word;
    this.#restFactor = 1 / share - 1;
    this.#since = scope.clock.now();
  }

  /** To be called where work begins. */
  begin(): void {
    this.#since = this.#scope.clock.now();
  }

  /** To be called often: rests when it is time, and says what the word says. */
  look(): number {
    const { clock, wait } = this.#scope;
    const workedMs = clock.now() - this.#since;
    const word = Atomics.load(this.#word, 0);
    if (workedMs < stretchMs || word === ScrubWord.end) return word;
    wait(this.#word, 0, word, workedMs * this.#restFactor);
    this.begin();
    return Atomics.load(this.#word, 0);
  }
}
