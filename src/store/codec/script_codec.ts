import { ByteReader, ByteWriter, FormatError, joinBytes } from "../../base/bytes.ts";
import { SqlTokens } from "../../sqlite/mod.ts";
import { digestBytes } from "../digest.ts";
import { kindOf, type StatementKind } from "../prepared_statement.ts";
import { type AnswerFormat, EncodedStatements, type Stamp, type Statements } from "../types.ts";
import { decodeFormat, encodeFormat } from "./answer_format.ts";
import { passStatements, writeStatements } from "./statement_codec.ts";

// The format, byte by byte, is in README.md.

/** Where in a step the form of its results stands, and their digest. */
const formatAt = 21;
const digestAt = 22;

const StepFlag = {
  atomic: 1,
  unified: 2,
  readOnly: 4,
  foreignKeysOff: 8,
  foreignKeysOn: 16,
} as const;

/** One request of a transaction, with the only time and randomness that it will ever see. */
export interface ScriptStep extends Stamp {
  readonly statements: Statements;
  /** All of its statements are done, or none. */
  readonly atomic: boolean;
  /** As in an execute command. */
  readonly unified: boolean;
  /** Nothing in it may write. */
  readonly readOnly: boolean;
  /** Of each statement; 0 for no limit. */
  readonly timeoutMs: number;
  /** How its results are written, without timings. */
  readonly format: AnswerFormat;
  /** Whether they are enforced while it runs; undefined: as for any other entry. */
  readonly foreignKeys?: boolean | undefined;
}

/** A step as its statements are run. */
export interface ReadStep extends Omit<ScriptStep, "statements"> {
  /** Of what its results were; undefined when they are not known yet. */
  readonly digest: Uint8Array | undefined;
  /** Where its encoded statements start, and end. */
  readonly offset: number;
  readonly end: number;
}

/** A step whose results are not known yet. */
export function encodeStep(step: ScriptStep): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.integer(Math.max(0, Math.trunc(step.clock)));
  writer.uint64(BigInt.asUintN(64, step.seed));
  writer.uint32(Math.min(Math.max(0, Math.round(step.timeoutMs)), 0xffff_ffff));
  writer.uint8(
    (step.atomic ? StepFlag.atomic : 0) | (step.unified ? StepFlag.unified : 0) |
      (step.readOnly ? StepFlag.readOnly : 0) |
      (step.foreignKeys === false ? StepFlag.foreignKeysOff : 0) |
      (step.foreignKeys === true ? StepFlag.foreignKeysOn : 0),
  );
  writer.uint8(encodeFormat(step.format));
  writer.raw(new Uint8Array(digestBytes));
  const lengthAt = writer.length;
  writer.uint32(0);
  writeStatements(writer, step.statements);
  writer.setUint32(lengthAt, writer.length - lengthAt - 4);
  return writer.copy();
}

/** Whether a request is seen to write by a first word alone; one that is not may write as well. */
export function beginsWithWrite(statements: Statements): boolean {
  if (statements instanceof EncodedStatements) return false;
  return statements.some(({ sql }) => writes.includes(kindOf(SqlTokens.of(sql), true)));
}

const writes: readonly StatementKind[] = ["change", "create"];

/** Says in a step what its results were. */
export function setDigest(step: Uint8Array, digest: Uint8Array): void {
  step.set(digest, digestAt);
}

/** The steps of a script behind one another: their count, and each. */
export function writeSteps(writer: ByteWriter, steps: readonly Uint8Array[]): void {
  writer.uint32(steps.length);
  for (const step of steps) writer.raw(step);
}

/** The same by itself. */
export function scriptOf(steps: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const count = new ByteWriter(4);
  count.uint32(steps.length);
  return joinBytes([count.view(), ...steps]);
}

/** The steps that stand at `offset`; the last may be one whose results are not known. */
export function* stepsIn(data: Uint8Array, offset: number): IterableIterator<ReadStep> {
  const reader = new ByteReader(data, offset);
  for (let left = reader.uint32(); left > 0; left--) {
    const step = readStep(reader);
    reader.bytes();
    yield { ...step, end: reader.offset };
  }
}

function readStep(reader: ByteReader): Omit<ReadStep, "end"> {
  const clock = reader.integer();
  const seed = reader.uint64();
  const timeoutMs = reader.uint32();
  const flags = reader.uint8();
  const format: AnswerFormat | undefined = decodeFormat(reader.uint8());
  if (format === undefined) throw new FormatError("A step without a form for its results");
  if (format.timings) {
    throw new FormatError("A step whose results would differ by how long it took");
  }
  const digest = reader.raw(digestBytes);
  return {
    clock,
    seed,
    timeoutMs,
    atomic: (flags & StepFlag.atomic) !== 0,
    unified: (flags & StepFlag.unified) !== 0,
    readOnly: (flags & StepFlag.readOnly) !== 0,
    foreignKeys: foreignKeysIn(flags),
    format,
    digest: digest.every((byte) => byte === 0) ? undefined : digest,
    offset: reader.offset + 4,
  };
}

function foreignKeysIn(flags: number): boolean | undefined {
  if ((flags & StepFlag.foreignKeysOff) !== 0) return false;
  return (flags & StepFlag.foreignKeysOn) !== 0 ? true : undefined;
}

/** Whether a step only asks what its statements are. */
export function describes(step: Uint8Array): boolean {
  return decodeFormat(step[formatAt] ?? 0)?.describes === true;
}

/** Each step's bytes. */
export function readSteps(reader: ByteReader): Uint8Array[] {
  const steps: Uint8Array[] = [];
  for (let left = reader.uint32(); left > 0; left--) steps.push(passStep(reader));
  return steps;
}

/** Moves on behind a step that is sound, and returns its bytes; throws a FormatError for any other. */
export function passStep(reader: ByteReader): Uint8Array {
  const start = reader.offset;
  readStep(reader);
  const length = reader.uint32();
  const from = reader.offset;
  passStatements(reader);
  if (reader.offset - from !== length) throw new FormatError("A step of another length");
  return reader.since(start);
}

/** Moves on behind steps that are sound; throws a FormatError for any other. */
export function passSteps(reader: ByteReader): void {
  for (let left = reader.uint32(); left > 0; left--) passStep(reader);
}
