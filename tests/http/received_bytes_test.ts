import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { ReceivedBytes } from "../../src/http/received_bytes.ts";
import { anySeed } from "../store/seeds.ts";

function bytesOf(length: number, from: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, at) => from + at);
}

Deno.test("ReceivedBytes holds what was added and not dropped or taken, in its order", () => {
  const seed = anySeed();
  const prng = new Prng(seed);
  for (let round = 0; round < 100; round++) {
    const received = new ReceivedBytes();
    let expected: number[] = [];
    let came = 0;
    for (let step = 0; step < 100; step++) {
      if (prng.below(3) > 0) {
        const piece = bytesOf(1 + prng.below(20), came);
        came += piece.length;
        received.add(piece);
        expected.push(...piece);
      } else if (prng.below(10) === 0) {
        assert.deepEqual([...received.take()], expected, `seed ${seed}`);
        expected = [];
      } else {
        const dropped = prng.below(expected.length + 1);
        received.drop(dropped);
        expected = expected.slice(dropped);
      }
      assert.equal(received.length, expected.length, `seed ${seed}`);
      assert.deepEqual([...received.unread], expected, `seed ${seed}`);
    }
  }
});

Deno.test("ReceivedBytes leaves alone what was taken, and pieces that it was given", () => {
  const received = new ReceivedBytes();
  const memory = bytesOf(8, 0);
  received.add(memory.subarray(0, 2));
  received.add(bytesOf(2, 100));
  const taken = received.take();
  received.add(bytesOf(1, 200));
  received.add(bytesOf(1, 201));
  assert.deepEqual([...taken], [0, 1, 100, 101]);
  assert.deepEqual([...memory], [0, 1, 2, 3, 4, 5, 6, 7]);
});

Deno.test("ReceivedBytes copies each byte a few times at most, however small the pieces", () => {
  const received = new ReceivedBytes();
  const { set } = Uint8Array.prototype;
  let copied = 0;
  Uint8Array.prototype.set = function (bytes, at) {
    copied += bytes.length;
    return set.call(this, bytes, at);
  };
  const bytes = 100_000;
  try {
    for (let i = 0; i < bytes; i++) received.add(bytesOf(1, i));
    // While they are read from its front, too.
    for (let i = 0; i < bytes; i++) {
      received.drop(1);
      received.add(bytesOf(1, i));
    }
  } finally {
    Uint8Array.prototype.set = set;
  }
  assert.equal(received.length, bytes);
  assert.ok(copied < 10 * bytes, `${copied} copied`);
});
