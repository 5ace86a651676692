import { strict as assert } from "node:assert";
import { newestVersion } from "../../src/raft/cluster_version.ts";
import { SqliteAgreement } from "../../src/cluster/sqlite_agreement.ts";
import { findLibrary, openLibrary, takeProfile } from "../../src/sqlite/mod.ts";
import { encodeJoin } from "../../src/cluster/member_wire.ts";
import { readAnswer, RequestKind } from "../../src/cluster/wire.ts";
import { serverId } from "../../src/raft/types.ts";
import { openNode } from "../transport/fixture.ts";
import { takePort } from "../ports.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";
import { comparisons, schema, Workload } from "./workload.ts";

/** What lets a test talk with a node, whatever SQLite that one has. */
async function anySqlite(): Promise<SqliteAgreement> {
  const profile = await takeProfile(openLibrary(await findLibrary()));
  return new SqliteAgreement({ id: "stranger", profile, permits: true, logger: { log() {} } });
}

async function untilVoter(
  node: NodeProcess,
  seenBy: () => NodeProcess | Promise<NodeProcess>,
): Promise<void> {
  await eventually("the node to be a voter", async () => {
    const members = JSON.parse((await (await seenBy()).fetch("/nodes?nonvoters")).body);
    return members[node.id]?.voter === true;
  });
}

Deno.test("a node away past compaction comes back by snapshot", async () => {
  await using cluster = await Cluster.start({
    flags: ["-raft-snap", "200", "-raft-snap-int", "1s"],
  });
  await cluster.nodes[0]?.execute(schema);
  const away = await cluster.follower();
  await away.kill("SIGKILL");
  const load = new Workload(cluster, { name: "away" });
  await eventually("many writes", () => load.acknowledged.length > 1000);
  const running = cluster.nodes.filter((node) => node.running);
  for (const node of running) {
    const answer = await node.fetch("/snapshot?trailing_logs=10", { method: "POST" });
    assert(answer.status === 200 || answer.status === 204, answer.body);
  }
  away.start();
  await away.ready();
  await load.stop();
  await load.verify();
  await away.logs(/[Ss]napshot at index \d+ installed/);
});

Deno.test("a node is removed, stays out, and joins again with and without its data", async () => {
  await using cluster = await Cluster.start();
  await cluster.nodes[0]?.execute(schema);
  const load = new Workload(cluster, { name: "removed", nodes: cluster.nodes.slice(0, 1) });
  await eventually("some writes", () => load.acknowledged.length > 50);
  const node = cluster.nodes[2];
  const first = cluster.nodes[0];
  assert(node && first);
  for (const keepData of [true, false]) {
    const answer = await first.fetch("/remove", {
      method: "DELETE",
      body: JSON.stringify({ id: node.id }),
    });
    assert.equal(answer.status, 200, answer.body);
    const nodes = JSON.parse((await first.fetch("/nodes?nonvoters")).body);
    assert.equal(node.id in nodes, false);
    await node.kill("SIGKILL");
    if (!keepData) await Deno.remove(node.directory, { recursive: true });
    node.start(["-join", first.raftAddress]);
    await node.ready();
    await untilVoter(node, () => first);
  }
  await load.stop();
  await load.verify();
});

Deno.test("a node that is removed hears of it, and stops if it is to", async () => {
  await using cluster = await Cluster.start({ flags: ["-raft-remove-shutdown"] });
  const replica = await cluster.add(["-raft-non-voter"]);
  const follower = await cluster.follower();
  await cluster.nodes[0]?.execute(schema);
  for (const node of [follower, replica]) {
    const answer = await (await cluster.leader()).fetch("/remove", {
      method: "DELETE",
      body: JSON.stringify({ id: node.id }),
    });
    assert.equal(answer.status, 200, answer.body);
    await eventually(`${node.id} to hear of it`, () => /was removed from its/.test(node.log));
    assert.equal((await node.exited()).code, 0, node.log);
  }
});

Deno.test("a node that lost its disk comes back by its old id, and the leader may die then", async () => {
  await using cluster = await Cluster.start();
  await cluster.nodes[0]?.execute(schema);
  const load = new Workload(cluster, { name: "disk" });
  await eventually("some writes", () => load.acknowledged.length > 100);
  const node = await cluster.follower();
  const identity = () => Deno.readTextFile(`${node.directory}/node.json`).then(JSON.parse);
  const before = await identity();
  await node.kill("SIGKILL");
  await Deno.remove(node.directory, { recursive: true });
  const others = cluster.nodes.filter((other) => other !== node);
  node.start(["-join", others.map((other) => other.raftAddress).join(",")]);
  await node.ready();
  await untilVoter(node, () => cluster.leader());
  const after = await identity();
  assert.notEqual(after.incarnation, before.incarnation);
  assert.equal(after.nodeId, before.nodeId);
  assert.equal(after.clusterId, before.clusterId);
  await (await cluster.leader()).kill("SIGKILL");
  const acknowledged = load.acknowledged.length;
  await eventually("writes to go on", () => load.acknowledged.length > acknowledged + 50);
  await load.stop();
  for (const other of cluster.nodes) if (!other.running) other.start();
  await load.verify();
});

Deno.test("a node that lost its disk comes back by another id, and takes the place of the old one", async () => {
  await using cluster = await Cluster.start();
  await cluster.nodes[0]?.execute(schema);
  const load = new Workload(cluster, { name: "renamed" });
  await eventually("some writes", () => load.acknowledged.length > 100);
  const old = await cluster.follower();
  await old.kill("SIGKILL");
  const node = cluster.createInPlaceOf(old);
  const others = cluster.nodes.filter((other) => other !== node);
  node.start(["-join", others.map((other) => other.raftAddress).join(",")]);
  await node.ready();
  await untilVoter(node, () => cluster.leader());
  const members = JSON.parse((await (await cluster.leader()).fetch("/nodes?nonvoters")).body);
  assert.deepEqual(Object.keys(members).sort(), cluster.nodes.map(({ id }) => id).sort());
  assert.match(
    cluster.nodes.map(({ log }) => log).join(""),
    new RegExp(`joined as staging, in place of node ${old.id}, which was there and is gone`),
  );
  // The loss of one more is then survived, as in any cluster of three.
  await (await cluster.leader()).kill("SIGKILL");
  const acknowledged = load.acknowledged.length;
  await eventually("writes to go on", () => load.acknowledged.length > acknowledged + 50);
  await load.stop();
  for (const other of cluster.nodes) if (!other.running) other.start();
  await load.verify();
});

Deno.test("a node at the address of another is not called reachable as that one", async () => {
  await using cluster = await Cluster.start();
  const old = await cluster.follower();
  await old.kill("SIGKILL");
  const node = cluster.createInPlaceOf(old);
  // It finds nobody to join: it only has the address.
  node.start(["-join", `127.0.0.1:${takePort()}`, "-join-attempts", "1000"]);
  const leader = await cluster.leader();
  await eventually("the leader to see that", async () => {
    const { reachable, error } = JSON.parse((await leader.fetch("/nodes")).body)[old.id];
    return !reachable && new RegExp(`Another node answers at .*: ${node.id}`).test(error);
  });
});

Deno.test("a call to join from a life that has ended takes nobody's place", async () => {
  await using cluster = await Cluster.start();
  const leader = await cluster.leader();
  const node = await cluster.follower();
  const sqlite = await anySqlite();
  await using stranger = await openNode("stranger", {
    clusterId: "",
    agreement: sqlite,
    version: newestVersion,
  });
  const { incarnation } = JSON.parse(await Deno.readTextFile(`${node.directory}/node.json`));
  const call = encodeJoin({
    id: serverId(node.id, incarnation === "00000000" ? "00000001" : "00000000"),
    address: node.raftAddress,
    httpAddress: "127.0.0.1:1",
    suffrage: "staging",
    relayed: false,
    timeoutMs: 60_000,
    sqlite: sqlite.own,
  });
  const answer = await stranger.transport.request({
    address: leader.raftAddress,
    kind: RequestKind.join,
    payload: call,
  }, {
    timeoutMs: 60_000,
  });
  assert.throws(() => readAnswer(answer), { kind: "unavailable", message: /does not answer at/ });
  const members = JSON.parse((await leader.fetch("/nodes?nonvoters")).body);
  assert.equal(members[node.id]?.voter, true);
  assert.equal(members[node.id]?.reachable, true);
});

Deno.test("a read replica follows, never votes, and answers reads", async () => {
  await using cluster = await Cluster.start();
  await cluster.nodes[0]?.execute(schema);
  const replica = await cluster.add(["-raft-non-voter"]);
  const load = new Workload(cluster, { name: "replica" });
  await eventually("some writes", () => load.acknowledged.length > 100);
  const nodes = JSON.parse((await replica.fetch("/nodes?nonvoters")).body);
  assert.equal(nodes[replica.id].voter, false);
  const [[count] = []] = await replica.query("SELECT count(*) FROM writes", "linearizable");
  assert(Number(count) >= 100);
  await load.stop();
  await load.verify();
});

Deno.test("a node with -bootstrap-expect 1 joins the cluster that -join names, and begins one without", async () => {
  await using cluster = await Cluster.start({ size: 0 });
  const [first, second] = [cluster.create(), cluster.create()];
  first.start(["-bootstrap-expect", "1", "-join", first.raftAddress]);
  await first.ready();
  second.start(["-bootstrap-expect", "1", "-join", first.raftAddress]);
  await second.ready();
  await untilVoter(second, () => first);
  await eventually("its vote to be told", () => first.log.includes("has caught up and is a voter"));
});

Deno.test("nodes with -bootstrap-expect find each other", async () => {
  await using cluster = await Cluster.start({ size: 0 });
  const nodes = [1, 2, 3].map(() => cluster.create());
  const join = nodes.map((node) => node.raftAddress).join(",");
  for (const node of nodes) node.start(["-bootstrap-expect", "3", "-join", join]);
  for (const node of nodes) await node.ready();
  await nodes[2]?.execute(schema);
  await nodes[1]?.execute(["INSERT INTO writes (key) VALUES ('formed')"]);
  assert.equal((await cluster.converged(comparisons))[0]?.length, 1);
  const members = JSON.parse((await nodes[0]?.fetch("/nodes"))?.body ?? "{}");
  assert.equal(Object.keys(members).length, 3);
});

for (const who of ["the others", "the former", "all"] as const) {
  Deno.test(`nodes of a cluster that forms come back into it when ${who} died then`, async () => {
    await using cluster = await Cluster.start({ size: 0 });
    const nodes = [1, 2, 3].map(() => cluster.create());
    const flags = ["-bootstrap-expect", "3", "-join", nodes.map((n) => n.raftAddress).join(",")];
    for (const node of nodes) node.start(flags);
    const former = await eventually(
      "a cluster to form",
      () => nodes.find((node) => /Forming cluster/.test(node.log)),
    );
    const dying = {
      "the others": nodes.filter((node) => node !== former),
      "the former": [former],
      "all": nodes,
    }[who];
    await Promise.all(dying.map((node) => node.kill("SIGKILL")));
    for (const node of dying) node.start(flags);
    for (const node of nodes) await node.ready();
    await nodes[2]?.execute(schema);
    await cluster.converged(comparisons);
    const members = JSON.parse((await nodes[0]?.fetch("/nodes"))?.body ?? "{}");
    assert.equal(Object.keys(members).length, 3);
  });
}

Deno.test("a node that waited for others to form a cluster with waits again as the same server", async () => {
  await using cluster = await Cluster.start({ size: 0 });
  const [early, ...others] = [1, 2, 3].map(() => cluster.create());
  assert(early);
  const join = [early, ...others].map((node) => node.raftAddress).join(",");
  const flags = ["-bootstrap-expect", "3", "-join", join];
  const incarnations = new Set<string>();
  for (let i = 1; i <= 2; i++) {
    early.start(flags);
    await eventually("it to wait", () => early.log.split("Waiting for 3 nodes").length === i + 1);
    const identity = JSON.parse(await Deno.readTextFile(`${early.directory}/node.json`));
    incarnations.add(identity.incarnation);
    await early.kill("SIGKILL");
  }
  assert.equal(incarnations.size, 1);
  // Its log lost, it is another server.
  await Deno.remove(`${early.directory}/raft`, { recursive: true });
  for (const node of [early, ...others]) node.start(flags);
  for (const node of [early, ...others]) await node.ready();
  const { incarnation } = JSON.parse(await Deno.readTextFile(`${early.directory}/node.json`));
  assert.equal(incarnations.has(incarnation), false);
});

Deno.test("a node comes back with the same id under a new address", async () => {
  await using cluster = await Cluster.start();
  await cluster.nodes[0]?.execute(schema);
  const node = cluster.nodes[1];
  assert(node);
  await node.kill("SIGTERM");
  const address = `127.0.0.1:${takePort()}`;
  node.start(["-raft-addr", address, "-raft-adv-addr", address]);
  await node.ready();
  await eventually("the others to know the new address", async () => {
    const members = JSON.parse((await cluster.nodes[0]?.fetch("/nodes"))?.body ?? "{}");
    return members[node.id]?.addr === address;
  });
  await cluster.nodes[2]?.execute(["INSERT INTO writes (key) VALUES ('moved')"]);
  await cluster.converged(comparisons);
});

Deno.test("two members come back with each other's address", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [first] = cluster.nodes;
  assert(first);
  const one = await cluster.add(["-raft-non-voter"]);
  const other = await cluster.add(["-raft-non-voter"]);
  await first.execute(schema);
  for (const node of [one, other]) await node.kill("SIGTERM");
  for (const [node, { raftAddress }] of [[one, other], [other, one]] as const) {
    node.start(["-raft-addr", raftAddress, "-raft-adv-addr", raftAddress]);
  }
  await eventually("their addresses to be known", async () => {
    const members = JSON.parse((await first.fetch("/nodes?nonvoters")).body);
    return members[one.id]?.addr === other.raftAddress &&
      members[other.id]?.addr === one.raftAddress;
  });
  await first.execute(["INSERT INTO writes (key) VALUES ('swapped')"]);
  await cluster.converged(comparisons);
});

Deno.test("a cluster that lost its majority goes on from peers.json", async () => {
  await using cluster = await Cluster.start();
  await cluster.nodes[0]?.execute(schema);
  const load = new Workload(cluster, { name: "majority" });
  await eventually("some writes", () => load.acknowledged.length > 100);
  await load.stop();
  const [survivor, ...lost] = cluster.nodes;
  assert(survivor);
  await cluster.converged(comparisons);
  for (const node of lost) await node.kill("SIGKILL");
  await survivor.kill("SIGKILL");
  const peers = [{ id: survivor.id, address: survivor.raftAddress, non_voter: false }];
  await Deno.writeTextFile(`${survivor.directory}/raft/peers.json`, JSON.stringify(peers));
  survivor.start();
  await survivor.ready();
  await load.verify();
  await survivor.execute(["INSERT INTO writes (key) VALUES ('alone')"]);
  const members = JSON.parse((await survivor.fetch("/nodes")).body);
  assert.deepEqual(Object.keys(members), [survivor.id]);

  // As a crash leaves it after the old log was put aside and before the new one has its place.
  await survivor.kill("SIGKILL");
  const raft = `${survivor.directory}/raft`;
  assert((await Deno.stat(`${raft}.before-recovery`)).isDirectory);
  await Deno.rename(raft, `${raft}.recovering`);
  survivor.start();
  await survivor.ready();
  await survivor.logs(/Finished the recovery from peers\.json/);
  assert.equal((await survivor.query("SELECT * FROM writes WHERE key = 'alone'")).length, 1);
});
