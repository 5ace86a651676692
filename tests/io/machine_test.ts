import assert from "node:assert/strict";
import { freeBytes } from "../../src/io/machine.ts";

Deno.test("freeBytes says what a file system has free, and nothing of a path that is not there", async () => {
  const free = await freeBytes(".");
  assert.ok(free !== undefined && free > 0);
  assert.equal(await freeBytes("/there/is/no/such/path"), undefined);
});
