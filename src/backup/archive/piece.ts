import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import zlib from "node:zlib";
import { ByteReader, ByteWriter, FormatError, joinBytes } from "../../base/bytes.ts";
import { checksum } from "../../base/checksum.ts";
import { messageOf } from "../../base/message_of.ts";
import { type Entry, EntryType } from "../../raft/types.ts";
import { stampBytes, stampOf } from "../../store/codec/stamp.ts";

/** A run of the log as it lies in an archive; README.md has the format. */
export interface Piece {
  readonly cluster: string;
  /** Of the leader that shipped it. */
  readonly shippedInTerm: number;
  /** SHA-256 of the piece before, in hexadecimal; "" for the first behind a base copy. */
  readonly previous: string;
  /** One at least, without a gap. */
  readonly entries: readonly Entry[];
}

const magic = new TextEncoder().encode("RLPIECE1");
const sliceBytes = 64 * 1024;
/** Unpacked: an entry is 64 MiB and a little at most, and one that large is alone. */
const pieceBytesMax = 256 * 1024 * 1024;

/** When the leader stamped an entry, in ms since 1970 UTC; undefined for one without a command. */
export function timeOf({ type, data }: Entry): number | undefined {
  if (type !== EntryType.command || data.length < stampBytes) return undefined;
  return stampOf(new DataView(data.buffer, data.byteOffset, data.length)).clock;
}

/** Compresses in slices, with other work between. */
export async function encodePiece(piece: Piece): Promise<Uint8Array<ArrayBuffer>> {
  const writer = new ByteWriter(64 * 1024);
  writer.raw(magic);
  writer.text(piece.cluster);
  writer.integer(piece.shippedInTerm);
  writer.text(piece.previous);
  writer.uint32(piece.entries.length);
  for (const { index, term, type, data, checksum: sum } of piece.entries) {
    writer.integer(index);
    writer.integer(term);
    writer.uint8(type);
    writer.uint32(sum);
    writer.bytes(data);
  }
  const plain = writer.view();
  const slices = function* () {
    for (let at = 0; at < plain.length; at += sliceBytes) {
      yield plain.subarray(at, at + sliceBytes);
    }
  };
  const packing = Readable.from(slices()).pipe(zlib.createGzip({ level: 1 }));
  return joinBytes(await Array.fromAsync<Uint8Array>(packing));
}

/** Throws a FormatError for what is no sound piece: each entry is checked. */
export function decodePiece(bytes: Uint8Array): Piece {
  const reader = new ByteReader(unpack(bytes));
  if (magic.some((byte) => reader.uint8() !== byte)) {
    throw new FormatError("it is no piece of a log");
  }
  const cluster = reader.text();
  const shippedInTerm = reader.integer();
  const previous = reader.text();
  const entries: Entry[] = [];
  for (let count = reader.uint32(); count > 0; count--) entries.push(readEntry(reader));
  const [first] = entries;
  if (first === undefined) throw new FormatError("it has no entries");
  if (entries.some(({ index }, at) => index !== first.index + at)) {
    throw new FormatError("its entries do not follow one another");
  }
  return { cluster, shippedInTerm, previous, entries };
}

function readEntry(reader: ByteReader): Entry {
  const index = reader.integer();
  const term = reader.integer();
  const type = reader.uint8() as EntryType;
  const sum = reader.uint32();
  const data = reader.bytes();
  if (checksum(data) !== sum) throw new FormatError(`entry ${index} in it is damaged`);
  return { index, term, type, data, checksum: sum };
}

function unpack(bytes: Uint8Array): Uint8Array {
  try {
    return zlib.gunzipSync(bytes, { maxOutputLength: pieceBytesMax });
  } catch (error) {
    throw new FormatError(`it cannot be unpacked: ${messageOf(error)}`);
  }
}

/** Of a piece as it lies there: what the next one names. */
export async function sumOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Buffer.from(digest).toString("hex");
}
