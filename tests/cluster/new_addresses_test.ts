import { strict as assert } from "node:assert";
import { takePort } from "../ports.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

interface NodeJson {
  readonly id: string;
  readonly addr: string;
  readonly reachable: boolean;
}

async function nodesOf(node: NodeProcess): Promise<NodeJson[]> {
  const { body } = await node.fetch("/nodes?nonvoters");
  return Object.values(JSON.parse(body) as Record<string, NodeJson>);
}

/** Waits until every node has all others in its configuration where they are now. */
async function settled(nodes: readonly NodeProcess[], addresses: readonly string[]): Promise<void> {
  for (const node of nodes) {
    await eventually(() => `${node.id} to know all new addresses\n${node.log}`, async () => {
      const known = await nodesOf(node);
      assert.deepEqual(known.map(({ addr }) => addr).sort(), [...addresses].sort());
      return known.every(({ reachable }) => reachable);
    });
  }
}

function at(address: string): string[] {
  return ["-raft-addr", address, "-raft-adv-addr", address];
}

/** As every node of a set is told of all of them, itself too. */
function together(addresses: readonly string[]): string[] {
  return ["-bootstrap-expect", `${addresses.length}`, "-join", addresses.join(",")];
}

Deno.test("a cluster that comes back with new addresses throughout forms again by -join", async () => {
  await using cluster = await Cluster.start({ size: 3 });
  const [first] = cluster.nodes;
  assert(first);
  await first.execute(["CREATE TABLE t (n)", "INSERT INTO t VALUES (7)"]);
  await cluster.converged(["SELECT n FROM t"]);
  for (const node of cluster.nodes) await node.kill();
  const addresses = cluster.nodes.map(() => `127.0.0.1:${takePort()}`);
  for (const [i, node] of cluster.nodes.entries()) {
    node.start([...at(addresses[i] ?? ""), ...together(addresses)]);
  }
  for (const node of cluster.nodes) await node.ready();
  await settled(cluster.nodes, addresses);
  await first.execute(["INSERT INTO t VALUES (8)"]);
  assert.deepEqual(await cluster.converged(["SELECT n FROM t ORDER BY n"]), [[[7], [8]]]);
});

Deno.test("five nodes with new addresses find each other through one that all know", async () => {
  await using cluster = await Cluster.start({ size: 5 });
  const [hub] = cluster.nodes;
  assert(hub);
  // The hub's log ends before the others': one of those must be elected, by nodes it was not told of.
  await hub.kill();
  const leader = await cluster.leader(hub);
  await leader.execute(["CREATE TABLE t (n)", "INSERT INTO t VALUES (1)"]);
  await cluster.converged(["SELECT n FROM t"]);
  for (const node of cluster.nodes) if (node.running) await node.kill();
  const addresses = cluster.nodes.map(() => `127.0.0.1:${takePort()}`);
  for (const [i, node] of cluster.nodes.entries()) {
    const join = node === hub ? [] : ["-join", addresses[0] ?? ""];
    node.start([...at(addresses[i] ?? ""), ...join]);
  }
  for (const node of cluster.nodes) await node.ready();
  await settled(cluster.nodes, addresses);
  assert.deepEqual(await cluster.converged(["SELECT n FROM t"]), [[[1]]]);
});

Deno.test("members that come back at each other's addresses are told apart", async () => {
  await using cluster = await Cluster.start({ size: 3 });
  const [first] = cluster.nodes;
  assert(first);
  await first.execute(["CREATE TABLE t (n)", "INSERT INTO t VALUES (7)"]);
  await cluster.converged(["SELECT n FROM t"]);
  for (const node of cluster.nodes) await node.kill();
  const old = cluster.nodes.map((node) => node.raftAddress);
  const addresses = [...old.slice(1), ...old.slice(0, 1)];
  for (const [i, node] of cluster.nodes.entries()) {
    node.start([...at(addresses[i] ?? ""), ...together(old)]);
  }
  for (const node of cluster.nodes) await node.ready();
  await settled(cluster.nodes, addresses);
  await first.execute(["INSERT INTO t VALUES (8)"]);
  assert.deepEqual(await cluster.converged(["SELECT n FROM t ORDER BY n"]), [[[7], [8]]]);
  const ids = await nodesOf(first);
  for (const [i, node] of cluster.nodes.entries()) {
    assert.equal(ids.find(({ id }) => id === node.id)?.addr, addresses[i]);
  }
});
