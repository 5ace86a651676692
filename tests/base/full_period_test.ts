import assert from "node:assert/strict";
import { untilFull } from "../../src/base/full_period.ts";

Deno.test("untilFull() ends at a full period, and not right behind the one before", () => {
  assert.equal(untilFull(5_000, 0), 5_000);
  assert.equal(untilFull(5_000, 12_000), 3_000);
  // A timer that was early by a little, and what was asked for just before the end of a period.
  assert.equal(untilFull(5_000, 14_999.5), 5_000.5);
  assert.equal(untilFull(5_000, 13_000), 7_000);
});
