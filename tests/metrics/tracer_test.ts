import assert from "node:assert/strict";
import { DenoClock } from "../../src/io/deno_clock.ts";
import { OtlpTracer } from "../../src/metrics/otlp/tracer.ts";

const options = {
  endpoint: "127.0.0.1:1",
  protocol: "http",
  intervalMs: 30_000,
  insecure: true,
  noVerify: false,
  ca: undefined,
  cert: undefined,
  key: undefined,
} as const;

const id = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";

Deno.test("OtlpTracer.begin traces whom its client traces, and a part of the others, and describes no other", async () => {
  let drawn = 0;
  let described = 0;
  const tracer = new OtlpTracer(options, {
    version: "1",
    nodeId: "1",
    startedAtMs: 0,
    clock: new DenoClock(),
    random: { below: (limit) => Math.floor(drawn * limit), uint64: () => 0n },
    ratio: 0.25,
  });
  const begin = (traceparent?: string) =>
    tracer.begin(traceparent, () => {
      described++;
      return { name: "write", attributes: {} };
    });
  assert.notEqual(begin(), undefined);
  drawn = 0.25;
  assert.equal(begin(), undefined);
  assert.equal(begin("no traceparent"), undefined);
  assert.equal(begin(`00-${id}-00`), undefined);
  assert.match(begin(`00-${id}-01`)?.traceparent ?? "", /^00-4bf92f3577b34da6a3ce929d0e0e4736-/);
  assert.equal(described, 2);
  await tracer.stop();
});
