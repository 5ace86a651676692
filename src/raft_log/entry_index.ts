import { assert } from "../base/assert.ts";
import type { Segment } from "./segment.ts";

/** Where a term begins. */
export interface TermStart {
  readonly term: number;
  readonly index: number;
}

/** Where every entry lies and which term it has: four bytes an entry, and one object a term. */
export class EntryIndex {
  /** Oldest first. The entries of each are one run, and the runs follow one another without a gap. */
  readonly segments: Segment[] = [];
  #lastIndex: number;
  #compactedThrough: number;
  /** Ascending; the first one is of the first entry held. */
  #termStarts: TermStart[] = [];

  constructor(lastIndex: number, compactedThrough: number) {
    this.#lastIndex = lastIndex;
    this.#compactedThrough = compactedThrough;
  }

  get firstIndex(): number {
    return this.#compactedThrough + 1;
  }

  get lastIndex(): number {
    return this.#lastIndex;
  }

  get termStarts(): readonly TermStart[] {
    return this.#termStarts;
  }

  /** The term of an entry held; undefined for any other index. */
  termAt(index: number): number | undefined {
    if (index < this.firstIndex || index > this.#lastIndex) return undefined;
    return this.#termStarts.findLast((start) => start.index <= index)?.term;
  }

  /** The segment that holds the entry at `index`. */
  segmentOf(index: number): Segment | undefined {
    return this.segments.findLast((segment) => segment.holds(index));
  }

  /** Notes an entry at `offset` of the newest segment; what stood at its index and after is cut off. */
  append(term: number, index: number, offset: number): void {
    assert(index <= this.#lastIndex + 1, `Entry ${index} after ${this.#lastIndex} leaves a gap`);
    if (index <= this.#lastIndex) this.#cut(index);
    this.segments.at(-1)?.append(index, offset);
    this.#lastIndex = index;
    if (this.#termStarts.at(-1)?.term !== term) this.#termStarts.push({ term, index });
  }

  #cut(index: number): void {
    for (let i = this.segments.length - 1; i >= 0; i--) {
      if (this.segments[i]?.cut(index) === "all cut") break;
    }
    while ((this.#termStarts.at(-1)?.index ?? 0) >= index) this.#termStarts.pop();
  }

  /** Forgets the entries up to `index`; their segments stay until {@linkcode dropSegments}. */
  compact(index: number): void {
    if (index <= this.#compactedThrough) return;
    const term = this.termAt(index + 1);
    this.#compactedThrough = index;
    if (this.#lastIndex < index) this.#lastIndex = index;
    const kept = this.#termStarts.filter((start) => start.index > index + 1);
    this.#termStarts = term === undefined ? kept : [{ term, index: index + 1 }, ...kept];
  }

  /** The oldest segment needed for entries after `index`; the newest at the latest. */
  firstSegmentAfter(index: number): number {
    const needed = this.segments.find((segment) => segment.lastIndex > index);
    return (needed ?? this.segments.at(-1))?.sequence ?? 0;
  }

  /** Takes the segments before `sequence` out and returns them. */
  dropSegments(sequence: number): Segment[] {
    const keep = this.segments.findIndex((segment) => segment.sequence >= sequence);
    return this.segments.splice(0, keep < 0 ? this.segments.length : keep);
  }

  /** Starts anew behind `index` without any segment; returns those there were. */
  clear(index: number): Segment[] {
    this.#lastIndex = index;
    this.#compactedThrough = index;
    this.#termStarts = [];
    return this.segments.splice(0);
  }
}
