import { assert } from "../base/assert.ts";

interface Write {
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** How much of it later writes have not cut off again. */
  validThrough: number;
}

/**
 * Which part of the log is durable, while writes of it are under way. An entry can be cut off and
 * come back at the same place, even in the same term, so that a late report of its first write says
 * nothing about its second: every write is therefore remembered until it is reported.
 */
export class WriteTracker {
  #writes: Write[] = [];
  #durableIndex: number;
  #nextIndex: number;

  constructor(lastIndex: number) {
    this.#durableIndex = lastIndex;
    this.#nextIndex = lastIndex + 1;
  }

  /** Everything up to here is on disk, and will stay there. */
  get durableIndex(): number {
    return this.#durableIndex;
  }

  /** The first index that no write has been started for. */
  get nextIndex(): number {
    return this.#nextIndex;
  }

  started(lastIndex: number, lastTerm: number): void {
    assert(lastIndex >= this.#nextIndex, "A write is begun that has nothing new");
    this.#writes.push({ lastIndex, lastTerm, validThrough: lastIndex });
    this.#nextIndex = lastIndex + 1;
  }

  /** The write that ended with this entry, and all before it, are durable; unknown ones say nothing. */
  finished(lastIndex: number, lastTerm: number): void {
    const position = this.#writes.findIndex((write) =>
      write.lastIndex === lastIndex && write.lastTerm === lastTerm
    );
    for (const write of this.#writes.splice(0, position + 1)) {
      this.#durableIndex = Math.max(this.#durableIndex, write.validThrough);
    }
    assert(this.#durableIndex < this.#nextIndex, "Entries are durable that no write was begun for");
  }

  /** The entries from `index` on are being replaced. */
  truncate(index: number): void {
    this.#nextIndex = Math.min(this.#nextIndex, index);
    this.#durableIndex = Math.min(this.#durableIndex, index - 1);
    for (const write of this.#writes) write.validThrough = Math.min(write.validThrough, index - 1);
  }

  /** Everything up to `index` is durable otherwise, in a snapshot: it need not be written any more. */
  covered(index: number): void {
    this.#durableIndex = Math.max(this.#durableIndex, index);
    this.#nextIndex = Math.max(this.#nextIndex, index + 1);
  }

  reset(lastIndex: number): void {
    this.#writes = [];
    this.#durableIndex = lastIndex;
    this.#nextIndex = lastIndex + 1;
  }
}
