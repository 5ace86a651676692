import { ByteReader, ByteWriter, FormatError } from "../base/bytes.ts";
import { encodeConfiguration, soundConfiguration } from "../raft/configuration.ts";
import { numberMax } from "../raft/implausible.ts";
import type { CompactionPoint } from "../raft/types.ts";

/** What a leader announces that it is going to send. */
export interface SnapshotHeader {
  /** That it leads in. */
  readonly term: number;
  readonly point: CompactionPoint;
}

/**
 * The header of a snapshot stream: version u8 = 1, the leader's term, the index and term that the
 * state covers (8 bytes each), and the configuration in effect there (32-bit length and bytes, as
 * in a configuration entry).
 */
export function encodeSnapshotHeader(
  term: number,
  point: CompactionPoint,
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.uint8(1);
  writer.integer(term);
  writer.integer(point.index);
  writer.integer(point.term);
  writer.bytes(encodeConfiguration(point.configuration));
  return writer.copy();
}

/** Throws a FormatError at anything that no sound node sends. */
export function decodeSnapshotHeader(header: Uint8Array): SnapshotHeader {
  const reader = new ByteReader(header);
  const version = reader.uint8();
  if (version !== 1) throw new FormatError(`Unknown snapshot version ${version}`);
  const term = reader.integer();
  const index = reader.integer();
  const indexTerm = reader.integer();
  const configuration = soundConfiguration(reader.bytes());
  reader.end();
  if (index < 1 || index > numberMax || indexTerm < 1 || indexTerm > term || term > numberMax) {
    throw new FormatError(`No snapshot is at index ${index}, of term ${indexTerm} in ${term}`);
  }
  return { term, point: { index, term: indexTerm, configuration } };
}
