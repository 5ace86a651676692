import { strict as assert } from "node:assert";
import { Cluster, type NodeProcess } from "./harness.ts";

const header = "x-raftlite-index";

async function post(node: NodeProcess, path: string, body: BodyInit): Promise<Response> {
  const type = typeof body === "string" && body.startsWith("[") ? "application/json" : "text/plain";
  return await fetch(`${node.url}${path}`, {
    method: "POST",
    headers: { "content-type": type },
    body,
  });
}

/** What the answer names, which must be there. */
async function indexOf(response: Response): Promise<number> {
  assert.equal(response.status, 200);
  if (!response.bodyUsed) await response.body?.cancel();
  const index = response.headers.get(header);
  assert.match(index ?? "none", /^[1-9][0-9]*$/);
  return Number(index);
}

async function count(node: NodeProcess, query: string, headers: HeadersInit = {}) {
  const url = `${node.url}/db/query?q=SELECT%20count(*)%20FROM%20t&${query}`;
  const response = await fetch(url, { headers });
  return { response, body: await response.text() };
}

function rows(n: number): string {
  return `{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[${n}]]}]}`;
}

Deno.test("A client that says what it has seen reads its own writes at any node", async () => {
  await using cluster = await Cluster.start();
  const [first] = cluster.nodes;
  assert(first);
  await cluster.add(["-raft-non-voter"]);
  let seen = await indexOf(await post(first, "/db/execute", '["CREATE TABLE t (v)"]'));
  let written = 0;
  for (let round = 0; round < 50; round++) {
    for (const [at, writer] of cluster.nodes.entries()) {
      const index = await indexOf(
        await post(writer, "/db/execute", '["INSERT INTO t VALUES (1)"]'),
      );
      assert(index > seen, `${index} was given out after ${seen}`);
      seen = index;
      written++;
      const reader = cluster.nodes[(at + 1) % cluster.nodes.length];
      assert(reader);
      const { response, body } = round % 2 === 0
        ? await count(reader, `level=none&min_index=${seen}`)
        : await count(reader, "level=none", { [header]: String(seen) });
      assert.equal(body, rows(written));
      assert(await indexOf(response) >= seen, "a read tells how far it has seen, too");
    }
  }
});

Deno.test("Whatever has written tells its index", async () => {
  await using cluster = await Cluster.start({ size: 2 });
  const follower = await cluster.follower();
  const indexes = [
    await indexOf(await post(follower, "/db/execute", '["CREATE TABLE t (v)"]')),
    await indexOf(await post(follower, "/db/request", '["INSERT INTO t VALUES (1)","SELECT 1"]')),
    await indexOf(await post(follower, "/db/execute?queue&wait", '["INSERT INTO t VALUES (2)"]')),
    await indexOf(await post(follower, "/db/load", "INSERT INTO t VALUES (3)")),
  ];
  const file = await (await fetch(`${follower.url}/db/backup`)).arrayBuffer();
  indexes.push(await indexOf(await post(follower, "/db/load", file)));
  assert.deepEqual(indexes, [...new Set(indexes)].sort((a, b) => a - b));
  const leader = await cluster.leader();
  assert.equal((await count(leader, `level=none&min_index=${indexes.at(-1)}`)).body, rows(3));
  for (const path of ["/db/execute?queue", "/db/request"]) {
    const silent = await post(follower, path, '["SELECT 1"]');
    await silent.text();
    assert.equal(silent.headers.get(header), null, `${path} has written nothing yet`);
  }
  for (const query of ["min_index=x", "min_index=", "min_index=-1", "min_index=9007199254740993"]) {
    const { response, body } = await count(leader, query);
    assert.equal(response.status, 400);
    assert.equal(body, "min_index is not a valid index\n");
  }
  const { response, body } = await count(leader, "", { [header]: "1, 2" });
  assert.equal(response.status, 400);
  assert.equal(body, "X-Raftlite-Index is not a valid index\n");
});

Deno.test("A node without what its client has seen waits for it, and says how far it is", async () => {
  await using cluster = await Cluster.start({ proxies: true });
  const leader = await cluster.leader();
  const behind = await cluster.follower();
  await leader.execute(["CREATE TABLE t (v)"]);
  await cluster.converged(["SELECT * FROM t"]);
  cluster.isolate(behind);
  const seen = await indexOf(await post(leader, "/db/execute", '["INSERT INTO t VALUES (1)"]'));
  const { response, body } = await count(behind, `level=none&min_index=${seen}&timeout=300ms`);
  assert.equal(response.status, 503);
  assert.match(
    body,
    new RegExp(`^index ${seen} is not here within 300 ms: this node has applied \\d+\n$`),
  );
  assert.equal((await count(behind, "level=none")).body, rows(0));
  const waiting = count(behind, `level=none&min_index=${seen}`);
  // Answered behind the read, which by then waits.
  await behind.status();
  cluster.isolate(undefined);
  assert.equal((await waiting).body, rows(1));
});
