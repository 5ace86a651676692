import assert from "node:assert/strict";
import { transactionModes } from "../../src/cluster/transactions/transaction.ts";
import { type Answer, Cluster, eventually, type NodeProcess } from "./harness.ts";

async function post(
  node: NodeProcess,
  path: string,
  body: unknown = "",
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return await node.fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: body === "" ? "" : JSON.stringify(body),
  });
}

async function begin(node: NodeProcess, asked: object = {}, query = ""): Promise<string> {
  const { status, body } = await post(node, `/db/begin?${query}`, asked);
  if (status !== 200) throw new Error(`${status} ${body}`);
  return encodeURIComponent(JSON.parse(body).tx);
}

async function run(node: NodeProcess, tx: string, ...sql: unknown[]): Promise<string> {
  const { status, body } = await post(node, `/db/request?tx=${tx}`, sql);
  if (status !== 200) throw new Error(`${status} ${body}`);
  return body;
}

const table = "CREATE TABLE t (id INTEGER PRIMARY KEY, v)";
const insert = "INSERT INTO t (v) VALUES (1)";
const rows = "SELECT count(*) FROM t";

/** Sends twenty writes at once, then several ends and more, to both of two nodes. */
async function allAtOnce(nodes: readonly NodeProcess[], mode: string): Promise<void> {
  const [one] = nodes;
  assert(one);
  const nth = (n: number) => nodes[n % nodes.length] ?? one;
  const before = Number((await one.query(rows))[0]?.[0]);
  const tx = await begin(one, { mode });
  const inserts = Array.from({ length: 20 }, (_, n) => run(nth(n), tx, insert));
  const ids = (await Promise.all(inserts)).map((body): number =>
    JSON.parse(body).results[0].last_insert_id - before
  );
  assert.deepEqual(ids.sort((a, b) => a - b), Array.from({ length: 20 }, (_, n) => n + 1), mode);
  const ends = await Promise.all([
    ...Array.from({ length: 6 }, (_, n) => post(nth(n), `/db/commit?tx=${tx}`)),
    post(one, `/db/request?tx=${tx}`, [insert]),
    post(one, `/db/rollback?tx=${tx}`),
  ]);
  const done = ends.filter(({ status }) => status === 200);
  const told = JSON.stringify(ends);
  assert.ok(ends.every(({ status }) => status === 200 || status === 410), told);
  // One of them came first and was the end of it, be it the rollback.
  const commits = ends.slice(0, 6).filter(({ status }) => status === 200).length;
  const isRolledBack = ends.at(-1)?.status === 200;
  assert.equal(commits, isRolledBack ? 0 : 1, told);
  // The one more write came before the commit, or not at all.
  const after = Number((await one.query(rows))[0]?.[0]);
  assert.equal(after, isRolledBack ? before : before + 20 + done.length - 1, told);
}

Deno.test("Requests of one transaction that come at once are done one by one, and it ends once", async () => {
  await using cluster = await Cluster.start({ size: 2 });
  await cluster.nodes[0]?.execute([table]);
  for (const mode of ["deferred", "immediate", "concurrent"]) await allAtOnce(cluster.nodes, mode);
});

Deno.test("A transaction that is too large stays as it was, and goes on", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  await node.execute([table]);
  const big = "x".repeat(3 * 1024 * 1024);
  for (const mode of ["deferred", "concurrent"]) {
    await node.execute(["DELETE FROM t"]);
    const tx = await begin(node, { mode });
    const statuses: number[] = [];
    for (let n = 0; n < 4; n++) {
      const sql = ["INSERT INTO t (v) VALUES (?)", big];
      statuses.push((await post(node, `/db/execute?tx=${tx}`, [sql])).status);
    }
    assert.deepEqual(statuses, [200, 200, 413, 413], mode);
    await run(node, tx, insert);
    assert.equal((await post(node, `/db/commit?tx=${tx}`)).status, 200);
    assert.deepEqual(await node.query(rows), [[3]]);
  }
});

Deno.test("Transactions that are begun and forgotten are refused beyond a bound, and gone after their time", async () => {
  await using cluster = await Cluster.start({ size: 1, flags: ["-tx-idle-timeout", "2s"] });
  const [node] = cluster.nodes;
  assert(node);
  await node.execute([table]);
  const answers: Answer[] = [];
  for (let n = 0; n < 1500; n += 100) {
    answers.push(
      ...await Promise.all(Array.from({ length: 100 }, (_, at) => {
        const mode = at % 2 === 0 ? "read" : "concurrent";
        return post(node, "/db/begin", { mode });
      })),
    );
  }
  const open = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status !== 200);
  assert.ok(refused.every(({ status, body }) => status === 503 && /Too many trans/.test(body)));
  assert.ok(open.length >= 1024, `${open.length}`);
  // What some of them hold, or have left open, keeps nobody from writing.
  const first = JSON.parse(open.at(-1)?.body ?? "").tx;
  await post(node, `/db/request?tx=${encodeURIComponent(first)}`, [insert]);
  await node.execute([insert]);
  await eventually(
    "room for another",
    async () => (await post(node, "/db/begin", { mode: "read" })).status === 200,
  );
  await eventually(
    "all of them to be over",
    async () => (await post(node, `/db/commit?tx=${encodeURIComponent(first)}`)).status === 410,
  );
  assert.deepEqual(await node.query(rows), [[1]]);
});

Deno.test("A node that is stopped rolls its transactions back, and lets go of the turn to write", async () => {
  await using cluster = await Cluster.start();
  await cluster.nodes[0]?.execute([table]);
  for (const whose of ["follower", "leader"] as const) {
    const node = await cluster[whose]();
    const others = cluster.nodes.filter((other) => other !== node);
    const [other] = others;
    assert(other);
    const open: string[] = [];
    for (const mode of transactionModes) {
      const tx = await begin(node, { mode }, "timeout=20s");
      if (mode === "immediate") await run(other, tx, insert);
      else await run(other, tx, rows);
      open.push(tx);
    }
    const waiting = other.execute([insert], "timeout=20s");
    const { code } = await node.kill("SIGTERM");
    assert.equal(code, 0, node.log);
    // Long before the turn would be over by itself, were it not let go of.
    await waiting;
    for (const tx of open) {
      const { status, body } = await post(other, `/db/commit?tx=${tx}&timeout=1s`);
      assert.equal(status, 503, body);
      assert.doesNotMatch(body, /^Outcome unknown/);
    }
    node.start();
    await node.ready();
    for (const tx of open) {
      assert.equal((await post(other, `/db/commit?tx=${tx}`)).status, 404);
    }
  }
  const [counted] = await cluster.converged([rows]);
  assert.deepEqual(counted, [[2]]);
});

Deno.test("A snapshot that replaces a node's database meets its open transactions", async () => {
  const flags = ["-tx-idle-timeout", "60s"];
  await using cluster = await Cluster.start({ flags, proxies: true });
  await cluster.nodes[0]?.execute([table, "CREATE TABLE u (v)", "INSERT INTO u VALUES (1)"]);
  const follower = await cluster.follower();
  const leader = await cluster.leader();
  const key = { "idempotency-key": '"behind-a-snapshot"' };
  const fits = await begin(follower, { mode: "concurrent" });
  await run(follower, fits, "SELECT v FROM u", insert);
  const keyed = await begin(follower, { mode: "concurrent" });
  await run(follower, keyed, "CREATE TABLE w (v)", "INSERT INTO w SELECT v FROM u");
  const reads = await begin(follower, { mode: "read" });
  await run(follower, reads, "SELECT v FROM u");
  const changed = await begin(follower, { mode: "concurrent" });
  await run(follower, changed, "SELECT count(*) FROM t");
  cluster.isolate(follower);
  const filling = "INSERT INTO t (id, v) VALUES (?, randomblob(20000))";
  for (let n = 0; n < 20; n++) await leader.execute([[filling, 1000 + n]]);
  assert.ok((await leader.fetch("/snapshot?trailing_logs=0", { method: "POST" })).status < 300);
  await leader.execute(["DELETE FROM t WHERE id >= 1000"]);
  cluster.isolate(undefined);
  await eventually("the snapshot to be installed", async () => {
    const { body } = await follower.fetch("/debug/vars");
    return JSON.parse(body).store.num_restores > 0;
  });
  await cluster.converged([rows]);
  const over = await post(leader, `/db/request?tx=${changed}`, ["SELECT 1"]);
  assert.equal(over.status, 200, `${over.body}: t has as many rows again`);
  const lost = await post(leader, `/db/request?tx=${reads}`, ["SELECT v FROM u"]);
  assert.equal(lost.status, 410, lost.body);
  assert.match(await run(leader, fits, rows), /\[\[1\]\]/);
  assert.equal((await post(leader, `/db/commit?tx=${fits}`)).status, 200);
  const commit = () => post(leader, `/db/commit?tx=${keyed}`, "", key);
  assert.equal((await commit()).status, 200);
  assert.equal((await commit()).status, 410);
  const outcome = await leader.fetch("/db/outcome", { headers: key });
  assert.equal(outcome.status, 200, outcome.body);
  const [t, w] = await cluster.converged([rows, "SELECT v FROM w"]);
  assert.deepEqual([t, w], [[[1]], [[1]]]);
});
