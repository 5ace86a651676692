import { strict as assert } from "node:assert";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

interface Upkeep {
  readonly last_vacuum?: string;
  readonly next_vacuum_after?: string;
  readonly last_optimize?: string;
  readonly runs: number;
}

interface StoreStatus {
  readonly auto_vacuum: Upkeep;
  readonly auto_optimize: Upkeep;
  readonly sqlite3: { readonly freelist_count: number };
}

async function statusOf(node: NodeProcess): Promise<StoreStatus> {
  const { store } = await node.status();
  return store as StoreStatus;
}

const many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) ";
const rows = ["SELECT rowid, length(v) FROM t", "SELECT * FROM sqlite_stat1"];

Deno.test("-auto-vacuum-int and -auto-optimize-int do the same on every node, also where nobody writes", async () => {
  await using cluster = await Cluster.start({
    flags: ["-auto-vacuum-int", "2s", "-auto-optimize-int", "1s"],
  });
  const [first] = cluster.nodes;
  assert.ok(first);
  await first.execute([
    "CREATE TABLE t (v)",
    "CREATE TABLE k (id INTEGER PRIMARY KEY, v)",
    "CREATE INDEX kv ON k (v)",
    `${many} INSERT INTO t SELECT printf('%.500c', 'x') FROM n`,
    `${many} INSERT INTO k SELECT i, i FROM n`,
    "DELETE FROM t WHERE rowid % 10 <> 0",
  ]);
  for (const node of cluster.nodes) {
    await eventually(`${node.id} to be vacuumed and optimized`, async () => {
      const { auto_vacuum: vacuum, auto_optimize: optimize, sqlite3 } = await statusOf(node);
      return vacuum.runs > 0 && optimize.runs > 0 && sqlite3.freelist_count === 0;
    });
    await node.logs(/database vacuumed in /);
    await node.logs(/database optimized in /);
  }
  // Row ids of a table without a key are others then, and the same everywhere.
  const [ids, statistics] = await cluster.converged(rows);
  assert.equal(ids?.length, 200);
  assert.deepEqual(ids?.[0], [1, 500]);
  assert.deepEqual(statistics?.[0], ["k", "kv", "2000 1"]);

  // Nothing has changed since: what was done holds for whoever leads, and after a restart.
  const before = await statusOf(first);
  const leader = await cluster.leader();
  await leader.kill();
  await cluster.leader(leader);
  leader.start();
  await leader.ready();
  for (const node of cluster.nodes) {
    const { auto_vacuum: vacuum, auto_optimize: optimize } = await statusOf(node);
    assert.equal(vacuum.last_vacuum, before.auto_vacuum.last_vacuum);
    assert.equal(optimize.last_optimize, before.auto_optimize.last_optimize);
    const next = Date.parse(vacuum.last_vacuum ?? "") + 2_000;
    assert.equal(vacuum.next_vacuum_after, new Date(next).toISOString());
  }
});

Deno.test("-auto-vacuum-mode=incremental gives free pages back in entries of their own", async () => {
  await using cluster = await Cluster.start({
    size: 1,
    flags: ["-auto-vacuum-int", "1s", "-auto-vacuum-mode", "incremental"],
  });
  const [node] = cluster.nodes;
  assert.ok(node);
  await node.execute(["CREATE TABLE t (v)"]);
  const runs = async () => (await statusOf(node)).auto_vacuum.runs;
  await eventually("the first VACUUM", async () => await runs() === 1);
  await node.execute([`${many} INSERT INTO t SELECT printf('%.500c', 'x') FROM n`]);
  await node.execute(["DELETE FROM t"]);
  await eventually("free pages to be given back", async () => {
    const { sqlite3, auto_vacuum: { runs } } = await statusOf(node);
    return runs >= 2 && sqlite3.freelist_count === 0;
  });
  assert.deepEqual(await node.query("PRAGMA auto_vacuum"), [[2]]);
});
