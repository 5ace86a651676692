import { strict as assert } from "node:assert";
import { LeasePermit } from "../../src/node/lease_permit.ts";

Deno.test("LeasePermit is in force until its time, and for linearizable reads of a cluster of one only", () => {
  const permit = new LeasePermit();
  const other = new LeasePermit(permit.memory);
  const levels = ["weak", "linearizable"] as const;
  const inForce = (nowMs: number) => levels.map((level) => other.isInForce(level, nowMs));
  assert.deepEqual(inForce(0), [false, false]);
  permit.publish(10.5, false);
  assert.deepEqual(inForce(10.4), [true, false]);
  assert.deepEqual(inForce(10.5), [false, false]);
  permit.publish(10.5, true);
  assert.deepEqual(inForce(10.4), [true, true]);
  assert.deepEqual(inForce(10.5), [false, false]);
  permit.publish(0, false);
  assert.deepEqual(inForce(0), [false, false]);
});
