import { strict as assert } from "node:assert";
import { MachineShop } from "../chaos/faulty_machine.ts";
import { withDirectory } from "../directory.ts";
import { Cluster, eventually } from "./harness.ts";

/** Whether the system has stopped a process: proc_pid_stat(5). */
async function isStopped(pid: number): Promise<boolean> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")")).startsWith(") T");
}

/** A leader that wakes, with a lease by its `performance.now`, after others have written past it. */
async function wakeLeader(shop: MachineShop, threads: number): Promise<void> {
  await using cluster = await Cluster.start({ proxies: true, size: 0 });
  // A lease of two seconds: most of it is still to come when the machine falls asleep.
  const flags = ["-raft-heartbeat-timeout", "4s", `-http-threads=${threads}`];
  const all = [1, 2, 3].map(() => {
    const node = cluster.create();
    return { node, machine: shop.make(node.directory) };
  });
  const [first] = all;
  assert(first);
  for (const { node, machine } of all) {
    const join = node === first.node ? [] : ["-join", first.node.raftAddress];
    node.start([...flags, ...join], machine.environment);
    await node.ready();
    await cluster.votes(node);
  }
  await first.node.execute(["CREATE TABLE t (n INTEGER)", "INSERT INTO t VALUES (0)"]);
  const leader = await cluster.leader();
  const machine = all.find(({ node }) => node === leader)?.machine;
  const other = cluster.nodes.find((node) => node !== leader);

  leader.freeze();
  await eventually("the leader to sleep", () => isStopped(leader.pid));
  const asleepAt = performance.now();
  // Nobody tells it, when it wakes, that it has been replaced.
  cluster.isolate(leader);
  const path = "/db/query?level=weak&timeout=1s&q=SELECT%20n%20FROM%20t";
  const asked = Promise.allSettled(
    Array.from({ length: 8 }, () => leader.fetch(path, { timeoutMs: 600_000 })),
  );
  await eventually("a write past the leader", async () => {
    await other?.execute(["UPDATE t SET n = 1"], "timeout=2s", 5_000);
    return true;
  });
  machine?.set("sleptMs", Math.floor(performance.now() - asleepAt));
  leader.thaw();
  for (const answer of await asked) {
    if (answer.status === "rejected") continue;
    assert.notEqual(answer.value.status, 200, `from the past: ${answer.value.body}`);
  }
  cluster.isolate(undefined);
  await eventually("the new row there", async () => {
    assert.deepEqual(await leader.query("SELECT n FROM t", "weak"), [[1]]);
    return true;
  });
}

for (const threads of [1, 2]) {
  Deno.test(`a leader whose machine slept answers no weak read from the past, with -http-threads=${threads}`, async () => {
    await withDirectory(async (directory) => {
      const shop = await MachineShop.open(directory);
      if (shop instanceof MachineShop) await wakeLeader(shop, threads);
      else console.error(`Not tested, for no machine can be made to sleep here: ${shop}`);
    });
  });
}
