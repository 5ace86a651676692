import { assert } from "../base/assert.ts";
import { FormatError } from "../base/bytes.ts";
import { checksum } from "../base/checksum.ts";
import { checksumInSlices, type NextTurn, Slices } from "../base/slices.ts";
import type { Disk, DiskFile } from "../io/types.ts";
import type { Entry } from "../raft/types.ts";
import { isLong, readEntryHead, verifyEntry } from "./records.ts";
import { LogDamageError } from "./types.ts";

function sumOf(entry: Entry, nextTurn: NextTurn): number | Promise<number> {
  return isLong(entry) ? checksumInSlices(entry.data, nextTurn) : checksum(entry.data);
}

/** One file of the log and where the entries lie that it holds. */
export class Segment {
  readonly sequence: number;
  readonly path: string;
  readonly salt: number;
  /** Where its sound and durable part ends. */
  end: number;
  /** Its length on disk, with what is allocated ahead. */
  sizeBytes: number;
  #disk: Disk;
  #file: Promise<DiskFile> | undefined;
  #firstIndex = 0;
  #count = 0;
  /** Offset of each entry, by its distance from the first one. */
  #offsets = new Uint32Array(256);

  constructor(
    disk: Disk,
    path: string,
    place: { sequence: number; salt: number; end: number; sizeBytes: number },
  ) {
    this.#disk = disk;
    this.path = path;
    this.sequence = place.sequence;
    this.salt = place.salt;
    this.end = place.end;
    this.sizeBytes = place.sizeBytes;
  }

  /** The last entry that it holds; 0 for none. */
  get lastIndex(): number {
    return this.#count === 0 ? 0 : this.#firstIndex + this.#count - 1;
  }

  holds(index: number): boolean {
    return index >= this.#firstIndex && index < this.#firstIndex + this.#count;
  }

  /** Notes the entry that follows the last one, or the first one. */
  append(index: number, offset: number): void {
    if (this.#count === 0) this.#firstIndex = index;
    assert(index === this.#firstIndex + this.#count, `Entry ${index} does not follow in a segment`);
    if (this.#count === this.#offsets.length) {
      const grown = new Uint32Array(this.#count * 2);
      grown.set(this.#offsets);
      this.#offsets = grown;
    }
    this.#offsets[this.#count++] = offset;
  }

  /** Forgets the entries from `index` on; "all cut" when older segments hold none of them. */
  cut(index: number): "all cut" | "go on" {
    if (this.#count === 0) return "go on";
    const before = index > this.#firstIndex;
    this.#count = before ? Math.min(this.#count, index - this.#firstIndex) : 0;
    return before ? "all cut" : "go on";
  }

  /** How many bytes of the file hold the entries `from` to `to`, at least; and all it takes to read them. */
  #extent(from: number, to: number): { start: number; end: number } {
    const start = this.#offsets[from - this.#firstIndex] ?? 0;
    const next = to + 1 - this.#firstIndex;
    return { start, end: next < this.#count ? this.#offsets[next] ?? this.end : this.end };
  }

  /**
   * Reads the entries from `from` to `to` as far as they lie here: one, then as many as fit in
   * `bytesMax` bytes of the file. Each is verified by its own checksums.
   */
  async read(from: number, to: number, bytesMax: number, nextTurn: NextTurn): Promise<Entry[]> {
    let last = from;
    const lastHere = Math.min(to, this.lastIndex);
    const { start } = this.#extent(from, from);
    while (last < lastHere && this.#extent(from, last + 1).end - start <= bytesMax) last++;
    const offsets = this.#offsets.slice(from - this.#firstIndex, last + 1 - this.#firstIndex);
    const length = this.#extent(from, last).end - start;
    const file = await this.open();
    const bytes = await file.read(start, length);
    const entries: Entry[] = [];
    const slices = new Slices(nextTurn);
    for (const [i, offset] of offsets.entries()) {
      try {
        const entry = readEntryHead(bytes, offset - start, from + i);
        const sum = sumOf(entry, nextTurn);
        verifyEntry(entry, typeof sum === "number" ? sum : await sum);
        entries.push(entry);
        const pause = slices.spent(entry.data.length);
        if (pause !== undefined) await pause;
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        throw new LogDamageError(
          this.path,
          offset,
          `Log file ${this.path} is damaged at offset ${offset}, entry ${
            from + i
          }: ${error.message}`,
        );
      }
    }
    return entries;
  }

  /**
   * The first of the newest entries here that take at most `budget` bytes of the file, undefined
   * for none, and what is left of the budget: nothing unless all fit.
   */
  recentFrom(budget: number): { from: number | undefined; budget: number } {
    if (this.#count === 0) return { from: undefined, budget };
    const start = this.end - budget;
    const first = this.#offsets.subarray(0, this.#count).findIndex((offset) => offset >= start);
    if (first < 0) return { from: undefined, budget: 0 };
    const left = first > 0 ? 0 : budget - (this.end - (this.#offsets[0] ?? 0));
    return { from: this.#firstIndex + first, budget: left };
  }

  /** The file, opened when first needed and kept. */
  open(): Promise<DiskFile> {
    this.#file ??= this.#disk.open(this.path, { create: false });
    return this.#file;
  }

  close(): void {
    this.#file?.then((file) => file.close(), () => {});
    this.#file = undefined;
  }
}
