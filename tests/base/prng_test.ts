import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";

Deno.test("Prng.pick takes each of the items, and refuses none", () => {
  const random = new Prng(7n);
  const items = ["a", "b", "c"] as const;
  const picked = new Set(Array.from({ length: 200 }, () => random.pick(items)));
  assert.deepEqual([...picked].sort(), items);
  assert.throws(() => random.pick([]), RangeError);
});
