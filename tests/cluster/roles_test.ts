import { strict as assert } from "node:assert";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

/** Each member's name and whether it votes, as the node knows them. */
async function votersOf(node: NodeProcess): Promise<Map<string, boolean>> {
  const { body } = await node.fetch("/nodes?nonvoters");
  const nodes = Object.values(JSON.parse(body)) as { id: string; voter: boolean }[];
  return new Map(nodes.map(({ id, voter }) => [id, voter]));
}

async function untilVoters(cluster: Cluster, voters: readonly NodeProcess[]): Promise<void> {
  const expected = voters.map(({ id }) => id).sort();
  const logs = () => cluster.nodes.map((node) => `${node.id}\n${node.log}`).join("\n");
  await eventually(() => `the voters to be ${expected.join()}\n${logs()}`, async () => {
    const leader = await cluster.leader();
    const known = [...await votersOf(leader)].filter(([, voter]) => voter).map(([id]) => id);
    assert.deepEqual(known.sort(), expected);
    return true;
  });
}

Deno.test("a standby votes while a voter is gone, so that one more may go, and gives the vote back", async () => {
  await using cluster = await Cluster.start({ size: 3, flags: ["-raft-standby-timeout", "10s"] });
  const standby = await cluster.add(["-raft-standby"]);
  const [a, b, c] = cluster.nodes;
  assert(a && b && c);
  await a.execute(["CREATE TABLE t (n)", "INSERT INTO t VALUES (1)"]);
  await untilVoters(cluster, [a, b, c]);
  await c.kill();
  await untilVoters(cluster, [a, b, standby]);
  // Without the standby one of three would be left.
  const old = await cluster.leader();
  await old.kill();
  const left = [a, b, standby].filter((node) => node !== old);
  const next = await cluster.leader(old);
  await next.execute(["INSERT INTO t VALUES (2)"]);
  c.start();
  old.start();
  await untilVoters(cluster, [a, b, c]);
  assert.deepEqual(await cluster.converged(["SELECT n FROM t ORDER BY n"]), [[[1], [2]]]);
  assert.equal(left.length, 2);
  assert.match(
    cluster.nodes.map(({ log }) => log).join(),
    /loses its vote: it is a standby, and all voters are there/,
  );
});

Deno.test("nodes that are gone for long are reaped, voters and replicas each after their time, and come back by -join", async () => {
  const flags = ["-raft-reap-node-timeout", "30s", "-raft-reap-read-only-node-timeout", "10s"];
  await using cluster = await Cluster.start({ size: 4, flags });
  const replica = await cluster.add(["-raft-non-voter"]);
  const [a, b, c, d] = cluster.nodes;
  assert(a && b && c && d);
  await a.execute(["CREATE TABLE t (n)", "INSERT INTO t VALUES (1)"]);
  await replica.kill();
  await d.kill();
  const known = async () => [...(await votersOf(await cluster.leader())).keys()].sort();
  await eventually("both to be taken out", async () => {
    assert.deepEqual(await known(), [a.id, b.id, c.id].sort());
    return true;
  });
  // By whoever led then: each line begins with its time.
  const lines = await eventually("both to be told of", () => {
    const all = [a, b, c].flatMap(({ log }) => log.split("\n")).sort();
    const taken = all.filter((line) => /is taken out of the cluster/.test(line));
    return taken.length >= 2 && taken;
  });
  assert.match(lines[0] ?? "", new RegExp(replica.id));
  assert.match(lines[1] ?? "", new RegExp(d.id));
  const counts = await Promise.all([a, b, c].map(async (node) => {
    const { store } = JSON.parse((await node.fetch("/debug/vars")).body);
    return [store.nodes_reaped_ok, store.nodes_reaped_failed];
  }));
  const sum = (at: number) => counts.reduce((sum, count) => sum + count[at], 0);
  assert.deepEqual([sum(0), sum(1)], [2, 0]);
  d.start(["-join", a.raftAddress]);
  await untilVoters(cluster, [a, b, c, d]);
  // Where no majority is left, nobody can be taken out, nor should be.
  for (const node of [b, c]) await node.kill();
  const [left] = [a, d];
  await eventually(
    "the rest to know that they cannot elect",
    async () => await left?.leaderId() === "",
  );
  const { body } = await a.fetch("/nodes?nonvoters");
  assert.equal(Object.keys(JSON.parse(body)).length, 4);
});
