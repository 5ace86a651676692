import { strict as assert } from "node:assert";
import { Cluster, eventually } from "./harness.ts";
import { schema, Workload } from "./workload.ts";

Deno.test("a cluster answers writes and linearizable reads on every node", async () => {
  await using cluster = await Cluster.start();
  await cluster.nodes[0]?.execute(schema);
  for (const [i, node] of cluster.nodes.entries()) {
    await node.execute([["INSERT INTO writes (key) VALUES (?)", node.id]]);
    for (const other of cluster.nodes) {
      const rows = await other.query("SELECT count(*) FROM writes");
      assert.deepEqual(rows, [[i + 1]], `${other.id} after a write through ${node.id}`);
    }
  }
});

Deno.test("a leader killed under load loses nothing, and writes go on", async () => {
  await using cluster = await Cluster.start();
  await cluster.nodes[0]?.execute(schema);
  const load = new Workload(cluster, { name: "failover" });
  await eventually("some writes", () => load.acknowledged.length > 200);
  const leader = await cluster.leader();
  await leader.kill("SIGKILL");
  const before = load.acknowledged.length;
  await eventually("writes after the loss", () => load.acknowledged.length > before + 200);
  leader.start();
  await leader.ready();
  const again = load.acknowledged.length;
  await eventually("writes after the return", () => load.acknowledged.length > again + 100);
  await load.stop();
  await load.verify();
});

Deno.test("all nodes killed at once under load come back with every acknowledged write", async () => {
  await using cluster = await Cluster.start();
  await cluster.nodes[0]?.execute(schema);
  for (let round = 0; round < 2; round++) {
    const load = new Workload(cluster, { name: `blackout-${round}` });
    await eventually("some writes", () => load.acknowledged.length > 200);
    await Promise.all(cluster.nodes.map((node) => node.kill("SIGKILL")));
    await load.stop();
    for (const node of cluster.nodes) node.start();
    for (const node of cluster.nodes) await node.ready();
    await load.verify();
  }
});

Deno.test("a node stopped by SIGTERM hands over, exits 0, and restarts where it was", async () => {
  await using cluster = await Cluster.start();
  await cluster.nodes[0]?.execute(schema);
  const load = new Workload(cluster, { name: "rolling" });
  for (const node of cluster.nodes) {
    const before = load.acknowledged.length;
    await eventually("some writes", () => load.acknowledged.length > before + 100);
    const status = await node.kill("SIGTERM");
    assert.equal(status.code, 0, node.log);
    node.start();
    await node.ready();
  }
  await load.stop();
  await load.verify();
});
