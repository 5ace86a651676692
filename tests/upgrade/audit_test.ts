import { strict as assert } from "node:assert";
import { handOver } from "../cluster/hand_over.ts";
import { Cluster, eventually, type NodeProcess } from "../cluster/harness.ts";
import { withDirectory } from "../directory.ts";
import { testBeside } from "./earlier_tree.ts";
import { releases } from "./releases.ts";

type Line = Readonly<Record<string, unknown>>;

async function removalIn(path: string): Promise<Line | undefined> {
  const lines = (await Deno.readTextFile(path)).split("\n").filter((line) => line !== "");
  return lines.map((line): Line => JSON.parse(line)).findLast(({ what }) => what === "remove");
}

function remove(through: NodeProcess, id: string) {
  return through.fetch("/remove", { method: "DELETE", body: JSON.stringify({ id }) });
}

for (const release of releases) {
  await testBeside(
    release,
    "what is passed on to a node of before is done, and what that passes on is told of",
    ({ mainPath }) =>
      withDirectory(async (directory) => {
        await using cluster = await Cluster.start({ mainPath, size: 1 });
        const [older] = cluster.nodes;
        cluster.mainPath = undefined;
        const path = `${directory}/audit.log`;
        const newer = await cluster.add(["-audit-log", path]);
        assert(older);
        for (const [leader, through] of [[older, newer], [newer, older]] as const) {
          await handOver(older, leader);
          const third = await cluster.add();
          assert.equal((await remove(through, third.id)).status, 200);
          const line = await eventually("the line", async () => {
            const removal = await removalIn(path);
            return removal?.target === third.id && removal;
          });
          assert.equal(line.outcome, "ok");
          // A node of before does not say who asked it.
          if (leader === newer) assert.equal(line.through_node, older.id);
          assert.equal(line.address, leader === newer ? undefined : "127.0.0.1");
          await third.end();
        }
      }),
  );
}
