import { FormatError } from "../../base/bytes.ts";
import { checksum } from "../../base/checksum.ts";
import type { DiskFile } from "../../io/types.ts";
import { writeEvenly } from "../../io/write_evenly.ts";

/**
 * A snapshot as it is sent: 8 bytes "RLSNAP01", the file's size (8 bytes), the file, and the
 * checksum of all that (4 bytes).
 */
const magic = new TextEncoder().encode("RLSNAP01");
const headBytes = 16;
const tailBytes = 4;
const chunkBytes = 0x4_0000;

export function snapshotSize(fileBytes: number): number {
  return headBytes + fileBytes + tailBytes;
}

/** Pieces of a file, in order; `size` was its size when asked. */
export async function* readFile(
  file: Pick<DiskFile, "path" | "read">,
  size: number,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size;) {
    const chunk = await file.read(at, Math.min(chunkBytes, size - at));
    if (chunk.length === 0) throw new FormatError(`File ${file.path} ends early, at ${at}`);
    at += chunk.length;
    yield chunk;
  }
}

/** A file of that size as a snapshot; `body` is all of it. */
export async function* writeSnapshot(
  body: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array> {
  const head = new Uint8Array(headBytes);
  head.set(magic);
  new DataView(head.buffer).setBigUint64(8, BigInt(size), true);
  let sum = checksum(head);
  yield head;
  for await (const chunk of body) {
    sum = checksum(chunk, sum);
    yield chunk;
  }
  const tail = new Uint8Array(tailBytes);
  new DataView(tail.buffer).setUint32(0, sum, true);
  yield tail;
}

/** Writes a received snapshot's file to `file`; throws a FormatError when it is not whole and sound. */
export async function receiveSnapshot(
  body: AsyncIterable<Uint8Array>,
  file: DiskFile,
): Promise<void> {
  const head = new Uint8Array(headBytes);
  const tail = new Uint8Array(tailBytes);
  let received = 0;
  let size = 0;
  let sum = 0;
  for await (const chunk of body) {
    let rest = chunk;
    while (rest.length > 0) {
      if (received < headBytes) {
        const part = rest.subarray(0, headBytes - received);
        head.set(part, received);
        received += part.length;
        rest = rest.subarray(part.length);
        if (received === headBytes) {
          const said = fileSizeIn(head);
          if (said === undefined) throw new FormatError("Snapshot is of an unknown format");
          size = said;
          sum = checksum(head);
        }
        continue;
      }
      const at = received - headBytes;
      const part = rest.subarray(0, at < size ? size - at : size + tailBytes - at);
      if (part.length === 0) throw new FormatError("Snapshot is longer than it says");
      if (at < size) {
        sum = checksum(part, sum);
        await writeEvenly(file, at, part);
      } else {
        tail.set(part, at - size);
      }
      received += part.length;
      rest = rest.subarray(part.length);
    }
  }
  if (received < headBytes || received !== snapshotSize(size)) {
    throw new FormatError(`Snapshot is cut short after ${received} bytes`);
  }
  if (new DataView(tail.buffer).getUint32(0, true) !== sum) {
    throw new FormatError("Snapshot is damaged: its checksum does not match");
  }
}

/** The size of a whole snapshot by its first bytes; undefined where they do not say. */
export function snapshotSizeIn(head: Uint8Array): number | undefined {
  const size = head.length < headBytes ? undefined : fileSizeIn(head);
  return size === undefined ? undefined : snapshotSize(size);
}

/** The file's size by a whole head; undefined for another format's. */
function fileSizeIn(head: Uint8Array): number | undefined {
  if (magic.some((byte, i) => head[i] !== byte)) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  return Number(view.getBigUint64(8, true));
}
