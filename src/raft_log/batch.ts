import { ByteWriter } from "../base/bytes.ts";
import { checksum } from "../base/checksum.ts";
import type { PartsWriter } from "../base/parts_writer.ts";
import { checksumInSlices, type NextTurn } from "../base/slices.ts";

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
