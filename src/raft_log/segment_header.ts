import { ByteReader, ByteWriter, FormatError } from "../base/bytes.ts";
import { checksum } from "../base/checksum.ts";
import { decodeConfiguration, encodeConfiguration } from "../raft/configuration.ts";
import { firstVersion, newestVersion } from "../raft/cluster_version.ts";
import type { CompactionPoint, HardState } from "../raft/types.ts";

/** "raftlite", the first eight bytes of every segment. */
const magic = 0x6574_696c_7466_6172n;

/**
 * The format of a segment in a cluster of `version`: 2 for the first, and one more for each. Behind
 * that number all of them are alike; but what stands in the records of a newer one may be nothing
 * that an older program knows, which is to refuse the log by its first bytes rather than take a
 * record for damaged.
 */
function formatIn(version: number): number {
  return 1 + version;
}

/** Length of the part that every version shares: magic, version, length, checksum. */
const fixedLength = 20;

/** What a segment says at its head: the state of the log at the moment it was begun. */
export interface SegmentHeader {
  /** What this and the segments behind it may hold: the cluster's version, or one that it had. */
  readonly version: number;
  /** Counts up from 1, and names the file. */
  readonly sequence: number;
  /** Drawn at random, repeated in every batch: bytes from elsewhere are never taken for a batch. */
  readonly salt: number;
  /** Where the sound and durable part of the segment before ends; 0 when there is none. */
  readonly previousEnd: number;
  /** The oldest segment that still counts; older files are leftovers of a compaction. */
  readonly firstSegment: number;
  /** The log's last index before this segment. */
  readonly lastIndex: number;
  readonly hardState: HardState;
  readonly compaction: CompactionPoint;
}

/** Thrown for a segment of a format that another version of this program has written. */
export class OtherFormatError extends Error {
  override name = "OtherFormatError";
}

export function segmentName(sequence: number): string {
  return `${String(sequence).padStart(16, "0")}.log`;
}

/** The sequence in a segment's file name; undefined for any other name. */
export function parseSegmentName(name: string): number | undefined {
  const match = /^(\d{16})\.log$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** Encodes a header; the layout is in the README beside this file. */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.uint64(magic);
  writer.uint32(formatIn(header.version));
  writer.uint32(0);
  writer.uint32(0);
  writer.integer(header.sequence);
  writer.uint32(header.salt);
  writer.integer(header.previousEnd);
  writer.integer(header.firstSegment);
  writer.integer(header.lastIndex);
  writer.integer(header.hardState.term);
  writer.text(header.hardState.votedFor);
  writer.integer(header.hardState.promiseMs);
  writer.integer(header.compaction.index);
  writer.integer(header.compaction.term);
  writer.bytes(encodeConfiguration(header.compaction.configuration));
  writer.setUint32(12, writer.length);
  writer.setUint32(16, headerChecksum(writer.view()));
  return writer.copy();
}

/** Over everything but the checksum itself. */
function headerChecksum(bytes: Uint8Array): number {
  return checksum(bytes.subarray(fixedLength), checksum(bytes.subarray(0, fixedLength - 4)));
}

/**
 * Decodes the header at the front of a segment. Throws a FormatError when it is damaged and a
 * OtherFormatError when it is sound but of another format.
 */
export function decodeSegmentHeader(bytes: Uint8Array): { header: SegmentHeader; length: number } {
  const reader = new ByteReader(bytes);
  if (reader.uint64() !== magic) throw new FormatError("No segment begins here");
  const format = reader.uint32();
  const length = reader.uint32();
  const stored = reader.uint32();
  if (length < fixedLength || length > bytes.length) throw new FormatError("Length out of range");
  if (headerChecksum(bytes.subarray(0, length)) !== stored) {
    throw new FormatError("Checksum does not match");
  }
  if (format < formatIn(firstVersion) || format > formatIn(newestVersion)) {
    throw new OtherFormatError(
      `Log format ${format} is none that this program reads, ` +
        `${formatIn(firstVersion)} to ${formatIn(newestVersion)}: ` +
        `start the version of raftlite that wrote it`,
    );
  }
  const header: SegmentHeader = {
    version: format - formatIn(0),
    sequence: reader.integer(),
    salt: reader.uint32(),
    previousEnd: reader.integer(),
    firstSegment: reader.integer(),
    lastIndex: reader.integer(),
    hardState: {
      term: reader.integer(),
      votedFor: reader.text(),
      promiseMs: reader.integer(),
    },
    compaction: {
      index: reader.integer(),
      term: reader.integer(),
      configuration: decodeConfiguration(reader.bytes()),
    },
  };
  return { header, length };
}
