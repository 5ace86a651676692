import { assert } from "../base/assert.ts";
import { EntryCache } from "./entry_cache.ts";
import type { Entry, RaftOptions } from "./types.ts";

/**
 * The log as the core sees it: the term of every entry, the newest entries themselves, and how much
 * is durable. Entries before the compaction point are gone; those before the cache are on disk.
 */
export class LogView {
  readonly #cacheBytesMax: number;
  readonly #starts = new TermStarts();
  readonly #cache: EntryCache;
  readonly #writes: WriteTracker;
  #compactionIndex: number;
  #compactionTerm: number;
  #lastIndex: number;
  #appliedIndex: number;
  #deliveredIndex = Number.POSITIVE_INFINITY;

  constructor(
    options: Pick<RaftOptions, "compaction" | "log" | "applied" | "cacheBytesMax">,
  ) {
    const { compaction, log } = options;
    this.#cacheBytesMax = options.cacheBytesMax;
    this.#compactionIndex = compaction.index;
    this.#compactionTerm = compaction.term;
    this.#lastIndex = Math.max(log.lastIndex, compaction.index);
    this.#appliedIndex = Math.max(options.applied, compaction.index);
    assert(
      options.applied <= this.#lastIndex,
      `Applied through ${options.applied}, but the log ends at ${this.#lastIndex}`,
    );
    for (const { index, term } of log.termStarts) this.#starts.append(index, term);
    this.#starts.dropThrough(compaction.index);
    this.#cache = new EntryCache(log.entries[0]?.index ?? this.#lastIndex + 1);
    for (const entry of log.entries) this.#cache.push(entry);
    const last = log.entries[log.entries.length - 1];
    assert(
      last === undefined || last.index === this.#lastIndex,
      `The recovered entries do not reach the log's end at ${this.#lastIndex}`,
    );
    this.#writes = new WriteTracker(this.#lastIndex);
    this.#evict();
  }

  get compactionIndex(): number {
    return this.#compactionIndex;
  }

  get lastIndex(): number {
    return this.#lastIndex;
  }

  get lastTerm(): number {
    return this.termAt(this.#lastIndex) ?? 0;
  }

  /** Everything up to here is on disk. */
  get durableIndex(): number {
    return this.#writes.durableIndex;
  }

  /** The term at `index`, undefined when compacted or beyond the end. */
  termAt(index: number): number | undefined {
    if (index === this.#compactionIndex) return this.#compactionTerm;
    if (index < this.#compactionIndex || index > this.#lastIndex) return undefined;
    return this.#starts.termAt(index);
  }

  /** Whether a log that ends like that is at least as up-to-date as this one (3.6.1). */
  isUpToDate(lastLogIndex: number, lastLogTerm: number): boolean {
    const lastTerm = this.lastTerm;
    return lastLogTerm > lastTerm ||
      (lastLogTerm === lastTerm && lastLogIndex >= this.#lastIndex);
  }

  /**
   * The last index up to `index` that may match another log whose term there is `term`: no index
   * behind it with a higher term can (5.3). The compaction point always may, being committed.
   */
  lastPossibleMatch(index: number, term: number): number {
    const from = Math.min(index, this.#lastIndex);
    if (from <= this.#compactionIndex) return from;
    return Math.max(this.#starts.lastIndexWithTermAtMost(from, term), this.#compactionIndex);
  }

  /** Adds one entry at the end. */
  append(entry: Entry): void {
    assert(
      entry.index === this.#lastIndex + 1,
      `Entry ${entry.index} does not follow the log's end at ${this.#lastIndex}`,
    );
    this.#cache.push(entry);
    this.#starts.append(entry.index, entry.term);
    this.#lastIndex = entry.index;
  }

  /** Cuts off the entries from `index` on. */
  truncate(index: number): void {
    assert(index > this.#compactionIndex, `Entry ${index} is compacted and cannot be cut off`);
    this.#cache.truncate(index);
    this.#starts.truncate(index);
    this.#writes.truncate(index);
    this.#lastIndex = index - 1;
  }

  /** Entries from `from` to `to` that are in memory, from the front. */
  cached(from: number, to: number, bytesMax: number): Entry[] {
    return this.#cache.slice(from, to, bytesMax);
  }

  /** Hands out the entries that no write has been started for. */
  takeUnwritten(): Entry[] {
    if (this.#writes.nextIndex > this.#lastIndex) return [];
    const entries = this.#cache.slice(this.#writes.nextIndex, this.#lastIndex, Infinity);
    this.#writes.started(this.#lastIndex, this.lastTerm);
    return entries;
  }

  /** The write that ended with this entry is durable. */
  persisted(index: number, term: number): void {
    this.#writes.finished(index, term);
    this.#evict();
  }

  applied(index: number): void {
    this.#appliedIndex = Math.max(this.#appliedIndex, index);
    this.#evict();
  }

  /** All servers that follow have the entries up to `index`; infinite when none does. */
  delivered(index: number): void {
    this.#deliveredIndex = index;
    this.#evict();
  }

  /** Forgets the entries up to `index`. */
  compact(index: number): void {
    const term = this.termAt(index);
    if (term === undefined || index <= this.#compactionIndex) return;
    this.#compactionIndex = index;
    this.#compactionTerm = term;
    this.#starts.dropThrough(index);
    this.#cache.evict(index, -1);
    this.#writes.covered(index);
  }

  /** Continues behind an installed snapshot. */
  reset(index: number, term: number): void {
    this.#compactionIndex = index;
    this.#compactionTerm = term;
    this.#lastIndex = index;
    this.#appliedIndex = Math.max(this.#appliedIndex, index);
    this.#starts.clear();
    this.#cache.reset(index + 1);
    this.#writes.reset(index);
  }

  /**
   * What is durable and applied may leave the memory. It does so at once where no follower needs it:
   * objects that live on are copied by the garbage collector twice (measured on one node: 6 % of the
   * processor, and of p99 a fifth).
   */
  #evict(): void {
    const limit = Math.min(this.#appliedIndex, this.#writes.durableIndex);
    this.#cache.evict(Math.min(limit, this.#deliveredIndex), 0);
    this.#cache.evict(limit, this.#cacheBytesMax);
  }
}

/**
 * The term of every index of a log, kept as the index where each term begins: terms never fall
 * along a log (5.3), so a few numbers stand for millions of entries.
 */
export class TermStarts {
  readonly #terms: number[] = [];
  readonly #indexes: number[] = [];

  /** Notes that the entry at `index`, one behind the last, is of `term`. */
  append(index: number, term: number): void {
    const last = this.#terms.length - 1;
    if (last >= 0 && this.#terms[last] === term) return;
    this.#terms.push(term);
    this.#indexes.push(index);
  }

  /** Forgets the entries from `index` on. */
  truncate(index: number): void {
    while ((this.#indexes[this.#indexes.length - 1] ?? 0) >= index) {
      this.#indexes.pop();
      this.#terms.pop();
    }
  }

  /** Forgets the entries up to `index`. */
  dropThrough(index: number): void {
    const runs = this.#position(index + 1);
    if (runs > 0) {
      this.#indexes.splice(0, runs);
      this.#terms.splice(0, runs);
    }
    if ((this.#indexes[0] ?? Infinity) <= index) this.#indexes[0] = index + 1;
  }

  clear(): void {
    this.#terms.length = 0;
    this.#indexes.length = 0;
  }

  /** The term at `index`, which must be one of the log's. */
  termAt(index: number): number {
    return this.#terms[this.#position(index)] ?? 0;
  }

  /** The last index up to `index` whose term is at most `term`; 0 when there is none. */
  lastIndexWithTermAtMost(index: number, term: number): number {
    let position = this.#position(index);
    if ((this.#terms[position] ?? Infinity) <= term) return index;
    while (position >= 0 && (this.#terms[position] ?? 0) > term) position--;
    const next = this.#indexes[position + 1];
    return position < 0 || next === undefined ? 0 : next - 1;
  }

  /** Which run holds `index`; -1 when it lies before the first. */
  #position(index: number): number {
    let high = this.#indexes.length - 1;
    if ((this.#indexes[high] ?? Infinity) <= index) return high;
    let low = -1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#indexes[middle] ?? 0) <= index) low = middle;
      else high = middle;
    }
    return low;
  }
}

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
