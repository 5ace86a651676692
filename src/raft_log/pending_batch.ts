import type { PartsWriter } from "../base/parts_writer.ts";
import { checksumInSlices, type NextTurn } from "../base/slices.ts";
import type { CompactionPoint, Entry, HardState } from "../raft/types.ts";
import { beginBatch } from "./batch.ts";
import { entryHeadLength, isLong, writeCompaction, writeEntry, writeHardState } from "./records.ts";
import type { LogWrite } from "./types.ts";

/** A batch longer than this takes no further writes, in bytes. */
const fullBytes = 4 * 1024 * 1024;

/** How many bytes the entries of a write take in the log. */
export function writeLength(write: LogWrite): number {
  return write.entries.reduce((sum, entry) => sum + entryHeadLength + entry.data.length, 0);
}

/** Throws unless `sum`, that of its data, is the checksum that an entry has. */
export function verifyInMemory({ index, checksum }: Entry, sum: number): void {
  if (sum !== checksum) {
    throw new Error(`Entry ${index} does not match its checksum in memory`);
  }
}

/** Writes that wait to be written and synced together. */
export class PendingBatch {
  /** Long entries are not copied into it. */
  readonly writer: PartsWriter;
  /** The newest one in the batch. */
  hardState: HardState | undefined;
  /** The smallest entry index in it; Infinity without entries. */
  firstIndex = Infinity;
  #runs: { readonly entries: readonly Entry[]; readonly at: number }[] = [];
  #done = Promise.withResolvers<void>();

  constructor(writer: PartsWriter) {
    this.writer = writer;
    beginBatch(writer);
  }

  /** Settles with the batch. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  get full(): boolean {
    return this.writer.size >= fullBytes;
  }

  add(write: LogWrite): void {
    if (write.hardState !== undefined) {
      this.hardState = write.hardState;
      writeHardState(this.writer, write.hardState);
    }
    this.firstIndex = Math.min(this.firstIndex, write.entries[0]?.index ?? Infinity);
    this.#runs.push({ entries: write.entries, at: this.writer.size });
    for (const entry of write.entries) writeEntry(this.writer, entry);
  }

  /** Throws when a long entry is not what its leader made; the others are verified before. */
  async verifyLong(nextTurn: NextTurn): Promise<void> {
    for (const { entries } of this.#runs) {
      for (const entry of entries) {
        if (isLong(entry)) verifyInMemory(entry, await checksumInSlices(entry.data, nextTurn));
      }
    }
  }

  addCompaction(point: CompactionPoint, firstSegment: number): void {
    writeCompaction(this.writer, point, firstSegment);
  }

  /** Every entry with its offset in the file, when the batch stands at `offset`. */
  forEachEntry(offset: number, visit: (entry: Entry, at: number) => void): void {
    for (const { entries, at } of this.#runs) {
      let position = offset + at;
      for (const entry of entries) {
        visit(entry, position);
        position += entryHeadLength + entry.data.length;
      }
    }
  }

  resolve(): void {
    this.#done.resolve();
  }

  reject(error: Error): void {
    this.#done.reject(error);
  }
}
