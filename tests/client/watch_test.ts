import { strict as assert } from "node:assert";
import { Client, Refused } from "@raftlite/client";
import { Cluster } from "../cluster/harness.ts";

Deno.test("A watched query is what it comes to, forward only, though the node that tells it is killed", async () => {
  await using cluster = await Cluster.start();
  const urls = cluster.nodes.map(({ url }) => url);
  await using db = new Client(urls, { timeoutMs: 240_000 });
  await db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)");
  const followed = cluster.nodes.at(-1);
  assert(followed);
  await using watcher = new Client([followed.url, ...urls], { timeoutMs: 240_000 });
  const rows = 60;
  const told = Promise.withResolvers<void>();
  const writing = async () => {
    for (let id = 1; id <= rows; id++) {
      await db.execute("INSERT INTO t VALUES (?, ?)", [id, 2n ** 60n]);
      if (id !== 30) continue;
      // Not before it has told something.
      await told.promise;
      await followed.kill("SIGKILL");
    }
  };
  let written: Promise<void> | undefined;
  let [last, states] = [0, 0];
  const sql = "SELECT id, v FROM t WHERE id > ? ORDER BY id DESC";
  for await (const { rows: found, values, index, columns } of watcher.watch(sql, [0])) {
    if (written === undefined) {
      written = writing();
      // Awaited below; the loop may throw first.
      written.catch(() => {});
    }
    assert.deepEqual(columns, ["id", "v"]);
    assert(index >= last, `The index goes back from ${last} to ${index}`);
    last = index;
    states++;
    assert.deepEqual(values, Array.from(found, (_, at) => [found.length - at, 2n ** 60n]));
    if (found.length > 0) told.resolve();
    if (found.length === rows) break;
  }
  await written;
  assert(states > 2, `Only ${states} states were told`);
  assert(watcher.seenIndex >= last);

  await assert.rejects(async () => {
    for await (const _ of watcher.watch("SELECT * FROM u")) break;
  }, Refused);
  const controller = new AbortController();
  const { signal } = controller;
  await assert.rejects(async () => {
    for await (const _ of watcher.watch("SELECT 1", [], { signal })) {
      controller.abort(new Error("enough"));
    }
  }, /enough/);
  await assert.rejects(async () => {
    for await (const _ of watcher.watch("SELECT id FROM t")) {
      await db.execute("DROP TABLE IF EXISTS t");
    }
  }, /no such table: t/);
});
