import assert from "node:assert/strict";
import { clockOffset } from "../../src/base/clock_offset.ts";
import { Prng } from "../../src/base/prng.ts";

Deno.test("clocks that are the same are never farther apart than said, though they are read in whole ms", () => {
  const prng = new Prng(1n);
  for (let i = 0; i < 10_000; i++) {
    const [there, back] = [prng.below(3_000) / 1000, prng.below(3_000) / 1000];
    const answeredAt = 1_000 + prng.below(1_000) / 1000;
    const ours = Math.floor(answeredAt + back);
    const { aheadMs, errorMs } = clockOffset(Math.floor(answeredAt), ours, there + back);
    assert.ok(Math.abs(aheadMs) <= errorMs, `${aheadMs} of ${errorMs} at ${answeredAt}`);
  }
});
