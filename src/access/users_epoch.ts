/** How often the users have changed, in memory that other threads look at whenever somebody asks. */
export class UsersEpoch {
  readonly memory: SharedArrayBuffer;
  readonly #count: Int32Array;

  constructor(memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#count = new Int32Array(memory);
  }

  get now(): number {
    return Atomics.load(this.#count, 0);
  }

  /** Others are in force from now on. */
  next(): void {
    Atomics.add(this.#count, 0, 1);
  }
}
