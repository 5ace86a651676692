import assert from "node:assert/strict";
import { assertSameBytes } from "../base/long_bytes.ts";
import { ByteWriter, FormatError } from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";
import { sliceBytes } from "../../src/base/slices.ts";
import { FrameDecoder, FrameType, ViolationError, writeFrame } from "../../src/transport/frame.ts";
import {
  decodeLargeMessage,
  decodeMessage,
  encodeMessage,
} from "../../src/transport/message_codec.ts";
import { writeOutgoing } from "../../src/transport/send_queue.ts";
import { LargeFrame, PieceReader } from "../../src/transport/pieces.ts";
import { OutgoingRequest } from "../../src/transport/request_frames.ts";
import { append, entry } from "./fixture.ts";

const random = new Prng(4n);
const payload = random.fill(new Uint8Array(5 * sliceBytes + 3));
const request = new OutgoingRequest(7, 9, payload);

/** The frame as it is without pieces. */
function wholeFrame(): Uint8Array {
  const writer = new ByteWriter();
  writeOutgoing(writer, request);
  return writer.view();
}

/** What the pieces of the frame hold, with how often `sum` asked for another turn before. */
function piecesOf(bytesMax: number): { pieces: Uint8Array[]; sums: number } {
  const large = new LargeFrame(request);
  let sums = 1;
  while (!large.sum(sliceBytes)) sums++;
  const pieces: Uint8Array[] = [];
  for (let more = true; more;) {
    const writer = new ByteWriter();
    more = large.writePiece(writer, bytesMax);
    const decoder = new FrameDecoder(bytesMax);
    for (let rest = writer.view(); rest.length > 0;) {
      const space = decoder.space();
      const part = rest.subarray(0, space.length);
      space.set(part);
      decoder.advance(part.length);
      rest = rest.subarray(part.length);
    }
    const piece = decoder.next();
    assert.equal(piece?.type, FrameType.piece);
    assert(piece.body.length <= bytesMax);
    pieces.push(piece.body);
  }
  return { pieces, sums };
}

Deno.test("LargeFrame is the same frame in pieces, and sums no more than a slice at a time", () => {
  for (const bytesMax of [256 * 1024, 1000, sliceBytes + 1]) {
    const { pieces, sums } = piecesOf(bytesMax);
    assert.equal(sums, 6);
    const joined = new Uint8Array(pieces.flatMap((piece) => piece.length).reduce((a, b) => a + b));
    let at = 0;
    for (const piece of pieces) {
      joined.set(piece, at);
      at += piece.length;
    }
    assertSameBytes(joined, wholeFrame());
  }
});

Deno.test("PieceReader puts a frame together however it is cut", () => {
  const whole = wholeFrame();
  for (const first of [1, 3, 9, 10, 11, 300_000]) {
    const reader = new PieceReader();
    const cuts = [0, first, first + 1, 2_000_000, whole.length];
    for (let i = 1; i < cuts.length; i++) {
      const frame = reader.read(whole.subarray(cuts[i - 1], cuts[i]), 64_000_000);
      assert.equal(frame !== undefined, i === cuts.length - 1);
      if (frame === undefined) continue;
      assert.equal(frame.type, FrameType.request);
      assertSameBytes(frame.body, whole.subarray(10));
    }
    assert.equal(reader.read(whole.subarray(0, 100), 64_000_000), undefined, "and then the next");
  }
});

Deno.test("PieceReader refuses what no sound node sends", () => {
  const whole = wholeFrame();
  const limit = 64_000_000;
  const damaged = whole.slice();
  damaged[3_000_000] = (damaged[3_000_000] ?? 0) ^ 1;
  const reader = new PieceReader();
  assert.equal(reader.read(damaged.subarray(0, 4_000_000), limit), undefined);
  assert.throws(() => reader.read(damaged.subarray(4_000_000), limit), FormatError);
  assert.throws(() => new PieceReader().read(whole, 1000), /over the limit of 1000/);
  const longer = new PieceReader();
  longer.read(whole.subarray(0, 100), limit);
  assert.throws(() => longer.read(new Uint8Array(whole.length), limit), ViolationError);
  const nested = new ByteWriter();
  writeFrame(nested, FrameType.piece, new Uint8Array(5));
  assert.throws(() => new PieceReader().read(nested.view(), limit), ViolationError);
});

Deno.test("decodeLargeMessage() is decodeMessage() with pauses, and finds damage as well", async () => {
  const message = append("a", "b", [
    entry(1, payload),
    ...Array.from({ length: 50 }, (_, i) => entry(i + 2, payload.subarray(i, 100_000 + i))),
  ]);
  const writer = new ByteWriter();
  encodeMessage(writer, message);
  const bytes = writer.copy();
  let pauses = 0;
  const nextTurn = () => (pauses++, Promise.resolve());
  const again = new ByteWriter();
  encodeMessage(again, await decodeLargeMessage(bytes, nextTurn));
  assertSameBytes(again.view(), bytes);
  assert(pauses >= 9, `${pauses} pauses for ${bytes.length} bytes`);
  const last = bytes.length - 1;
  bytes[last] = (bytes[last] ?? 0) ^ 1;
  assert.throws(() => decodeMessage(bytes), /Entry 51 is damaged/);
  await assert.rejects(decodeLargeMessage(bytes, nextTurn), /Entry 51 is damaged/);
});
