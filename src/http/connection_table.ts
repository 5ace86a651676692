/** As many descriptors as Linux lets a process have where nobody has told it otherwise (nr_open). */
const descriptorsMax = 2 ** 20;

/**
 * Which descriptors of this process are connections of HTTP, in memory that all threads share which
 * accept some: each is told of by who has accepted it.
 */
export class ConnectionTable {
  readonly memory: SharedArrayBuffer;
  readonly #owner: number;
  /** By descriptor whose it is; 0: nobody's. */
  readonly #owners: Uint8Array;

  /** @param owner The thread that this is used by: 1 is the main one. */
  constructor(memory = new SharedArrayBuffer(descriptorsMax), owner = 1) {
    this.memory = memory;
    this.#owner = owner;
    this.#owners = new Uint8Array(memory);
  }

  has(descriptor: number): boolean {
    return (this.#owners[descriptor] ?? 0) !== 0;
  }

  /** The first from this one on that is no connection; -1 for none. */
  nextOther(from: number): number {
    return this.#owners.indexOf(0, from);
  }

  add(descriptor: number): void {
    this.#owners[descriptor] = this.#owner;
  }

  /** Unless it has become another thread's since. */
  delete(descriptor: number): void {
    if (this.#owners[descriptor] === this.#owner) this.#owners[descriptor] = 0;
  }

  /** A thread is no more, and its connections with it. */
  forget(owner: number): void {
    const owners = this.#owners;
    for (let at = owners.indexOf(owner); at >= 0; at = owners.indexOf(owner, at)) owners[at] = 0;
  }
}
