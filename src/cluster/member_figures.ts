import { type ByteReader, type ByteWriter, FormatError } from "../base/bytes.ts";
import type { MemberFault, MemberFigures } from "./types.ts";

/** The longest sentence about a node, in characters, and how many: who asks is not to keep more. */
const textMax = 1024;
const faultsMax = 32;

/**
 * What a node says of itself to another that asks: appliedIndex, lastLogIndex, databaseBytes,
 * logBytes and upMs, each u64; the disk's free bytes as a u8 that says whether they are known and a
 * u64; health as a text; wallTime as a u64; the number of faults as a u8, and of each whether it is a
 * problem (1) or a warning (0) as a u8, and its text and advice. What a later release puts behind
 * that is passed over.
 */
export function writeMemberFigures(writer: ByteWriter, figures: MemberFigures): void {
  const { appliedIndex, lastLogIndex, databaseBytes, logBytes, upMs, freeBytes, health } = figures;
  for (const integer of [appliedIndex, lastLogIndex, databaseBytes, logBytes, upMs]) {
    writer.integer(Math.max(0, Math.round(integer)));
  }
  writer.uint8(freeBytes === undefined ? 0 : 1);
  writer.integer(freeBytes ?? 0);
  writer.text(health.slice(0, textMax));
  writer.integer(Math.max(0, Math.round(figures.wallTime)));
  const faults = figures.faults.slice(0, faultsMax);
  writer.uint8(faults.length);
  for (const { grade, text, advice } of faults) {
    writer.uint8(grade === "problem" ? 1 : 0);
    writer.text(text.slice(0, textMax));
    writer.text(advice.slice(0, textMax));
  }
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
    health: reader.text().slice(0, textMax),
    wallTime: reader.integer(),
    faults: readFaults(reader),
  };
}

function readFaults(reader: ByteReader): readonly MemberFault[] {
  const count = reader.uint8();
  if (count > faultsMax) throw new FormatError(`A node has ${count} faults: ${faultsMax} at most`);
  return Array.from({ length: count }, () => ({
    grade: reader.uint8() === 1 ? "problem" : "warning",
    text: reader.text().slice(0, textMax),
    advice: reader.text().slice(0, textMax),
  }));
}
