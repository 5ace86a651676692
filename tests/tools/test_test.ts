import assert from "node:assert/strict";
import { countTests } from "../../tools/test.ts";

Deno.test("countTests sums summary lines, with steps, ignored tests and colours", () => {
  const output = [
    "a test ... ok (1ms)",
    "ok | 12 passed | 0 failed (98ms)",
    "\x1b[0m\x1b[31mFAILED\x1b[0m | 3 passed (2 steps) | 4 failed (1 step) | 2 ignored (5s)",
    "prints: ok | 100 passed | 0 failed",
  ].join("\n");
  assert.deepEqual(countTests(output, 1), { passed: 15, failed: 4 });
});

Deno.test("countTests takes a run that ended badly without a failed test as one failure", () => {
  assert.deepEqual(countTests("", 1), { passed: 0, failed: 1 });
  assert.deepEqual(countTests("ok | 2 passed | 0 failed (1s)", 139), { passed: 2, failed: 1 });
});
