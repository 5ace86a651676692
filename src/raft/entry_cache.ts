import { assert } from "../base/assert.ts";
import type { Entry } from "./types.ts";

/** What an entry takes in memory beside its data, in bytes, about: two objects, and its share of what V8 keeps free. */
const entryOverheadBytes = 256;

function cost(entry: Entry): number {
  return entry.data.length + entryOverheadBytes;
}

/** The newest entries of a log, contiguous, dropped from the front when they become too many. */
export class EntryCache {
  /** The entries, behind `#head` places that are free. */
  #slots: (Entry | undefined)[] = [];
  #head = 0;
  #first: number;
  #bytes = 0;

  /** @param first The index that the first entry added will have. */
  constructor(first: number) {
    this.#first = first;
  }

  /** The index of the first entry held, or of the next one to come when there is none. */
  get first(): number {
    return this.#first;
  }

  /** What the entries take in memory, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  push(entry: Entry): void {
    assert(
      entry.index === this.#first + this.#slots.length - this.#head,
      `Entry ${entry.index} does not follow the cached ones`,
    );
    this.#slots.push(entry);
    this.#bytes += cost(entry);
  }

  /** Forgets the entries from `index` on. */
  truncate(index: number): void {
    const end = this.#head + Math.max(0, index - this.#first);
    for (let i = this.#slots.length - 1; i >= end; i--) this.#release(i);
    this.#slots.length = Math.max(end, this.#head);
    if (index < this.#first) this.#first = index;
  }

  /** Forgets the oldest entries, none beyond `index`, until the rest takes at most `bytesMax`. */
  evict(index: number, bytesMax: number): void {
    while (this.#bytes > bytesMax && this.#first <= index && this.#head < this.#slots.length) {
      this.#release(this.#head);
      this.#slots[this.#head] = undefined;
      this.#head++;
      this.#first++;
    }
    if (this.#head > 64 && this.#head * 2 > this.#slots.length) {
      this.#slots = this.#slots.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Forgets everything; the next entry will have `first` for its index. */
  reset(first: number): void {
    this.#slots = [];
    this.#head = 0;
    this.#first = first;
    this.#bytes = 0;
  }

  /**
   * Entries from `from` to `to`, both inclusive: the first, then as many as keep the sum of their
   * data within `bytesMax`. Empty when `from` is not held.
   */
  slice(from: number, to: number, bytesMax: number): Entry[] {
    if (from < this.#first) return [];
    const start = this.#head + from - this.#first;
    const limit = Math.min(this.#slots.length, start + to - from + 1);
    const result: Entry[] = [];
    let bytes = 0;
    for (let i = start; i < limit; i++) {
      const entry = this.#slots[i];
      if (entry === undefined) break;
      bytes += entry.data.length;
      if (bytes > bytesMax && i > start) break;
      result.push(entry);
    }
    return result;
  }

  #release(slot: number): void {
    const entry = this.#slots[slot];
    if (entry !== undefined) this.#bytes -= cost(entry);
  }
}
