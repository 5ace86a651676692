import assert from "node:assert/strict";
import fc from "fast-check";
import { RingMap } from "../../src/base/ring_map.ts";

/** Many of them share a slot. */
const key = fc.integer({ min: 0, max: 5 }).chain((slot) =>
  fc.integer({ min: 0, max: 3 }).map((turn) => slot + 1024 * turn)
);
const operation = fc.oneof(
  fc.record({ type: fc.constant("set" as const), key, value: fc.nat() }),
  fc.record({ type: fc.constant("take" as const), key }),
);

Deno.test("RingMap holds what a Map would", () => {
  fc.assert(fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
    const ring = new RingMap<number>();
    const map = new Map<number, number>();
    for (const step of operations) {
      if (step.type === "set") {
        ring.set(step.key, step.value);
        map.set(step.key, step.value);
      } else {
        assert.equal(ring.take(step.key), map.get(step.key));
        map.delete(step.key);
      }
      assert.equal(ring.size, map.size);
      for (const { key } of operations) {
        assert.equal(ring.has(key), map.has(key));
        assert.equal(ring.get(key), map.get(key));
      }
      assert.deepEqual(new Map(ring), map);
    }
  }));
});

Deno.test("RingMap lets what it goes through be taken meanwhile", () => {
  const ring = new RingMap<string>();
  for (const key of [3, 1027, 2051, 4]) ring.set(key, `value ${key}`);
  const seen: number[] = [];
  for (const [key] of ring) {
    seen.push(key);
    ring.take(key);
  }
  assert.deepEqual(seen.sort((a, b) => a - b), [3, 4, 1027, 2051]);
  assert.equal(ring.size, 0);
});
