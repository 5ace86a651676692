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
      // Each at its own: when they have changed places, all addresses together are the old ones.
      assert.deepEqual(
        new Map(known.map(({ id, addr }) => [id, addr])),
        new Map(nodes.map(({ id }, i) => [id, addresses[i]])),
      );
      return known.every(({ reachable }) => reachable);
    });
  }
}

function at(address: string): string[] {
  return ["-raft-addr", address, "-raft-adv-addr", address];
}

/** Kills those that run, and starts all at these addresses, with what `flagsOf` says beside. */
async function comeBack(
  nodes: readonly NodeProcess[],
  addresses: readonly string[],
  flagsOf: (node: NodeProcess) => readonly string[],
): Promise<void> {
  for (const node of nodes) if (node.running) await node.kill();
  for (const [i, node] of nodes.entries()) {
    node.start([...at(addresses[i] ?? ""), ...flagsOf(node)]);
  }
  for (const node of nodes) await node.ready();
  await settled(nodes, addresses);
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
  const addresses = cluster.nodes.map(() => `127.0.0.1:${takePort()}`);
  await comeBack(cluster.nodes, addresses, () => together(addresses));
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
  const addresses = cluster.nodes.map(() => `127.0.0.1:${takePort()}`);
  const join = ["-join", addresses[0] ?? ""];
  await comeBack(cluster.nodes, addresses, (node) => node === hub ? [] : join);
  assert.deepEqual(await cluster.converged(["SELECT n FROM t"]), [[[1]]]);
});

Deno.test("members that come back at each other's addresses are told apart", async () => {
  await using cluster = await Cluster.start({ size: 3 });
  const [first] = cluster.nodes;
  assert(first);
  await first.execute(["CREATE TABLE t (n)", "INSERT INTO t VALUES (7)"]);
  await cluster.converged(["SELECT n FROM t"]);
  const old = cluster.nodes.map((node) => node.raftAddress);
  const addresses = [...old.slice(1), ...old.slice(0, 1)];
  await comeBack(cluster.nodes, addresses, () => together(old));
  await first.execute(["INSERT INTO t VALUES (8)"]);
  assert.deepEqual(await cluster.converged(["SELECT n FROM t ORDER BY n"]), [[[7], [8]]]);
  const ids = await nodesOf(first);
  for (const [i, node] of cluster.nodes.entries()) {
    assert.equal(ids.find(({ id }) => id === node.id)?.addr, addresses[i]);
  }
});

/**
 * A command line that runs another one with the names of that file for /etc/hosts; undefined, with
 * the reason printed, where that cannot be.
 */
function withHosts(path: string): string[] | undefined {
  const script = `mount --bind "${path}" /etc/hosts && exec "$@"`;
  const line = ["unshare", "--mount", "sh", "-c", script, "sh"];
  const [program = "", ...args] = [...line, "true"];
  try {
    const { success, stderr } = new Deno.Command(program, { args }).outputSync();
    if (success) return line;
    console.error(
      `Not tested, for names cannot be changed here: ${new TextDecoder().decode(stderr)}`,
    );
  } catch (error) {
    console.error(`Not tested, for names cannot be changed here: ${error}`);
  }
  return undefined;
}

Deno.test("a member whose name leads elsewhere is found there without a restart of the others", async () => {
  const hosts = await Deno.makeTempFile({ prefix: "raftlite-test-" });
  const inside = withHosts(hosts);
  try {
    if (inside === undefined) return;
    // In place, since it is the file that is mounted and not its name.
    const publish = (address: string) =>
      Deno.writeTextFile(hosts, `127.0.0.1 localhost\n${address} mover.test\n`);
    await publish("127.0.0.1");
    await using cluster = await Cluster.start({ size: 0 });
    const [first, second, mover] = [1, 2, 3].map(() => cluster.create());
    assert(first && second && mover);
    for (const node of cluster.nodes) node.inside = inside;
    first.start();
    await first.ready();
    second.start(["-join", first.raftAddress]);
    await second.ready();
    const named = ["-raft-adv-addr", `mover.test:${mover.raftPort}`];
    mover.start([...named, "-join", first.raftAddress]);
    await mover.ready();
    await first.execute(["CREATE TABLE t (n)", "INSERT INTO t VALUES (1)"]);
    await mover.kill();
    await publish("127.0.0.9");
    // Nothing of it has changed but where its name leads: it says nothing new of itself.
    mover.start([...named, "-raft-addr", `127.0.0.9:${mover.raftPort}`]);
    await mover.ready();
    await second.execute(["INSERT INTO t VALUES (2)"]);
    assert.deepEqual(await cluster.converged(["SELECT n FROM t ORDER BY n"]), [[[1], [2]]]);
    const known = await nodesOf(first);
    assert.equal(known.find(({ id }) => id === mover.id)?.addr, `mover.test:${mover.raftPort}`);
  } finally {
    await Deno.remove(hosts);
  }
});
