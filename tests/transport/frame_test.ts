import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ByteWriter, FormatError } from "../../src/base/bytes.ts";
import { FrameDecoder, FrameType, writeFrame } from "../../src/transport/frame.ts";
import type { Frame } from "../../src/transport/frame.ts";

/** Feeds `bytes` in pieces of `size` and returns the frames that come out. */
function decode(decoder: FrameDecoder, bytes: Uint8Array, size: number): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length;) {
    const space = decoder.space();
    assert.ok(space.length > 0, "there is always room");
    const count = Math.min(space.length, size, bytes.length - at);
    space.set(bytes.subarray(at, at + count));
    decoder.advance(count);
    at += count;
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
      frames.push(frame);
    }
  }
  return frames;
}

function body(length: number, seed: number): Uint8Array {
  return new Uint8Array(length).map((_, i) => i * seed);
}

Deno.test("FrameDecoder gives back every frame, however the stream is cut", () => {
  const lengths = [0, 1, 65_526, 65_527, 3, 200_000, 0, 65_536, 131_072, 500, 300_001];
  const writer = new ByteWriter();
  lengths.forEach((length, i) => writeFrame(writer, FrameType.request, body(length, i + 1)));
  for (const size of [1, 7, 10, 1000, 65_536, 1_000_000]) {
    const frames = decode(new FrameDecoder(1_000_000), writer.view(), size);
    assert.equal(frames.length, lengths.length);
    frames.forEach((frame, i) => {
      assert.equal(frame.type, FrameType.request);
      assert.ok(Buffer.compare(frame.body, body(lengths[i] ?? 0, i + 1)) === 0, `${size}/${i}`);
    });
  }
});

Deno.test("FrameDecoder hands out bodies that later frames leave alone", () => {
  for (const type of [FrameType.message, FrameType.request, FrameType.answer]) {
    const writer = new ByteWriter();
    for (let i = 0; i < 5000; i++) writeFrame(writer, type, body(50, i));
    const frames = decode(new FrameDecoder(1000), writer.view(), 10_000);
    frames.forEach((frame, i) => assert.deepEqual([...frame.body], [...body(50, i)]));
  }
});

Deno.test("FrameDecoder refuses a frame over its limit by the header alone", () => {
  const writer = new ByteWriter();
  writeFrame(writer, FrameType.message, new Uint8Array(101));
  const decoder = new FrameDecoder(100);
  assert.throws(() => decode(decoder, writer.view().subarray(0, 10), 10), /over the limit of 100/);
  assert.equal(decode(new FrameDecoder(101), writer.view(), 10).length, 1);
});

Deno.test("FrameDecoder makes no room for what has not come", () => {
  const writer = new ByteWriter();
  writeFrame(writer, FrameType.message, new Uint8Array());
  writer.setUint32(4, 60_000_000);
  const decoder = new FrameDecoder(64_000_000);
  decode(decoder, writer.view(), 10);
  assert.ok(decoder.space().length < 1_000_000);
});

Deno.test("FrameDecoder finds every flipped bit", () => {
  const writer = new ByteWriter();
  writeFrame(writer, FrameType.message, body(30, 3));
  for (let bit = 0; bit < writer.length * 8; bit++) {
    const damaged = writer.copy();
    const at = bit >> 3;
    damaged[at] = (damaged[at] ?? 0) ^ (1 << (bit & 7));
    let frames: Frame[] = [];
    try {
      frames = decode(new FrameDecoder(1_000_000), damaged, 1000);
    } catch (error) {
      assert.ok(error instanceof FormatError);
    }
    assert.deepEqual(frames, [], `bit ${bit}`);
  }
});
