import { strict as assert } from "node:assert";
import { DiskWatch } from "../../src/node/disk_watch.ts";
import type { WriteUnderWay } from "../../src/raft_log/types.ts";

const timing = { tickMs: 50, electionTicks: 10, heartbeatTicks: 2, leaseTicks: 8 };
const MiB = 1024 * 1024;

function subject() {
  const log = { full: false, underWay: undefined as WriteUnderWay | undefined };
  const stateMachine = { full: undefined as string | undefined };
  const clock = { time: 0, now: () => clock.time };
  return { log, stateMachine, clock, watch: new DiskWatch({ log, stateMachine, clock, timing }) };
}

Deno.test("DiskWatch.trouble says that there is no room for the log or the state machine", () => {
  const { log, stateMachine, watch } = subject();
  assert.equal(watch.trouble, undefined);
  log.full = true;
  assert.equal(watch.trouble, "The disk is full: writes wait until there is room");
  log.full = false;
  stateMachine.full = "no room";
  assert.equal(watch.trouble, "The disk is full: writes wait until there is room");
});

Deno.test("DiskWatch.trouble says how long one write has not been answered", () => {
  const { log, clock, watch } = subject();
  clock.time = 1000;
  log.underWay = { since: 1000, bytes: 100 };
  clock.time = 3000;
  assert.equal(watch.trouble, undefined);
  clock.time = 4000;
  assert.equal(watch.trouble, "The disk has not answered for 3 s: writes wait until it does");
  log.underWay = undefined;
  assert.equal(watch.trouble, undefined);
});

Deno.test("DiskWatch.waitMs is how long the oldest write has waited for the disk", () => {
  const { log, clock, watch } = subject();
  clock.time = 1000;
  assert.equal(watch.waitMs, 0);
  log.underWay = { since: 400, bytes: 64 * MiB };
  assert.equal(watch.waitMs, 600);
});

Deno.test("DiskWatch.trouble gives a large write the time that a slow disk takes for it", () => {
  const { log, clock, watch } = subject();
  log.underWay = { since: 0, bytes: 64 * MiB };
  clock.time = 8000;
  assert.equal(watch.trouble, undefined);
  clock.time = 9000;
  assert.match(watch.trouble ?? "", /not answered for 9 s/);
});
