import { strict as assert } from "node:assert";
import { background } from "../background.ts";
import { MachineShop } from "../chaos/faulty_machine.ts";
import { withDirectory } from "../directory.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

/** Followers that hear nothing for this long want to lead; a leader that hears nothing gives up. */
const heartbeatTimeoutMs = 10_000;

interface RaftStatus {
  readonly term: number;
  readonly commit_index: number;
  readonly applied_index: number;
}

async function raftOf(node: NodeProcess): Promise<RaftStatus> {
  const { store } = await node.status() as { store: { raft: RaftStatus } };
  return store.raft;
}

async function isBehind(node: NodeProcess): Promise<boolean> {
  const { commit_index, applied_index } = await raftOf(node);
  return applied_index < commit_index;
}

/** Three voters and a read replica, all of whose disks write the WAL slowly for as long as VACUUM is to take. */
async function vacuum(shop: MachineShop): Promise<void> {
  await using cluster = await Cluster.start({ size: 0 });
  const machines = [];
  for (const flags of [[], [], [], ["-raft-non-voter"]]) {
    const node = cluster.create(flags);
    const machine = shop.make(node.directory);
    machines.push(machine);
    const [first] = cluster.nodes;
    node.start(
      first === undefined || first === node ? [] : ["-join", first.raftAddress],
      {
        ...machine.environment,
        RAFTLITE_CHAOS_DISK: `${node.directory}/db.sqlite-wal`,
        RAFTLITE_RAFT_APPLY_TIMEOUT: "30m",
        RAFTLITE_RAFT_HEARTBEAT_TIMEOUT: `${heartbeatTimeoutMs}ms`,
      },
    );
    await node.ready();
  }
  for (const voter of cluster.nodes.slice(0, 3)) await cluster.votes(voter);
  const leader = await cluster.leader();
  await leader.execute([
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) " +
    "INSERT INTO t SELECT i, zeroblob(1000) FROM n",
  ]);
  await cluster.converged(["SELECT count(*) FROM t"]);
  const { term } = await raftOf(leader);

  // A page of 5,000 each 50 ms: it ends when it is let go, and not before.
  for (const machine of machines) machine.set("writeMs", 50);
  const vacuumed = background(() => leader.execute(["VACUUM"], "timeout=30m", 1_800_000));
  for (const node of cluster.nodes) {
    await eventually(`${node.id} to be at it`, () => isBehind(node));
  }
  // Long enough that everybody would have missed a leader that stood still, and have elected another.
  const until = performance.now() + 3 * heartbeatTimeoutMs;
  while (performance.now() < until) {
    for (const node of cluster.nodes) {
      assert.deepEqual(await node.query("SELECT count(*) FROM t", "none"), [[20000]]);
      assert.equal((await raftOf(node)).term, term, `${node.id} knows another leader`);
      assert.equal(await isBehind(node), true, "VACUUM is over too soon to say anything");
    }
  }
  // What waits for it: reads that must see all that is committed, and writes.
  const waiting = ["weak", "linearizable"].flatMap((level) =>
    cluster.nodes.map((node) =>
      background(() => node.query("SELECT count(*) FROM t", level, 600_000))
    )
  );
  const written = background(() =>
    leader.execute(["INSERT INTO t VALUES (0, 'beside')"], "timeout=30m", 1_800_000)
  );
  for (const machine of machines) machine.set("writeMs", 0);
  await vacuumed;
  await written;
  for (const rows of await Promise.all(waiting)) {
    assert.ok([20000, 20001].includes(Number(rows[0]?.[0])), `${rows}`);
  }
  assert.deepEqual(await cluster.converged(["SELECT count(*) FROM t"]), [[[20001]]]);
  for (const node of cluster.nodes) assert.equal((await raftOf(node)).term, term);
}

Deno.test("VACUUM on every node does not cost the leader its lead, nor anybody reads at none", async () => {
  await withDirectory(async (directory) => {
    const shop = await MachineShop.open(directory);
    if (shop instanceof MachineShop) await vacuum(shop);
    else console.error(`Not tested, for no disk can be made slow here: ${shop}`);
  });
});
