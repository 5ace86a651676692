import { strict as assert } from "node:assert";
import { Prng } from "../../src/base/prng.ts";
import { handOver } from "../cluster/hand_over.ts";
import { Cluster, eventually, type NodeProcess } from "../cluster/harness.ts";
import { schema, Workload } from "../cluster/workload.ts";
import { testBeside } from "./earlier_tree.ts";
import { releases } from "./releases.ts";
import { anySeed } from "../store/seeds.ts";

const seed = anySeed();
const prng = new Prng(seed);

function shuffled<T>(items: readonly T[]): T[] {
  const rest = [...items];
  return items.flatMap(() => rest.splice(prng.uint32() % rest.length, 1));
}

/** Has a node run another program from now on. */
async function move(
  node: NodeProcess,
  { to, signal = "SIGTERM" }: { readonly to: string | undefined; readonly signal?: Deno.Signal },
): Promise<void> {
  await node.kill(signal);
  node.mainPath = to;
  node.start();
  await node.ready();
}

/** Writes through each node, and reads what every other one makes of it. */
async function assertAllServe(cluster: Cluster, what: string): Promise<void> {
  for (const node of cluster.nodes) {
    const key = `${what} through ${node.id}`;
    await node.execute([["INSERT INTO writes (key) VALUES (?)", key]]);
    for (const other of cluster.nodes) {
      const rows = await other.query(`SELECT count(*) FROM writes WHERE key = '${key}'`);
      assert.deepEqual(rows, [[1]], `${other.id}, asked for: ${key}`);
    }
  }
}

for (const release of releases) {
  await testBeside(
    release,
    "nodes go over one by one under load, in any order, and back",
    async ({ mainPath }) => {
      console.log(`RAFTLITE_SEED=${seed}`);
      await using cluster = await Cluster.start({ mainPath });
      await cluster.nodes[0]?.execute(schema);
      const load = new Workload(cluster, { name: "rolling", writers: 4 });
      await eventually("some writes", () => load.acknowledged.length > 100);
      for (const to of [undefined, mainPath]) {
        for (const [i, node] of shuffled(cluster.nodes).entries()) {
          await move(node, { to, signal: i === 1 ? "SIGKILL" : "SIGTERM" });
          const acknowledged = load.acknowledged.length;
          await eventually("writes with it", () => load.acknowledged.length > acknowledged + 50);
          await assertAllServe(cluster, `${to === undefined ? "there" : "back"} ${i}`);
        }
      }
      await load.stop();
      await load.verify();
    },
  );

  for (const comes of ["the later", "the earlier"] as const) {
    await testBeside(
      release,
      `a node of ${comes} release joins one of the other's, by a snapshot, leads, and is removed`,
      async ({ mainPath }) => {
        await using cluster = await Cluster.start({ mainPath, size: 1 });
        const [first] = cluster.nodes;
        assert(first);
        await first.execute(schema);
        if (comes === "the earlier") await move(first, { to: undefined });
        const load = new Workload(cluster, { name: "joining", writers: 2 });
        await eventually("some writes", () => load.acknowledged.length > 50);
        await first.fetch("/snapshot?trailing_logs=0", { method: "POST" });
        cluster.mainPath = comes === "the earlier" ? mainPath : undefined;
        const comer = await cluster.add();
        await eventually(
          "a snapshot",
          () => /Snapshot at index \d+ installed/.test(comer.log),
        );
        await assertAllServe(cluster, "joined");
        await handOver(first, comer);
        await assertAllServe(cluster, "handed over");
        await handOver(comer, first);
        await load.stop();
        await load.verify();
        const removal = { method: "DELETE", body: JSON.stringify({ id: comer.id }) };
        const removed = await comer.fetch("/remove", removal);
        assert.equal(removed.status, 200, removed.body);
        await eventually("a cluster of one", async () => {
          const { body } = await first.fetch("/nodes?nonvoters");
          return Object.keys(JSON.parse(body)).length === 1;
        });
      },
    );
  }
}
