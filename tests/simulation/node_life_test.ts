import assert from "node:assert/strict";
import type { Node } from "../../src/node/node.ts";
import { NodeError, type NodeErrorKind } from "../../src/node/types.ts";
import { CalmCluster, nodeOf } from "./calm_cluster.ts";
import type { Machine } from "./machine.ts";
import { calmDisk, ticks } from "./plan.ts";

/** Three machines, and the one of them that leads. */
async function begin(): Promise<{ cluster: CalmCluster; first: Machine; node: Node }> {
  const cluster = new CalmCluster();
  const first = await cluster.until(() => cluster.leader(), 10_000);
  return { cluster, first, node: nodeOf(first) };
}

function other(cluster: CalmCluster, than: Machine): Machine {
  return cluster.machines.find((machine) => machine !== than) ?? assert.fail();
}

async function refused(work: Promise<unknown>, kind: NodeErrorKind, why: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert(error instanceof NodeError, String(error));
    assert.equal(error.kind, kind);
    assert.match(error.message, why);
    return true;
  });
}

/** Another leads, and the cluster writes. */
async function leadsInstead(cluster: CalmCluster, of: Machine, withinMs: number): Promise<Machine> {
  const second = await cluster.until(() => {
    const leader = cluster.leader();
    return leader === of ? undefined : leader;
  }, withinMs);
  assert.equal(typeof await cluster.ended(cluster.write(second, 3_000), 3_000), "number");
  return second;
}

/** Whether other threads may answer reads by what the machine's program permits. */
function permitsReads({ running }: Machine): boolean {
  assert(running !== undefined);
  return running.permit.isInForce("weak", running.clock.now());
}

const never = { format: undefined, deadline: Infinity };

Deno.test("Node.stop() answers what it has taken, takes nothing more, and hands the lead over", async () => {
  const { cluster, first, node } = await begin();
  const { term } = node.status;
  await cluster.until(() => permitsReads(first) || undefined, 3_000);
  const taken = [1, 2, 3, 4].map(() => cluster.write(first, 30_000));
  const stopped = node.stop({ handOver: true, timeoutMs: 10_000 });
  assert.equal(permitsReads(first), false);
  await refused(node.propose(new Uint8Array(), never), "unavailable", /The node is stopping/);
  await refused(node.readBarrier("quorum", 1_000), "unavailable", /The node is stopping/);
  assert.equal(node.mayReadByLease, false);
  await cluster.ended(stopped, 10_000);
  for (const write of taken) assert.equal(typeof await write, "number");
  // By the handing over, not by an election timeout that others waited for.
  const second = await leadsInstead(cluster, first, ticks.electionTicks * 50);
  assert.equal(nodeOf(second).status.term, term + 1);
  const { lastIndex } = node;
  nodeOf(second).transferLeadership(first.serverId);
  await cluster.ended(cluster.write(second, 3_000), 3_000);
  assert.equal(node.lastIndex, lastIndex, "what is stopped takes no message");
  await node.stop({ handOver: true, timeoutMs: 10_000 });
});

Deno.test("Node.stop() says of a write that no majority has that its outcome is unknown, in time", async () => {
  const { cluster, first, node } = await begin();
  cluster.isolate(first);
  const write = cluster.write(first, 60_000);
  await cluster.ended(node.stop({ handOver: true, timeoutMs: 300 }), 1_500);
  assert.equal(await write, "unknown");
  await leadsInstead(cluster, first, 10_000);
});

Deno.test("a node whose log cannot be synced ends, says why, and another leads", async () => {
  const { cluster, first, node } = await begin();
  first.diskFaults = { ...calmDisk, failed: 1 };
  assert.equal(await cluster.ended(cluster.write(first, 30_000), 3_000), "unknown");
  assert.match(node.figures.health, /sync/i);
  await refused(node.propose(new Uint8Array(), never), "unavailable", /sync/i);
  await refused(node.readBarrier("lease", 1_000), "unavailable", /./);
  await leadsInstead(cluster, first, 10_000);
});

Deno.test("a follower whose copy is damaged takes the leader's, although its log is whole", async () => {
  const { cluster, first, node } = await begin();
  await cluster.ended(cluster.write(first, 3_000), 3_000);
  const follower = other(cluster, first);
  const damaged = nodeOf(follower);
  await cluster.until(() => damaged.appliedIndex === node.appliedIndex || undefined, 3_000);
  damaged.replaceCopy("Page 7 is damaged");
  damaged.replaceCopy("Page 8 is damaged");
  assert.equal(damaged.figures.damage, "Page 7 is damaged");
  assert.match(damaged.figures.health, /is being replaced: Page 7 is damaged/);
  const index = damaged.appliedIndex;
  await cluster.ended(node.bringUp(follower.serverId, index, 3_000), 3_000);
  await cluster.until(() => damaged.figures.copiesReplaced === 1 || undefined, 30_000);
  assert.equal(damaged.damage, undefined);
  assert.equal(damaged.figures.health, "ok");
  await cluster.ended(cluster.write(first, 3_000), 3_000);
  await cluster.until(() => damaged.appliedIndex === node.appliedIndex || undefined, 3_000);
});

Deno.test("a leader whose copy is damaged refuses writes, gives up the lead and takes its successor's copy", async () => {
  const { cluster, first, node } = await begin();
  await cluster.ended(cluster.write(first, 3_000), 3_000);
  await cluster.until(() => permitsReads(first) || undefined, 3_000);
  node.replaceCopy("Page 7 is damaged");
  await Promise.resolve();
  assert.equal(permitsReads(first), false);
  assert.equal(await cluster.ended(cluster.write(first, 30_000), 20), "unavailable");
  const second = await leadsInstead(cluster, first, 10_000);
  await cluster.ended(nodeOf(second).bringUp(first.serverId, 1, 3_000), 3_000);
  await cluster.until(() => node.figures.copiesReplaced === 1 || undefined, 30_000);
  await cluster.ended(cluster.write(second, 3_000), 3_000);
  const { appliedIndex } = nodeOf(second);
  await cluster.until(() => node.appliedIndex >= appliedIndex || undefined, 3_000);
});

Deno.test("only the leader brings another member up", async () => {
  const { cluster, first } = await begin();
  const work = nodeOf(other(cluster, first)).bringUp(first.serverId, 1, 1_000);
  await refused(work, "not_leader", /This node is not the leader/);
});

Deno.test("a leader that was cut off and gets a snapshot says that its writes' outcome is unknown", async () => {
  const { cluster, first, node } = await begin();
  cluster.isolate(first);
  const writes = [1, 2, 3].map(() => cluster.write(first, 600_000));
  await cluster.until(() => node.lastIndex > node.commitIndex || undefined, 3_000);
  const second = await leadsInstead(cluster, first, 10_000);
  for (let i = 0; i < 5; i++) await cluster.ended(cluster.write(second, 3_000), 3_000);
  assert.equal(await cluster.ended(nodeOf(second).snapshot(0), 3_000), true);
  cluster.network.heal();
  for (const write of writes) assert.equal(await cluster.ended(write, 60_000), "unknown");
  assert.equal(node.figures.snapshotsInstalled, 1);
});
