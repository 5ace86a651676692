import assert from "node:assert/strict";
import { WriteStages } from "../../../src/node/writes/write_stages.ts";
import { SimulatedClock } from "../../simulation/clock.ts";

Deno.test("WriteStages counts each entry of a batch as long as its batch took", async () => {
  const clock = new SimulatedClock();
  const stages = new WriteStages(clock);
  const began = stages.now();
  stages.proposed(3, 3, began);
  await clock.advance(20);
  stages.synced(began, 3, 3);
  stages.proposed(4, 1, stages.now());
  stages.committed(2);
  assert.equal(stages.replicate.count, 0);
  await clock.advance(10);
  stages.committed(4);
  stages.applied(began, 4, 4);
  assert.equal(stages.sync.count, 3);
  assert.equal(stages.replicate.count, 4);
  assert.equal(stages.replicate.sum.toFixed(6), (3 * 0.03 + 0.01).toFixed(6));
  assert.equal(stages.apply.sum.toFixed(6), "0.120000");
});

Deno.test("WriteStages forgets what a node proposed that leads no more", () => {
  const stages = new WriteStages(new SimulatedClock());
  stages.proposed(3, 3, stages.now());
  stages.abandon();
  stages.committed(3);
  assert.equal(stages.replicate.count, 0);
});

Deno.test("WriteStages measures no more than so many batches at a time", () => {
  const stages = new WriteStages(new SimulatedClock());
  for (let index = 1; index <= 5_000; index++) stages.proposed(index, 1, stages.now());
  stages.committed(5_000);
  assert.equal(stages.replicate.count, 1024);
});

Deno.test("WriteStages tells a traced write of its stages, once each, and no other's", async () => {
  const clock = new SimulatedClock();
  const stages = new WriteStages(clock);
  const parts: [string, number][] = [];
  const trace = {
    part: (name: string, since: number, until: number) => parts.push([name, until - since]),
  };
  const began = stages.now();
  stages.proposed(3, 3, began);
  stages.traced(2, trace, began);
  await clock.advance(10);
  stages.synced(began, 1, 1);
  assert.deepEqual(parts, []);
  stages.synced(began, 2, 3);
  stages.synced(began, 1, 4);
  await clock.advance(5);
  stages.committed(3);
  const applying = stages.now();
  await clock.advance(1);
  stages.applied(applying, 3, 3);
  stages.applied(applying, 1, 4);
  assert.deepEqual(parts, [["sync", 10], ["replicate", 15], ["apply", 1]]);
});
