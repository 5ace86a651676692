import {
  ByteReader,
  ByteWriter,
  FormatError,
  longBytesMin,
  type PartsWriter,
} from "../base/bytes.ts";
import { checksum } from "../base/checksum.ts";
import { checksumInSlices, type NextTurn } from "../base/slices.ts";
import { decodeConfiguration, encodeConfiguration } from "../raft/configuration.ts";
import { type CompactionPoint, type Entry, EntryType, type HardState } from "../raft/types.ts";

/** "RLBT" in little-endian order. */
const magic = 0x5442_4c52;

/**
 * Length of a batch's head: magic u32, checksum u32 of everything behind it, salt u32,
 * body length u32, offset of the batch in its file u64.
 */
export const batchHeadLength = 24;

/** The longest body that a batch may have, in bytes. */
export const batchBodyMax = 0x4000_0000;

/** Leaves room for the head, to be filled by {@linkcode finishBatch}. */
export function beginBatch(writer: ByteWriter): void {
  writer.reset();
  for (let i = 0; i < batchHeadLength; i += 8) writer.uint64(0n);
}

/** Fills the head of the batch that `writer` holds, for its place in a segment. */
export function finishBatch(writer: ByteWriter, salt: number, offset: number): void {
  fillHead(writer, writer.length, salt, offset);
  writer.setUint32(4, checksum(writer.view().subarray(8)));
}

/** The same for a batch of any length, with pauses. */
export async function finishLongBatch(
  writer: PartsWriter,
  salt: number,
  offset: number,
  nextTurn: NextTurn,
): Promise<void> {
  fillHead(writer, writer.size, salt, offset);
  const [first = new Uint8Array(0), ...rest] = writer.parts();
  let sum = checksum(first.subarray(8));
  for (const part of rest) sum = await checksumInSlices(part, nextTurn, sum);
  writer.setUint32(4, sum);
}

function fillHead(writer: ByteWriter, length: number, salt: number, offset: number): void {
  writer.setUint32(0, magic);
  writer.setUint32(8, salt);
  writer.setUint32(12, length - batchHeadLength);
  writer.setUint32(16, offset % 0x1_0000_0000);
  writer.setUint32(20, Math.floor(offset / 0x1_0000_0000));
}

/** A batch without a body: says that everything before it is durable. */
export function encodeMark(salt: number, offset: number): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(batchHeadLength);
  beginBatch(writer);
  finishBatch(writer, salt, offset);
  return writer.copy();
}

/** Whether the head of a batch made for exactly this segment and place stands at `offset`. */
function headStands(view: DataView, salt: number, offset: number): boolean {
  return view.getUint32(offset, true) === magic &&
    view.getUint32(offset + 8, true) === salt &&
    view.getUint32(offset + 16, true) === offset % 0x1_0000_0000 &&
    view.getUint32(offset + 20, true) === Math.floor(offset / 0x1_0000_0000);
}

/** Where the sound batch that begins at `offset` ends; undefined when none does. */
export function batchEnd(bytes: Uint8Array, salt: number, offset: number): number | undefined {
  if (offset + batchHeadLength > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!headStands(view, salt, offset)) return undefined;
  const end = offset + batchHeadLength + view.getUint32(offset + 12, true);
  if (end > bytes.length) return undefined;
  const stored = view.getUint32(offset + 4, true);
  return checksum(bytes.subarray(offset + 8, end)) === stored ? end : undefined;
}

/** Whether the head of a batch, sound or not, stands anywhere from `from` on. */
export function headFollows(bytes: Uint8Array, salt: number, from: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const last = bytes.length - batchHeadLength;
  let offset = bytes.indexOf(magic & 0xff, from);
  while (offset >= 0 && offset <= last) {
    if (headStands(view, salt, offset)) return true;
    offset = bytes.indexOf(magic & 0xff, offset + 1);
  }
  return false;
}

const RecordKind = { entry: 1, hardState: 2, compaction: 3, sealed: 4 } as const;

/** Length of what stands before an entry's data. */
export const entryHeadLength = 32;

/** Whether an entry is so long that nothing is done to all of it at once. */
export function isLong(entry: Entry): boolean {
  return entry.data.length >= longBytesMin;
}

/** kind u8, type u8, zero u16, data length u32, term u64, index u64, data checksum u32, head checksum u32, data. */
export function writeEntry(writer: ByteWriter, entry: Entry): void {
  const start = writer.length;
  writer.uint8(RecordKind.entry);
  writer.uint8(entry.type);
  writer.uint16(0);
  writer.uint32(entry.data.length);
  writer.integer(entry.term);
  writer.integer(entry.index);
  writer.uint32(entry.checksum);
  writer.uint32(checksum(writer.view().subarray(start)));
  writer.raw(entry.data);
}

/** kind u8, term u64, votedFor text, promiseMs u64. */
export function writeHardState(writer: ByteWriter, hardState: HardState): void {
  writer.uint8(RecordKind.hardState);
  writer.integer(hardState.term);
  writer.text(hardState.votedFor);
  writer.integer(hardState.promiseMs);
}

/** kind u8, first segment that still counts u64, index u64, term u64, configuration bytes. */
export function writeCompaction(
  writer: ByteWriter,
  point: CompactionPoint,
  firstSegment: number,
): void {
  writer.uint8(RecordKind.compaction);
  writer.integer(firstSegment);
  writer.integer(point.index);
  writer.integer(point.term);
  writer.bytes(encodeConfiguration(point.configuration));
}

/** kind u8, sequence of the segment that follows u64: the last record of a finished segment. */
export function writeSealed(writer: ByteWriter, next: number): void {
  writer.uint8(RecordKind.sealed);
  writer.integer(next);
}

/** What is done with the records of a batch, in their order. */
export interface RecordVisitor {
  entry(entry: Entry, offset: number): void;
  hardState(hardState: HardState): void;
  compaction(point: CompactionPoint, firstSegment: number): void;
  sealed(next: number): void;
}

function toEntryType(value: number): EntryType {
  if (value === EntryType.noop || value === EntryType.command) return value;
  if (value === EntryType.configuration) return value;
  throw new FormatError(`Unknown entry type ${value}`);
}

/** Reads an entry behind its kind byte; its data is a view of the buffer and not yet verified. */
function readEntryBody(reader: ByteReader): Entry {
  const type = toEntryType(reader.uint8());
  reader.uint16();
  const length = reader.uint32();
  const term = reader.integer();
  const index = reader.integer();
  const dataChecksum = reader.uint32();
  reader.uint32();
  return { term, index, type, data: reader.raw(length), checksum: dataChecksum };
}

/**
 * Reads the entry at `offset` and verifies its head by its own checksum; the data are for
 * {@linkcode verifyEntry}. Throws a FormatError when it does not match or another entry than `index`
 * stands there.
 */
export function readEntryHead(bytes: Uint8Array, offset: number, index: number): Entry {
  const head = bytes.subarray(offset, offset + entryHeadLength);
  const reader = new ByteReader(bytes, offset);
  const stored = new ByteReader(head, Math.min(entryHeadLength - 4, head.length)).uint32();
  if (
    reader.uint8() !== RecordKind.entry ||
    checksum(head.subarray(0, entryHeadLength - 4)) !== stored
  ) {
    throw new FormatError("Head of the entry is damaged");
  }
  const entry = readEntryBody(reader);
  if (entry.index !== index) throw new FormatError(`Entry ${entry.index} stands there`);
  return entry;
}

/** Throws a FormatError unless `sum`, that of its data, is the checksum that an entry has. */
export function verifyEntry(entry: Entry, sum: number): void {
  if (sum !== entry.checksum) throw new FormatError("Data does not match its checksum");
}

/** Hands the records from `start` to `end` to `visitor`; throws a FormatError at anything else. */
export function visitRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
  visitor: RecordVisitor,
): void {
  const reader = new ByteReader(bytes.subarray(0, end), start);
  while (reader.remaining > 0) {
    const offset = reader.offset;
    const kind = reader.uint8();
    if (kind === RecordKind.entry) {
      visitor.entry(readEntryBody(reader), offset);
    } else if (kind === RecordKind.hardState) {
      visitor.hardState({
        term: reader.integer(),
        votedFor: reader.text(),
        promiseMs: reader.integer(),
      });
    } else if (kind === RecordKind.compaction) {
      const firstSegment = reader.integer();
      const point = {
        index: reader.integer(),
        term: reader.integer(),
        configuration: decodeConfiguration(reader.bytes()),
      };
      visitor.compaction(point, firstSegment);
    } else if (kind === RecordKind.sealed) {
      visitor.sealed(reader.integer());
    } else {
      throw new FormatError(`Unknown record kind ${kind}`);
    }
  }
}
