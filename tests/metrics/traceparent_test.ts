import assert from "node:assert/strict";
import { parseTraceparent } from "../../src/metrics/otlp/tracer.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

Deno.test("parseTraceparent() reads what the recommendation of W3C allows", () => {
  const context = { traceId, spanId, traceFlags: 1, isRemote: true };
  assert.deepEqual(parseTraceparent(`00-${traceId}-${spanId}-01`), context);
  assert.deepEqual(parseTraceparent(`00-${traceId}-${spanId}-00`), { ...context, traceFlags: 0 });
  // Of a later version there may be more.
  assert.deepEqual(parseTraceparent(`01-${traceId}-${spanId}-03-more`), context);
});

Deno.test("parseTraceparent() passes over what is none", () => {
  for (
    const text of [
      "",
      `ff-${traceId}-${spanId}-01`,
      `00-${"0".repeat(32)}-${spanId}-01`,
      `00-${traceId}-${"0".repeat(16)}-01`,
      `00-${traceId.toUpperCase()}-${spanId}-01`,
      `00-${traceId}-${spanId}`,
      `00-${traceId}-${spanId}-1`,
      "x".repeat(100_000),
    ]
  ) assert.equal(parseTraceparent(text), undefined, text.slice(0, 80));
});
