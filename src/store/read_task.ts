import { ByteReader, ByteWriter } from "../base/bytes.ts";
import { decodeFormat, encodeFormat } from "./apply_batch.ts";
import { writeStatements } from "./command_codec.ts";
import type { AnswerFormat, Statement } from "./types.ts";

/**
 * Reads on their way to a reader, several in a message: a 32-bit count, then for each the number of
 * its task (32 bits), its flags and format (1 byte each), and the encoded statements behind their
 * length.
 */
export interface ReadTask {
  readonly task: number;
  readonly transaction: boolean;
  /** Only asks whether the statements are read-only. */
  readonly inspect: boolean;
  readonly format: AnswerFormat;
  /** As `writeStatements` writes them. */
  readonly statements: Uint8Array;
}

const flag = { transaction: 1, inspect: 2 } as const;

const plainFormat: AnswerFormat = {
  associative: false,
  timings: false,
  blobArray: false,
  qualifyColumns: false,
  unified: false,
};

export function encodeStatements(statements: readonly Statement[]): Uint8Array {
  const writer = new ByteWriter();
  writeStatements(writer, statements);
  return writer.view();
}

export function encodeTasks(tasks: readonly ReadTask[]): Uint8Array<ArrayBuffer> {
  let size = 4;
  for (const { statements } of tasks) size += 10 + statements.length;
  const writer = new ByteWriter(size);
  writer.uint32(tasks.length);
  for (const { task, transaction, inspect, format, statements } of tasks) {
    writer.uint32(task);
    writer.uint8((transaction ? flag.transaction : 0) | (inspect ? flag.inspect : 0));
    writer.uint8(encodeFormat(format));
    writer.bytes(statements);
  }
  return writer.view();
}

export function decodeTasks(bytes: Uint8Array): ReadTask[] {
  const reader = new ByteReader(bytes);
  const tasks: ReadTask[] = [];
  for (let left = reader.uint32(); left > 0; left--) {
    const task = reader.uint32();
    const flags = reader.uint8();
    tasks.push({
      task,
      transaction: (flags & flag.transaction) !== 0,
      inspect: (flags & flag.inspect) !== 0,
      format: decodeFormat(reader.uint8()) ?? plainFormat,
      statements: reader.bytes(),
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

/** Inspections in an answer: for each statement 0 or 1, or 2 and an error's text. */
export function writeInspection(writer: ByteWriter, result: boolean | string): void {
  if (typeof result === "string") {
    writer.uint8(2);
    writer.text(result);
  } else {
    writer.uint8(result ? 1 : 0);
  }
}

export function readInspections(bytes: Uint8Array): (boolean | string)[] {
  const reader = new ByteReader(bytes);
  const results: (boolean | string)[] = [];
  while (reader.remaining > 0) {
    const kind = reader.uint8();
    results.push(kind === 2 ? reader.text() : kind === 1);
  }
  return results;
}
