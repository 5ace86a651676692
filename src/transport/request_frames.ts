import { ByteReader, type ByteWriter, FormatError } from "../base/bytes.ts";
import type { Message } from "../raft/types.ts";
import { FrameType } from "./frame.ts";
import type { Outgoing } from "./send_queue.ts";

/** What a frame of a request takes besides its payload, at most. */
const overheadBytes = 32;

/** Why a request has no answer, as the other end says it. */
export const FailureCode = { refused: 1, overloaded: 2 } as const;
export type FailureCode = (typeof FailureCode)[keyof typeof FailureCode];

/** A frame that begins with a request's correlation id. */
abstract class RequestFrame implements Outgoing {
  readonly message: Message | undefined = undefined;
  readonly size: number;

  constructor(readonly id: number, payloadBytes: number) {
    this.size = overheadBytes + payloadBytes;
  }

  abstract readonly type: FrameType;

  encodeBody(writer: ByteWriter): void {
    writer.uint32(this.id);
    this.encodeRest(writer);
  }

  protected abstract encodeRest(writer: ByteWriter): void;
}

export class OutgoingRequest extends RequestFrame {
  readonly type = FrameType.request;

  constructor(id: number, readonly kind: number, readonly payload: Uint8Array) {
    super(id, payload.length);
  }

  protected encodeRest(writer: ByteWriter): void {
    writer.uint16(this.kind);
    writer.raw(this.payload);
  }
}

export class OutgoingAnswer extends RequestFrame {
  readonly type = FrameType.answer;

  constructor(id: number, readonly payload: Uint8Array) {
    super(id, payload.length);
  }

  protected encodeRest(writer: ByteWriter): void {
    writer.raw(this.payload);
  }
}

export class OutgoingFailure extends RequestFrame {
  readonly type = FrameType.failure;

  constructor(id: number, readonly code: FailureCode, readonly text: string) {
    super(id, text.length * 3);
  }

  protected encodeRest(writer: ByteWriter): void {
    writer.uint8(this.code);
    writer.text(this.text);
  }
}

export class OutgoingCancel extends RequestFrame {
  readonly type = FrameType.cancel;

  constructor(id: number) {
    super(id, 0);
  }

  protected encodeRest(): void {}
}

export interface ReceivedRequest {
  readonly id: number;
  readonly kind: number;
  readonly payload: Uint8Array;
}

export function decodeRequest(body: Uint8Array): ReceivedRequest {
  const reader = new ByteReader(body);
  const id = reader.uint32();
  const kind = reader.uint16();
  return { id, kind, payload: reader.raw(reader.remaining) };
}

export function decodeAnswer(body: Uint8Array): { id: number; payload: Uint8Array } {
  const reader = new ByteReader(body);
  const id = reader.uint32();
  return { id, payload: reader.raw(reader.remaining) };
}

export function decodeFailure(body: Uint8Array): { id: number; code: FailureCode; text: string } {
  const reader = new ByteReader(body);
  const id = reader.uint32();
  const code = reader.uint8();
  const text = reader.text();
  reader.end();
  if (code !== FailureCode.refused && code !== FailureCode.overloaded) {
    throw new FormatError(`Failure of unknown code ${code}`);
  }
  return { id, code, text };
}

export function decodeCancel(body: Uint8Array): number {
  const reader = new ByteReader(body);
  const id = reader.uint32();
  reader.end();
  return id;
}
