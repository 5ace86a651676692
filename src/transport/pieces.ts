import { assert } from "../base/assert.ts";
import { ByteWriter, PartsWriter } from "../base/bytes.ts";
import { checksum } from "../base/checksum.ts";
import {
  beginFrame,
  checkFrame,
  type Frame,
  type FrameHeader,
  frameHeaderBytes,
  FrameType,
  readFrameHeader,
  ViolationError,
  writeFrame,
} from "./frame.ts";
import type { Outgoing } from "./send_queue.ts";

/** Frames of more than that are sent in pieces. */
export const largeBytes = 2 * 1024 * 1024;

/**
 * A frame so large that it is sent in pieces: sent at once it would hold up the heartbeats behind
 * it, and over a slow network cost the leader its followers. Nothing is done to all of it at once:
 * it is never copied as a whole, and summed in steps.
 */
export class LargeFrame {
  readonly item: Outgoing;
  readonly #header: Uint8Array;
  readonly #toSum: PartsCursor;
  readonly #toSend: PartsCursor;
  #sum = 0;

  constructor(item: Outgoing) {
    this.item = item;
    const writer = new PartsWriter();
    beginFrame(writer, item.type);
    item.encodeBody(writer);
    writer.setUint32(4, writer.size - frameHeaderBytes);
    const parts = writer.parts();
    assert((parts[0]?.length ?? 0) >= frameHeaderBytes, "A large frame's header is in two parts");
    this.#header = writer.view();
    this.#toSum = new PartsCursor(parts);
    this.#toSum.take(4);
    this.#toSend = new PartsCursor(parts);
  }

  /** Sums the next `bytesMax` bytes; to be called until it is true before a piece is written. */
  sum(bytesMax: number): boolean {
    if (this.#toSum.atEnd) return true;
    for (const part of this.#toSum.take(bytesMax)) this.#sum = checksum(part, this.#sum);
    if (!this.#toSum.atEnd) return false;
    const { buffer, byteOffset } = this.#header;
    new DataView(buffer, byteOffset).setUint32(0, this.#sum, true);
    return true;
  }

  /** Writes the next piece, of `bytesMax` at most; false when it is the last. */
  writePiece(writer: ByteWriter, bytesMax: number): boolean {
    assert(this.#toSum.atEnd, "A large frame was sent before it was summed");
    writeFrame(writer, FrameType.piece, ...this.#toSend.take(bytesMax));
    return !this.#toSend.atEnd;
  }
}

/** A place in bytes that come in parts. */
class PartsCursor {
  readonly #parts: readonly Uint8Array[];
  #part = 0;
  /** In the part. */
  #at = 0;

  constructor(parts: readonly Uint8Array[]) {
    this.#parts = parts;
  }

  get atEnd(): boolean {
    return this.#part === this.#parts.length;
  }

  /** The next `bytesMax` bytes, or all that are left, as views. */
  take(bytesMax: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    for (let left = bytesMax; left > 0 && !this.atEnd;) {
      const part = this.#parts[this.#part] as Uint8Array;
      const view = part.subarray(this.#at, this.#at + left);
      taken.push(view);
      left -= view.length;
      this.#at += view.length;
      if (this.#at < part.length) continue;
      this.#part++;
      this.#at = 0;
    }
    return taken;
  }
}

/** A large frame of which some has arrived. */
interface Arriving {
  readonly header: FrameHeader;
  readonly body: Uint8Array;
  filled: number;
  sum: number;
}

/** Puts the pieces of large frames together again, and sums them as they come. */
export class PieceReader {
  /** Pieces that do not make a header yet. */
  readonly #start = new ByteWriter(frameHeaderBytes);
  #arriving: Arriving | undefined;

  /** The frame that `piece` completes. Throws a FormatError or a ViolationError. */
  read(piece: Uint8Array, bodyBytesMax: number): Frame | undefined {
    const arriving = this.#arriving;
    if (arriving === undefined) return this.#begin(piece, bodyBytesMax);
    const { header, body } = arriving;
    if (arriving.filled + piece.length > header.length) {
      throw new ViolationError("A piece with more than one frame in it");
    }
    body.set(piece, arriving.filled);
    arriving.filled += piece.length;
    arriving.sum = checksum(piece, arriving.sum);
    if (arriving.filled < header.length) return undefined;
    this.#arriving = undefined;
    checkFrame(header, arriving.sum);
    if (header.type === FrameType.piece) throw new ViolationError("A piece within pieces");
    return { type: header.type, body };
  }

  #begin(piece: Uint8Array, bodyBytesMax: number): Frame | undefined {
    this.#start.raw(piece);
    if (this.#start.length < frameHeaderBytes) return undefined;
    const start = this.#start.view();
    const header = readFrameHeader(
      new DataView(start.buffer, start.byteOffset),
      0,
      bodyBytesMax,
    );
    this.#arriving = {
      header,
      // The system gives memory only to what is written, and that is what has arrived.
      body: new Uint8Array(header.length),
      filled: 0,
      sum: checksum(start.subarray(4, frameHeaderBytes)),
    };
    const rest = start.slice(frameHeaderBytes);
    this.#start.reset(frameHeaderBytes);
    return this.read(rest, bodyBytesMax);
  }
}
