import { ByteWriter } from "../base/bytes.ts";
import { type Frame, FrameDecoder, FrameType, writeFrame } from "./frame.ts";
import type { Outgoing } from "./send_queue.ts";
import { ViolationError } from "./violation.ts";

/** Frames of more than that are sent in pieces. */
export const LARGE_BYTES = 2 * 1024 * 1024;

/**
 * A frame so large that it is sent in pieces: sent at once it would hold up the heartbeats behind
 * it, and over a slow network cost the leader its followers.
 */
export class LargeFrame {
  readonly item: Outgoing;
  readonly #bytes: Uint8Array;
  #sent = 0;

  constructor(item: Outgoing) {
    this.item = item;
    const writer = new ByteWriter(item.size);
    item.encode(writer);
    this.#bytes = writer.view();
  }

  /** Writes the next piece, of `bytesMax` at most; false when it is the last. */
  writePiece(writer: ByteWriter, bytesMax: number): boolean {
    const end = Math.min(this.#bytes.length, this.#sent + bytesMax);
    writeFrame(writer, FrameType.piece, this.#bytes.subarray(this.#sent, end));
    this.#sent = end;
    return end < this.#bytes.length;
  }
}

/** Puts the pieces of large frames together again. */
export class PieceReader {
  #decoder: FrameDecoder | undefined;

  /** The frame that `piece` completes. Throws a FormatError or a ViolationError. */
  read(piece: Uint8Array, bodyBytesMax: number): Frame | undefined {
    const decoder = this.#decoder ??= new FrameDecoder(bodyBytesMax);
    decoder.bodyBytesMax = bodyBytesMax;
    for (let rest = piece; rest.length > 0;) {
      const space = decoder.space();
      const part = rest.subarray(0, space.length);
      space.set(part);
      decoder.advance(part.length);
      rest = rest.subarray(part.length);
      const frame = decoder.next();
      if (frame === undefined) continue;
      const more = rest.length > 0 || decoder.peek(1).length > 0;
      if (more) throw new ViolationError("A piece with more than one frame in it");
      if (frame.type === FrameType.piece) throw new ViolationError("A piece within pieces");
      this.#decoder = undefined;
      return frame;
    }
    return undefined;
  }
}
