import assert from "node:assert/strict";
import { isDenoFrom } from "../../src/base/deno_version.ts";

Deno.test("isDenoFrom() compares part by part, as numbers", () => {
  assert.ok(isDenoFrom([2, 8], "2.8.0"));
  assert.ok(isDenoFrom([2, 8], "2.10.1"));
  assert.ok(isDenoFrom([2, 8], "3.0.0"));
  assert.ok(!isDenoFrom([2, 8], "2.7.14"));
  assert.ok(!isDenoFrom([2, 8], "1.46.3"));
  assert.ok(isDenoFrom([2, 8, 3], "2.8.3"));
  assert.ok(isDenoFrom([2, 8, 3], "2.9.0"));
  assert.ok(!isDenoFrom([2, 8, 3], "2.8.2"));
  assert.ok(isDenoFrom([2, 4]));
});
