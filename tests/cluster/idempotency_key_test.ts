import { strict as assert } from "node:assert";
import { Prng } from "../../src/base/prng.ts";
import { anySeed } from "../store/seeds.ts";
import { Cluster, type NodeProcess } from "./harness.ts";

interface Keyed {
  readonly status: number;
  readonly body: string;
  readonly replayed: boolean;
}

async function send(
  node: NodeProcess,
  path: string,
  key: string,
  body?: string,
): Promise<Keyed> {
  const response = await fetch(`${node.url}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      "content-type": body?.startsWith("[") ? "application/json" : "text/plain",
      "idempotency-key": key,
    },
    signal: AbortSignal.timeout(120_000),
    ...(body === undefined ? {} : { body }),
  });
  return {
    status: response.status,
    body: await response.text(),
    replayed: response.headers.get("idempotency-replayed") === "true",
  };
}

const insert = '["INSERT INTO t(v) VALUES (random())"]';

Deno.test("A write that is repeated under its key, at any node and by any way in, is done once", async () => {
  await using cluster = await Cluster.start();
  const leader = await cluster.leader();
  const follower = await cluster.follower();
  await leader.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
  const ways: [path: string, body: string][] = [
    ["/db/execute", insert],
    ["/db/execute?transaction&timings", insert],
    ["/db/request?associative", '["INSERT INTO t(v) VALUES (1) RETURNING *", "SELECT * FROM t"]'],
    ["/db/load", "INSERT INTO t(v) VALUES (2); INSERT INTO t(v) VALUES (3)"],
  ];
  for (const [i, [path, body]] of ways.entries()) {
    const first = await send(follower, path, `"way ${i}"`, body);
    assert.deepEqual([first.status, first.replayed], [200, false], first.body);
    const { rows } = await counted(leader);
    for (const node of cluster.nodes) {
      const again = await send(node, path, `"way ${i}"`, body);
      assert.equal(again.status, 200);
      assert.equal(again.replayed, true);
      assert.deepEqual(JSON.parse(again.body).results, JSON.parse(first.body).results);
      const asked = await send(node, "/db/outcome", `"way ${i}"`);
      assert.deepEqual(JSON.parse(asked.body).results, JSON.parse(first.body).results);
    }
    assert.equal((await counted(leader)).rows, rows, path);
  }
  for (let i = 0; i < 2; i++) {
    assert.equal((await send(follower, "/db/execute?queue&wait", "queued", insert)).status, 200);
  }
  assert.equal((await counted(leader)).rows, ways.length + 2);
  const other = await send(leader, "/db/execute", "queued", '["DELETE FROM t"]');
  assert.deepEqual([other.status, other.body], [
    422,
    "Idempotency-Key was another request's: choose a new one\n",
  ]);
  assert.equal((await send(leader, "/db/outcome", "unheard-of")).status, 404);
  assert.equal((await send(leader, "/db/execute", "with a blank", insert)).status, 400);
  const file = await fetch(`${leader.url}/db/load`, {
    method: "POST",
    headers: { "idempotency-key": "k" },
    body: "SQLite format 3\0",
  });
  assert.equal(file.status, 400, await file.text());
});

async function counted(node: NodeProcess): Promise<{ rows: unknown }> {
  const [[rows] = []] = await node.query("SELECT count(*) FROM t");
  return { rows };
}

Deno.test("Clients that repeat until they are answered have each write done once, whoever is killed", async () => {
  const seed = anySeed();
  const random = new Prng(seed);
  await using cluster = await Cluster.start();
  await cluster.nodes[0]?.execute(["CREATE TABLE t (k TEXT, n)"]);
  const answers = new Map<string, string>();
  let repeated = 0;
  const client = async (name: number) => {
    for (let n = 0; n < 40; n++) {
      const key = `${name}-${n}`;
      const body = JSON.stringify([["INSERT INTO t VALUES (?, random())", key]]);
      for (;;) {
        const node = cluster.nodes[random.below(cluster.nodes.length)];
        assert(node);
        const answer = await send(node, "/db/execute?timeout=2s", key, body).catch(() => undefined);
        if (answer?.status !== 200) {
          repeated++;
          continue;
        }
        answers.set(key, answer.body);
        break;
      }
    }
  };
  const clients = Array.from({ length: 8 }, (_, name) => client(name));
  for (let kills = 0; kills < 3; kills++) {
    const leader = await cluster.leader();
    await leader.kill("SIGKILL");
    leader.start();
    await leader.ready();
  }
  await Promise.all(clients);
  const [rows] = await cluster.converged(["SELECT k FROM t ORDER BY k"]);
  assert.deepEqual(rows?.flat(), [...answers.keys()].sort(), `seed ${seed}, ${repeated} repeats`);
  // After all nodes were off at once, and at one that has it all by a snapshot.
  await Promise.all(cluster.nodes.map((node) => node.kill("SIGKILL")));
  for (const node of cluster.nodes) node.start();
  for (const node of cluster.nodes) await node.ready();
  const leader = await cluster.leader();
  assert.equal((await leader.fetch("/snapshot?trailing_logs=1", { method: "POST" })).status, 200);
  const late = await cluster.add();
  for (const [key, answer] of [...answers].slice(0, 20)) {
    const body = JSON.stringify([["INSERT INTO t VALUES (?, random())", key]]);
    const again = await send(late, "/db/execute", key, body);
    assert.deepEqual([again.body, again.replayed], [answer, true], `seed ${seed}, ${key}`);
  }
});
