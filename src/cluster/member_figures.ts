import type { ByteReader, ByteWriter } from "../base/bytes.ts";
import type { MemberFigures } from "./types.ts";

/** The longest sentence about a node's health, in characters: who asks is not to keep more. */
const healthMax = 1024;

/**
 * What a node says of itself to another that asks: appliedIndex, lastLogIndex, databaseBytes,
 * logBytes and upMs, each u64; the disk's free bytes as a u8 that says whether they are known and a
 * u64; health as a text. What a later release puts behind that is passed over.
 */
export function writeMemberFigures(writer: ByteWriter, figures: MemberFigures): void {
  const { appliedIndex, lastLogIndex, databaseBytes, logBytes, upMs, freeBytes, health } = figures;
  for (const integer of [appliedIndex, lastLogIndex, databaseBytes, logBytes, upMs]) {
    writer.integer(Math.max(0, Math.round(integer)));
  }
  writer.uint8(freeBytes === undefined ? 0 : 1);
  writer.integer(freeBytes ?? 0);
  writer.text(health.slice(0, healthMax));
}

/** Throws a FormatError. */
export function readMemberFigures(reader: ByteReader): MemberFigures {
  const [appliedIndex, lastLogIndex, databaseBytes, logBytes, upMs] = [
    reader.integer(),
    reader.integer(),
    reader.integer(),
    reader.integer(),
    reader.integer(),
  ];
  const isKnown = reader.uint8() === 1;
  const freeBytes = reader.integer();
  return {
    appliedIndex,
    lastLogIndex,
    databaseBytes,
    logBytes,
    upMs,
    freeBytes: isKnown ? freeBytes : undefined,
    health: reader.text().slice(0, healthMax),
  };
}
