import assert from "node:assert/strict";
import { CalmCluster } from "./calm_cluster.ts";
import { calmDisk } from "./plan.ts";

const hung = { ...calmDisk, syncMsMin: 600_000, syncMsMax: 600_001 };
const slow = { ...calmDisk, syncMsMin: 300, syncMsMax: 301 };

Deno.test("a leader whose disk does not answer lets another lead, says so, and follows once it does", async () => {
  const cluster = new CalmCluster();
  const first = await cluster.until(() => cluster.leader(), 10_000);
  assert.equal(typeof await cluster.ended(cluster.write(first, 3_000), 3_000), "number");
  first.diskFaults = hung;
  const node = first.running?.node;
  assert(node);
  const behind = [cluster.write(first, 30_000)];
  await cluster.until(() => node.lastIndex > node.commitIndex || undefined, 1_000);
  behind.push(cluster.write(first, 30_000));
  const second = await cluster.until(() => {
    const leader = cluster.leader();
    return leader === first ? undefined : leader;
  }, 4_000);
  assert.equal(typeof await cluster.ended(cluster.write(second, 3_000), 3_000), "number");
  // Nothing was done for the write that waited for the disk: its client may go elsewhere at once.
  assert.equal(await cluster.ended(behind[1] ?? assert.fail(), 100), "unavailable");
  assert.match(node.figures.health, /^The disk has not answered for \d+ s: writes wait/);
  first.diskFaults = calmDisk;
  await cluster.until(
    () =>
      node.figures.health === "ok" &&
        node.appliedIndex === second.running?.node.appliedIndex || undefined,
    700_000,
  );
});

Deno.test("a leader whose disk does not answer refuses writes at once where no other can lead", async () => {
  const cluster = new CalmCluster();
  const first = await cluster.until(() => cluster.leader(), 10_000);
  for (const machine of cluster.machines) machine.diskFaults = hung;
  void cluster.write(first, 30_000);
  await cluster.until(() => first.running?.node.figures.health !== "ok" || undefined, 4_000);
  assert.equal(await cluster.ended(cluster.write(first, 30_000), 20), "unavailable");
});

Deno.test("a disk that takes 300 ms for a sync keeps its leader under load", async () => {
  const cluster = new CalmCluster();
  const first = await cluster.until(() => cluster.leader(), 10_000);
  for (const machine of cluster.machines) machine.diskFaults = slow;
  const node = first.running?.node;
  assert(node);
  const { term } = node.status;
  let answered = 0;
  const writeAlways = (): Promise<void> =>
    cluster.write(first, 60_000).then((index) => {
      assert.equal(typeof index, "number");
      answered++;
      return writeAlways();
    });
  for (let client = 0; client < 4; client++) void writeAlways();
  await cluster.until(() => {
    assert.equal(node.figures.health, "ok");
    return answered > 100 || undefined;
  }, 60_000);
  assert.equal(node.status.term, term);
  assert.equal(cluster.leader(), first);
});
