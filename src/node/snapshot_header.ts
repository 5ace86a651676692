import { ByteReader, ByteWriter } from "../base/bytes.ts";
import { decodeConfiguration, encodeConfiguration } from "../raft/configuration.ts";
import type { CompactionPoint } from "../raft/types.ts";
import { NodeError } from "./types.ts";

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

export function decodeSnapshotHeader(
  header: Uint8Array,
): { readonly term: number; readonly point: CompactionPoint } {
  const reader = new ByteReader(header);
  const version = reader.uint8();
  if (version !== 1) throw new NodeError("unavailable", `Unknown snapshot version ${version}`);
  const term = reader.integer();
  const index = reader.integer();
  const indexTerm = reader.integer();
  const configuration = decodeConfiguration(reader.bytes());
  reader.end();
  return { term, point: { index, term: indexTerm, configuration } };
}
