import { assert } from "../../base/assert.ts";
import { ByteReader, ByteWriter, PartsWriter } from "../../base/bytes.ts";
import { joinInSlices, type NextTurn } from "../../base/slices.ts";
import { decodeFormat, encodeFormat } from "../codec/answer_format.ts";
import type { Answer, AnswerFormat, AppliedEntry, ApplyEntry } from "../types.ts";

/**
 * A batch of entries on its way to the writer: for each the index and the term (8 bytes each), the
 * entry's type and the answer's format (1 byte each), the checksum, and the data behind its length.
 */
export interface BatchEntry {
  readonly index: number;
  readonly term: number;
  readonly type: number;
  readonly format: AnswerFormat | undefined;
  readonly checksum: number;
  readonly data: Uint8Array;
  /** Of `data`. */
  readonly view: DataView;
}

/** An entry that is applied without going to the writer. */
export function toBatchEntry({ entry, answer }: ApplyEntry): BatchEntry {
  const { index, term, type, checksum, data } = entry;
  return { index, term, type, format: answer, checksum, data, view: viewOf(data) };
}

function viewOf(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}

/** What a batch of entries takes. */
export function batchSize(entries: readonly ApplyEntry[]): number {
  let size = 4;
  for (const { entry } of entries) size += 26 + entry.data.length;
  return size;
}

export function encodeBatch(entries: readonly ApplyEntry[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(batchSize(entries));
  writeBatch(writer, entries);
  return writer.view();
}

/** The same with pauses, for much data. */
export function encodeLargeBatch(
  entries: readonly ApplyEntry[],
  nextTurn: NextTurn,
): Promise<Uint8Array<ArrayBuffer>> {
  const writer = new PartsWriter();
  writeBatch(writer, entries);
  return joinInSlices(writer.parts(), nextTurn);
}

function writeBatch(writer: ByteWriter, entries: readonly ApplyEntry[]): void {
  writer.uint32(entries.length);
  for (const { entry, answer } of entries) {
    writer.integer(entry.index);
    writer.integer(entry.term);
    writer.uint8(entry.type);
    writer.uint8(encodeFormat(answer));
    writer.uint32(entry.checksum);
    writer.bytes(entry.data);
  }
}

export function decodeBatch(bytes: Uint8Array): BatchEntry[] {
  const reader = new ByteReader(bytes);
  const entries: BatchEntry[] = [];
  for (let left = reader.uint32(); left > 0; left--) {
    const index = reader.integer();
    const term = reader.integer();
    const type = reader.uint8();
    const format = decodeFormat(reader.uint8());
    const checksum = reader.uint32();
    const data = reader.bytes();
    entries.push({ index, term, type, format, checksum, data, view: viewOf(data) });
  }
  reader.end();
  return entries;
}

/** A batch that was applied, and how it left the WAL. */
export interface AppliedBatch {
  readonly entries: AppliedEntry[];
  readonly walFrames: number;
}

/** The records of a batch, from its answers. */
export function appliedEntries(
  entries: readonly ApplyEntry[],
  answers: readonly Answer[],
): AppliedEntry[] {
  assert(
    answers.length === entries.length,
    `${entries.length} entries were applied, with ${answers.length} answers`,
  );
  return entries.map(({ entry: { index, term } }, i) => ({
    index,
    term,
    answer: answers[i],
  }));
}
