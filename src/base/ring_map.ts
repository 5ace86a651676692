/** More at a time are kept as in any map. */
const slotCount = 1024;
const free = -1;

/**
 * A map whose keys are whole numbers that go up, and that holds each for a short while: what waits
 * for an entry of the log, or for an answer. Each has the slot that its key gives; one that is still
 * there when its slot is wanted again is kept aside.
 *
 * A Map moves to another table whenever it has grown or shrunk. The runtime collects young objects
 * by themselves, and a table that has grown old and is left behind keeps the next one alive until
 * all are collected, with everything that ever waited in it. Measured with 64 inserting clients:
 * half of what survived, 5 % of the inserts, a fifth of p99.
 */
export class RingMap<Value> {
  readonly #keys = new Array<number>(slotCount).fill(free);
  readonly #values = new Array<Value | undefined>(slotCount).fill(undefined);
  readonly #aside = new Map<number, Value>();
  /** Slots that are taken. */
  #taken = 0;

  get size(): number {
    return this.#taken + this.#aside.size;
  }

  has(key: number): boolean {
    return this.#keys[key % slotCount] === key || this.#aside.has(key);
  }

  get(key: number): Value | undefined {
    const slot = key % slotCount;
    return this.#keys[slot] === key ? this.#values[slot] : this.#aside.get(key);
  }

  set(key: number, value: Value): void {
    const slot = key % slotCount;
    const other = this.#keys[slot] ?? free;
    if (other !== key && this.#aside.has(key)) {
      this.#aside.set(key, value);
      return;
    }
    if (other === free) this.#taken++;
    else if (other !== key) this.#aside.set(other, this.#values[slot] as Value);
    this.#keys[slot] = key;
    this.#values[slot] = value;
  }

  /** Removes what is under the key, and returns it. */
  take(key: number): Value | undefined {
    const slot = key % slotCount;
    const value = this.get(key);
    if (this.#keys[slot] === key) {
      this.#keys[slot] = free;
      this.#values[slot] = undefined;
      this.#taken--;
    } else this.#aside.delete(key);
    return value;
  }

  /** What is there, in no order; any of it may be taken meanwhile. */
  *[Symbol.iterator](): Generator<[key: number, value: Value]> {
    if (this.#taken > 0) {
      // Not by an iterator, which makes an array of each slot: this is asked for at every tick.
      for (let slot = 0; slot < slotCount; slot++) {
        const key = this.#keys[slot] ?? free;
        if (key !== free) yield [key, this.#values[slot] as Value];
      }
    }
    yield* this.#aside;
  }
}
