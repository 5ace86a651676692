import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { basic } from "./basic.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

const secrets = { root: "s3cret-of-root", node: "s3cret-of-node", ro: "s3cret-of-ro" };
const token = "rl_the-token-itself";
const hash = `sha256:${createHash("sha256").update(token).digest("hex")}`;

const users = [
  { username: "root", password: secrets.root, perms: ["all"] },
  { username: "node", password: secrets.node, perms: ["join"] },
  { username: "ro", password: secrets.ro, perms: ["query"], tokens: [{ name: "t", hash }] },
  { username: "replica", password: "r", perms: ["join-read-replica"] },
  // What the harness itself asks.
  { username: "*", perms: ["ready"] },
];

function as(username: string, password: string): Record<string, string> {
  return { authorization: basic(username, password) };
}
const root = as("root", secrets.root);

async function usersFile(entries: unknown): Promise<string> {
  const path = await Deno.makeTempFile({ prefix: "raftlite-users-", suffix: ".json" });
  await Deno.writeTextFile(path, JSON.stringify(entries));
  return path;
}

async function post(node: NodeProcess, path: string, body: unknown, headers = root) {
  return await node.fetch(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
}

Deno.test("users are asked for at every node, and what one has checked no other asks again", async () => {
  const file = await usersFile(users);
  // The third knows only its own users: with them it asks for entry, and answers its clients.
  const other = await usersFile([
    { username: "edge", password: "e", perms: ["all"] },
    { username: "node", password: secrets.node, perms: [] },
    { username: "*", perms: ["ready"] },
  ]);
  await using cluster = await Cluster.start({ size: 1, flags: [] });
  const [bare] = cluster.nodes;
  assert(bare);
  await bare.end();
  bare.start(["-auth", file]);
  await bare.ready();
  const second = cluster.create();
  second.start(["-auth", file, "-join-as", "node", "-join", bare.raftAddress]);
  await second.ready();
  const third = cluster.create();
  third.start(["-auth", other, "-join-as", "node", "-join", bare.raftAddress]);
  await third.ready();
  await bare.logs(/whoever reaches the Raft port can do everything there/);

  assert.equal((await post(second, "/db/execute", ["CREATE TABLE t (a)"])).status, 200);
  const edge = as("edge", "e");
  const insert = ["INSERT INTO t VALUES (1)"];
  assert.equal((await post(third, "/db/execute", insert, edge)).status, 200);
  assert.equal((await post(third, "/db/execute?queue&wait", insert, edge)).status, 200);
  assert.equal((await post(third, "/db/execute", insert)).status, 401, "root is no user there");
  const query = "/db/query?level=strong&q=SELECT%20count(*)%20FROM%20t";
  for (const headers of [as("ro", secrets.ro), { authorization: `Bearer ${token}` }]) {
    const { status, body } = await second.fetch(query, { headers });
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(body).results[0].values, [[2]]);
    assert.equal((await post(second, "/db/execute", insert, headers)).status, 401);
  }
  assert.equal((await second.fetch(query)).status, 401);

  const leaderOf = async () => {
    const { body } = await third.fetch("/nodes", { headers: edge });
    const nodes = Object.entries<{ leader: boolean }>(JSON.parse(body));
    return nodes.find(([, { leader }]) => leader)?.[0];
  };
  const before = await leaderOf();
  const follower = before === second.id ? third : second;
  const headers = follower === third ? edge : root;
  await eventually("the lead to go", async () => {
    return (await post(follower, "/leader", {}, headers)).status === 200;
  });
  await eventually("another leader", async () => {
    const now = await leaderOf();
    return now !== undefined && now !== before;
  });

  // Nothing that anybody can read has a secret in it.
  const gathered: string[] = [];
  for (const node of [bare, second]) {
    for (const path of ["/status", "/nodes", "/debug/vars", "/db/query?q=SELECT", "/leader"]) {
      gathered.push((await node.fetch(path, { headers: root })).body);
    }
    gathered.push(node.log, await Deno.readTextFile(`/proc/${node.pid}/cmdline`));
  }
  for (const secret of [...Object.values(secrets), token, hash]) {
    assert(!gathered.some((text) => text.includes(secret)), secret);
  }
});

Deno.test("a node joins in the name of who may, as a voter or as a read replica", async () => {
  const file = await usersFile(users);
  await using cluster = await Cluster.start({ size: 1, flags: ["-auth", file] });
  const [first] = cluster.nodes;
  assert(first);
  const tried: [string[], string | undefined][] = [
    [[], "unauthorized \\(did you forget to set -join-as\\?\\)"],
    [["-join-as", "ro"], "unauthorized"],
    [["-join-as", "replica"], "unauthorized"],
    [["-join-as", "node", "-raft-non-voter"], "unauthorized"],
    [["-join-as", "nobody"], '-join-as names "nobody", who has no password in the file of users'],
    [["-join-as", "replica", "-raft-non-voter"], undefined],
    [["-join-as", "node"], undefined],
  ];
  for (const [flags, refusal] of tried) {
    const node = cluster.create(flags);
    const joining = ["-join", first.raftAddress, "-join-attempts", "10", "-join-interval", "100ms"];
    node.start(joining);
    if (refusal === undefined) {
      await node.ready();
      continue;
    }
    assert.equal((await node.exited()).code, 1);
    await node.logs(new RegExp(refusal));
  }
});

Deno.test("nodes form a cluster in the name of who may join", async () => {
  const file = await usersFile(users);
  await using cluster = await Cluster.start({ size: 0, flags: ["-auth", file] });
  const nodes = [cluster.create(), cluster.create()];
  const join = nodes.map((node) => node.raftAddress).join(",");
  for (const node of nodes) {
    node.start(["-bootstrap-expect", "2", "-join", join, "-join-as", "node"]);
  }
  for (const node of nodes) await node.ready();
});

Deno.test("users that are read again count for the next request, and broken ones do not", async () => {
  const file = await usersFile(users);
  await using cluster = await Cluster.start({ size: 1, flags: ["-auth", file] });
  const [node] = cluster.nodes;
  assert(node);
  const status = async () =>
    (await node.fetch("/status", { headers: as("ro", secrets.ro) })).status;
  assert.equal(await status(), 401);
  await Deno.writeTextFile(file, JSON.stringify([{ ...users[2], perms: ["status"] }, users[4]]));
  Deno.kill(node.pid, "SIGHUP");
  await eventually("the new right", async () => await status() === 200);
  await Deno.writeTextFile(file, `[{"username": "ro", "password": "${secrets.root}"}]`);
  Deno.kill(node.pid, "SIGHUP");
  await eventually(
    "a line in the log",
    () => node.log.includes('Entry 1 of the file of users ("ro") has no perms'),
  );
  assert.equal(await status(), 200);
  assert(!node.log.includes(secrets.root));
});
