import { strict as assert } from "node:assert";
import { recipes, schema } from "../store/migration_recipes.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

interface StoreStatus {
  readonly db_conf: { readonly fk_constraints: boolean };
}

async function fkConstraints(node: NodeProcess): Promise<boolean> {
  return ((await node.status()).store as StoreStatus).db_conf.fk_constraints;
}

/** What every node's own copy says, once it has applied all. */
async function everywhere(cluster: Cluster, sql: string): Promise<unknown[][][]> {
  return await Promise.all(cluster.nodes.map((node) => node.query(sql)));
}

async function assertSetting(cluster: Cluster, on: boolean): Promise<void> {
  assert.deepEqual(await everywhere(cluster, "PRAGMA foreign_keys"), Array(3).fill([[Number(on)]]));
  assert.deepEqual(await Promise.all(cluster.nodes.map(fkConstraints)), Array(3).fill(on));
}

const orphans = "SELECT id FROM books WHERE author_id = 99 ORDER BY id";

Deno.test("PRAGMA foreign_keys alone is the same on every node, over restart, snapshot and a new leader", async () => {
  await using cluster = await Cluster.start({
    flags: ["-raft-snap", "200", "-raft-snap-int", "1s"],
  });
  const [, second, third] = cluster.nodes as [NodeProcess, NodeProcess, NodeProcess];
  await second.execute(schema);
  await second.execute(["PRAGMA foreign_keys=ON"]);
  await assertSetting(cluster, true);
  await assert.rejects(second.execute(["INSERT INTO books VALUES (30, 99)"]), /FOREIGN KEY/);

  // One restarts with another flag, one comes back by a snapshot that was taken behind the change.
  await second.kill("SIGKILL");
  second.start(["-fk"]);
  await second.ready();
  const leader = await cluster.leader();
  const away = leader === third ? second : third;
  await away.kill("SIGKILL");
  await leader.execute(["PRAGMA foreign_keys(off)"], "transaction");
  const insert = (i: number) => [`INSERT INTO books VALUES (${1000 + i}, 99)`];
  for (let i = 0; i < 300; i++) await leader.execute(insert(i));
  for (const node of cluster.nodes.filter(({ running }) => running)) {
    await node.fetch("/snapshot?trailing_logs=10", { method: "POST" });
  }
  away.start();
  await away.ready();
  await eventually("a snapshot", () => /[Ss]napshot at index \d+ installed/.test(away.log));
  await assertSetting(cluster, false);

  // The next leader has a flag of its own.
  await leader.kill("SIGKILL");
  const next = await cluster.leader(leader);
  await next.execute(["INSERT INTO books VALUES (2000, 99)"]);
  leader.start();
  await leader.ready();
  await assertSetting(cluster, false);
  const rows = await everywhere(cluster, orphans);
  assert.equal(rows[0]?.length, 301);
  assert.deepEqual(rows, Array(3).fill(rows[0]));
});

Deno.test("each recipe that rebuilds a table keeps its children on every node, queued or not", async () => {
  await using cluster = await Cluster.start({ flags: ["-fk"] });
  const [first, second] = cluster.nodes as [NodeProcess, NodeProcess];
  await first.execute(schema);
  for (const { tool, statements } of recipes) {
    for (const parameters of ["", "queue&wait"]) {
      // Others' writes are not touched by it.
      const orphan = ["INSERT INTO books VALUES (30, 99)"];
      await Promise.all([
        second.execute(statements, parameters),
        second.execute(orphan, parameters).catch(() => {}),
        first.execute(orphan, parameters).catch(() => {}),
      ]);
      const books = await everywhere(cluster, "SELECT * FROM books ORDER BY id");
      assert.deepEqual(books, Array(3).fill([[10, 1], [11, 1], [20, 2]]), tool);
      const authors = await everywhere(cluster, "SELECT * FROM authors ORDER BY id");
      assert.deepEqual(authors, Array(3).fill([[1, "one"], [2, "two"]]), tool);
    }
  }
  await assertSetting(cluster, true);
});
