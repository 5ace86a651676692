const open = 0;
const refused = 1;

/** How many connections there are, in shared memory: the threads that accept some have one bound. */
export class ConnectionCount {
  readonly memory: SharedArrayBuffer;
  readonly #counts: Int32Array;

  constructor(memory = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#counts = new Int32Array(memory);
  }

  get open(): number {
    return Atomics.load(this.#counts, open);
  }

  get refused(): number {
    return Atomics.load(this.#counts, refused);
  }

  /** Some were opened or, if it is less than 0, have ended. */
  add(connections: number): void {
    Atomics.add(this.#counts, open, connections);
  }

  refuse(): void {
    Atomics.add(this.#counts, refused, 1);
  }
}
