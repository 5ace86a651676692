import { ByteReader, type ByteWriter } from "../base/bytes.ts";
import { beginFrame, endFrame, FrameType } from "./frame.ts";
import { writeOutgoing } from "./send_queue.ts";
import { type FailureCode, OutgoingAnswer, OutgoingFailure } from "./request_frames.ts";

/** Largest piece of a body in one frame. */
export const chunkBytesMax = 256 * 1024;
/** Largest header of a stream. */
export const streamHeaderBytesMax = 1024 * 1024;

/** A stream has its connection to itself: its answer needs no correlation id. */
const streamRequestId = 0;

export function writeStreamOpen(writer: ByteWriter, kind: number, header: Uint8Array): void {
  const start = beginFrame(writer, FrameType.streamOpen);
  writer.uint16(kind);
  writer.raw(header);
  endFrame(writer, start);
}

export function decodeStreamOpen(body: Uint8Array): { kind: number; header: Uint8Array } {
  const reader = new ByteReader(body);
  const kind = reader.uint16();
  return { kind, header: reader.raw(reader.remaining) };
}

/** Ends a body: its length in bytes and the CRC-32 of all of it. */
export function writeStreamEnd(writer: ByteWriter, length: number, sum: number): void {
  const start = beginFrame(writer, FrameType.streamEnd);
  writer.integer(length);
  writer.uint32(sum);
  endFrame(writer, start);
}

export function decodeStreamEnd(body: Uint8Array): { length: number; sum: number } {
  const reader = new ByteReader(body);
  const length = reader.integer();
  const sum = reader.uint32();
  reader.end();
  return { length, sum };
}

/** The sender gives up; `text` says why. */
export function writeStreamAbort(writer: ByteWriter, text: string): void {
  const start = beginFrame(writer, FrameType.streamAbort);
  writer.text(text);
  endFrame(writer, start);
}

export function decodeStreamAbort(body: Uint8Array): string {
  const reader = new ByteReader(body);
  const text = reader.text();
  reader.end();
  return text;
}

export function writeStreamAnswer(writer: ByteWriter, answer: Uint8Array): void {
  writeOutgoing(writer, new OutgoingAnswer(streamRequestId, answer));
}

export function writeStreamFailure(writer: ByteWriter, code: FailureCode, text: string): void {
  writeOutgoing(writer, new OutgoingFailure(streamRequestId, code, text));
}
