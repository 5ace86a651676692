import assert from "node:assert/strict";
import { assertSameBytes } from "./long_bytes.ts";
import { checksum } from "../../src/base/checksum.ts";
import { PartsWriter } from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";
import { checksumInSlices, joinInSlices, sliceBytes, Slices } from "../../src/base/slices.ts";

/** Bytes that take some slices, and one byte more. */
const long = new Prng(3n).fill(new Uint8Array(5 * sliceBytes + 1));

function countedTurns() {
  const turns = { count: 0, next: () => (turns.count++, Promise.resolve()) };
  return turns;
}

Deno.test("checksumInSlices() pauses after every slice", async () => {
  const turns = countedTurns();
  assert.equal(await checksumInSlices(long, turns.next), checksum(long));
  assert.equal(turns.count, 5);
  const seed = checksum(long.subarray(0, 9));
  assert.equal(await checksumInSlices(long.subarray(9), turns.next, seed), checksum(long));
  turns.count = 0;
  assert.equal(await checksumInSlices(new Uint8Array(0), turns.next, 17), 17);
  assert.equal(turns.count, 0, "no pause for nothing");
});

Deno.test("joinInSlices() pauses after a slice's worth of bytes, in however many parts", async () => {
  const turns = countedTurns();
  const parts = [
    long.subarray(0, 3),
    long.subarray(3, 2 * sliceBytes),
    long.subarray(2 * sliceBytes),
  ];
  assertSameBytes(await joinInSlices(parts, turns.next), long);
  assert.equal(turns.count, 4);
  turns.count = 0;
  const small = Array.from({ length: 4096 }, (_, i) => long.subarray(i * 1024, (i + 1) * 1024));
  assertSameBytes(await joinInSlices(small, turns.next), long.subarray(0, 4 * sliceBytes));
  assert.equal(turns.count, 4);
});

Deno.test("Slices asks for a pause when enough was done since the last", () => {
  const turns = countedTurns();
  const slices = new Slices(turns.next);
  assert.equal(slices.spent(sliceBytes - 1), undefined);
  assert(slices.spent(1) instanceof Promise);
  assert.equal(slices.spent(sliceBytes - 1), undefined);
  assert(slices.spent(10 * sliceBytes) instanceof Promise);
  assert.equal(turns.count, 2);
});

Deno.test("PartsWriter keeps long bytes as they are, in their place", () => {
  const writer = new PartsWriter();
  const first = long.subarray(0, 300_000);
  const second = long.subarray(300_000, 600_000);
  writer.raw(first);
  writer.uint8(1);
  writer.bytes(second);
  writer.raw(second);
  writer.uint16(0x0203);
  assert.equal(writer.size, 900_007);
  assert(writer.inParts);
  const parts = writer.parts();
  assert.deepEqual(parts.map((part) => part.length), [300_000, 5, 300_000, 300_000, 2]);
  assert.equal(parts[2]?.buffer, long.buffer, "not a copy");
  writer.reset();
  assert.equal(writer.size, 0);
  writer.uint8(7);
  assert.deepEqual(writer.parts(), [Uint8Array.of(7)]);
  assert(!writer.inParts);
});
