import { ByteReader, ByteWriter, longBytesMin } from "../../base/bytes.ts";
import { type NextTurn, Slices } from "../../base/slices.ts";
import { decodeFormat, encodeFormat } from "../codec/answer_format.ts";
import { writeStatements } from "../codec/statement_codec.ts";
import { type AnswerFormat, EncodedStatements, plainFormat, type Statements } from "../types.ts";

/**
 * Reads on their way to a reader, several in a message: a 32-bit count, then for each the number of
 * its task (32 bits), its flags and format (1 byte each), with flag 4 the rights of its user (a
 * text), and the encoded statements behind their length. Flag 8: live_read.ts has what is answered.
 */
export interface ReadTask {
  readonly task: number;
  readonly transaction: boolean;
  /** Only asks whether the statements are read-only. */
  readonly inspect: boolean;
  /** A SELECT that is kept up to date. */
  readonly live: boolean;
  readonly format: AnswerFormat;
  readonly rights: string | undefined;
  /** As `writeStatements` writes them. */
  readonly statements: Uint8Array<ArrayBuffer>;
}

/** Whether a task's statements are so long that they are handed over rather than copied. */
export function isLongTask({ statements }: Pick<ReadTask, "statements">): boolean {
  return statements.length >= longBytesMin;
}

const flag = { transaction: 1, inspect: 2, rights: 4, live: 8 } as const;

/** Statements as a task has them. Those of a large request are handed over as they are. */
export function encodeStatements(statements: Statements): Uint8Array<ArrayBuffer> {
  if (statements instanceof EncodedStatements) return statements.bytes;
  const writer = new ByteWriter();
  writeStatements(writer, statements);
  return writer.view();
}

/** All but the statements of a long task, which comes in a message of its own. */
export function encodeTasks(tasks: readonly ReadTask[]): Uint8Array<ArrayBuffer> {
  let size = 4;
  for (const { statements } of tasks) size += 10 + statements.length;
  const writer = new ByteWriter(size);
  writer.uint32(tasks.length);
  for (const { task, transaction, inspect, live, format, rights, statements } of tasks) {
    writer.uint32(task);
    writer.uint8(
      (transaction ? flag.transaction : 0) | (inspect ? flag.inspect : 0) |
        (rights === undefined ? 0 : flag.rights) | (live ? flag.live : 0),
    );
    writer.uint8(encodeFormat(format));
    if (rights !== undefined) writer.text(rights);
    writer.bytes(statements);
  }
  const bytes = writer.view();
  // Handed over with its buffer, which rights have made grow.
  return bytes.length === bytes.buffer.byteLength ? bytes : writer.copy();
}

export function decodeTasks(bytes: Uint8Array<ArrayBuffer>): ReadTask[] {
  const reader = new ByteReader(bytes);
  const tasks: ReadTask[] = [];
  for (let left = reader.uint32(); left > 0; left--) {
    const task = reader.uint32();
    const flags = reader.uint8();
    tasks.push({
      task,
      transaction: (flags & flag.transaction) !== 0,
      inspect: (flags & flag.inspect) !== 0,
      live: (flags & flag.live) !== 0,
      format: decodeFormat(reader.uint8()) ?? plainFormat,
      rights: (flags & flag.rights) !== 0 ? reader.text() : undefined,
      // A part of `bytes`, and so of the same buffer.
      statements: reader.bytes() as Uint8Array<ArrayBuffer>,
    });
  }
  reader.end();
  return tasks;
}

/** What a piece of an answer is. */
export const PieceKind = {
  /** A whole answer. */
  whole: 0,
  /** A part of one that others follow. */
  part: 1,
  /** The last part. */
  last: 2,
  /** The reader gave up a streamed answer that nobody wanted any more. */
  cancelled: 3,
} as const;

/** Answers on their way back: for each the task (32 bits), the kind (1 byte), and the bytes behind their length. */
export interface AnswerPiece {
  readonly task: number;
  readonly kind: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export function writePiece(
  writer: ByteWriter,
  task: number,
  kind: number,
  bytes: Uint8Array,
): void {
  writer.uint32(task);
  writer.uint8(kind);
  writer.bytes(bytes);
}

export function readPieces(bytes: Uint8Array<ArrayBuffer>): AnswerPiece[] {
  const reader = new ByteReader(bytes);
  const pieces: AnswerPiece[] = [];
  while (reader.remaining > 0) {
    const task = reader.uint32();
    const kind = reader.uint8();
    const length = reader.uint32();
    pieces.push({ task, kind, bytes: bytes.subarray(reader.offset, reader.offset + length) });
    reader.raw(length);
  }
  return pieces;
}

/** What one takes to read, in bytes that could be copied meanwhile. */
const inspectionCost = 64;

/** Inspections in an answer: for each statement 0 or 1, or 2 and an error's text. */
export function writeInspection(writer: ByteWriter, result: boolean | string): void {
  if (typeof result === "string") {
    writer.uint8(2);
    writer.text(result);
  } else {
    writer.uint8(result ? 1 : 0);
  }
}

export async function readInspections(
  bytes: Uint8Array,
  nextTurn: NextTurn,
): Promise<(boolean | string)[]> {
  const reader = new ByteReader(bytes);
  const slices = new Slices(nextTurn);
  const results: (boolean | string)[] = [];
  while (reader.remaining > 0) {
    const kind = reader.uint8();
    results.push(kind === 2 ? reader.text() : kind === 1);
    const pause = slices.spent(inspectionCost);
    if (pause !== undefined) await pause;
  }
  return results;
}
