import assert from "node:assert/strict";
import { Buffer } from "node:buffer";

/** As assert.deepEqual, which takes minutes over megabytes in Deno 2.4. */
export function assertSameBytes(
  actual: Uint8Array | undefined,
  expected: Uint8Array | undefined,
  message?: string,
): void {
  assert(actual !== undefined && expected !== undefined, message);
  assert(Buffer.compare(actual, expected) === 0, message ?? "The bytes are not the same");
}
