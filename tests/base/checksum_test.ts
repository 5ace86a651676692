import assert from "node:assert/strict";
import { checksum, joinChecksums } from "../../src/base/checksum.ts";
import { Prng } from "../../src/base/prng.ts";

/** The definition, bit by bit. */
function byDefinition(bytes: Uint8Array, seed = 0): number {
  let rest = ~seed;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? 0xedb8_8320 ^ (rest >>> 1) : rest >>> 1;
  }
  return ~rest >>> 0;
}

Deno.test("checksum() is CRC-32, from any seed, in every one of many calls", () => {
  assert.equal(checksum(new TextEncoder().encode("123456789")), 0xcbf4_3926);
  const random = new Prng(1n);
  for (let i = 0; i < 20_000; i++) {
    const bytes = random.fill(new Uint8Array(i % 40)).subarray(i % 3);
    const seed = i % 2 === 0 ? 0 : random.uint32();
    assert.equal(checksum(bytes, seed), byDefinition(bytes, seed), `seed ${seed}, call ${i}`);
  }
});

Deno.test("joinChecksums() is the checksum of both in a row", () => {
  const random = new Prng(2n);
  for (let i = 0; i < 2_000; i++) {
    const whole = random.fill(new Uint8Array(i));
    const at = random.below(i + 1);
    const rest = whole.subarray(at);
    const joined = joinChecksums(checksum(whole.subarray(0, at)), checksum(rest), rest.length);
    assert.equal(joined, checksum(whole), `${at} of ${i} bytes`);
  }
  const long = random.fill(new Uint8Array(5_000_001));
  const start = long.subarray(0, 16);
  const rest = long.subarray(16);
  assert.equal(joinChecksums(checksum(start), checksum(rest), rest.length), checksum(long));
});
