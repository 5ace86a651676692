import { assert } from "../base/assert.ts";
import type { Entry } from "./types.ts";

/** What an entry takes in memory beside its data, in bytes, about: two objects, and its share of what V8 keeps free. */
const entryOverheadBytes = 256;

function cost(entry: Entry): number {
  return entry.data.length + entryOverheadBytes;
}

/** Slots at first. */
const slotsMin = 256;

/**
 * The newest entries of a log, contiguous, dropped from the front when they become too many. They
 * are kept in a ring, each in the slot that its index gives: of an array that moves on, what was left
 * behind would keep entries alive, once it has outlived two collections.
 */
export class EntryCache {
  #slots: (Entry | undefined)[] = emptySlots(slotsMin);
  #first: number;
  #count = 0;
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

  /** The index of the next one to come. */
  get #end(): number {
    return this.#first + this.#count;
  }

  push(entry: Entry): void {
    assert(entry.index === this.#end, `Entry ${entry.index} does not follow the cached ones`);
    if (this.#count === this.#slots.length) this.#grow();
    this.#slots[this.#slotOf(entry.index)] = entry;
    this.#count++;
    this.#bytes += cost(entry);
  }

  /** Forgets the entries from `index` on. */
  truncate(index: number): void {
    while (this.#count > 0 && this.#end > index) {
      this.#release(this.#end - 1);
      this.#count--;
    }
    if (index < this.#first) this.#first = index;
  }

  /** Forgets the oldest entries, none beyond `index`, until the rest takes at most `bytesMax`. */
  evict(index: number, bytesMax: number): void {
    while (this.#bytes > bytesMax && this.#first <= index && this.#count > 0) {
      this.#release(this.#first);
      this.#count--;
      this.#first++;
    }
  }

  /** Forgets everything; the next entry will have `first` for its index. */
  reset(first: number): void {
    this.#slots = emptySlots(slotsMin);
    this.#first = first;
    this.#count = 0;
    this.#bytes = 0;
  }

  /**
   * Entries from `from` to `to`, both inclusive: the first, then as many as keep the sum of their
   * data within `bytesMax`. Empty when `from` is not held.
   */
  slice(from: number, to: number, bytesMax: number): Entry[] {
    if (from < this.#first) return [];
    const result: Entry[] = [];
    let bytes = 0;
    for (let index = from; index <= to && index < this.#end; index++) {
      const entry = this.#slots[this.#slotOf(index)];
      if (entry === undefined) break;
      bytes += entry.data.length;
      if (bytes > bytesMax && index > from) break;
      result.push(entry);
    }
    return result;
  }

  #slotOf(index: number): number {
    return index % this.#slots.length;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = emptySlots(2 * old.length);
    for (const entry of old) {
      if (entry !== undefined) this.#slots[this.#slotOf(entry.index)] = entry;
    }
  }

  #release(index: number): void {
    const slot = this.#slotOf(index);
    const entry = this.#slots[slot];
    if (entry !== undefined) this.#bytes -= cost(entry);
    this.#slots[slot] = undefined;
  }
}

function emptySlots(count: number): undefined[] {
  return new Array<undefined>(count).fill(undefined);
}
