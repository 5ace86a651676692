import type { ByteWriter } from "../base/bytes.ts";
import type { CompactionPoint, Entry, HardState } from "../raft/types.ts";
import { beginBatch } from "./batch.ts";
import { entryHeadLength, writeCompaction, writeEntry, writeHardState } from "./records.ts";
import type { LogWrite } from "./types.ts";

/** A batch longer than this takes no further writes, in bytes. */
const fullBytes = 4 * 1024 * 1024;

/** How many bytes the entries of a write take in the log. */
export function writeLength(write: LogWrite): number {
  return write.entries.reduce((sum, entry) => sum + entryHeadLength + entry.data.length, 0);
}

/** Writes that wait to be written and synced together. */
export class PendingBatch {
  readonly writer: ByteWriter;
  /** The newest one in the batch. */
  hardState: HardState | undefined;
  /** The smallest entry index in it; Infinity without entries. */
  firstIndex = Infinity;
  #runs: { readonly entries: readonly Entry[]; readonly at: number }[] = [];
  #done = Promise.withResolvers<void>();

  constructor(writer: ByteWriter) {
    this.writer = writer;
    beginBatch(writer);
  }

  /** Settles with the batch. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  get full(): boolean {
    return this.writer.length >= fullBytes;
  }

  add(write: LogWrite): void {
    if (write.hardState !== undefined) {
      this.hardState = write.hardState;
      writeHardState(this.writer, write.hardState);
    }
    this.firstIndex = Math.min(this.firstIndex, write.entries[0]?.index ?? Infinity);
    this.#runs.push({ entries: write.entries, at: this.writer.length });
    for (const entry of write.entries) writeEntry(this.writer, entry);
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
