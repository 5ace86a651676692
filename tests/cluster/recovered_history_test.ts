import { strict as assert } from "node:assert";
import { withDirectory } from "../directory.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

interface Standing {
  readonly index: number;
  readonly failing?: { readonly error: string };
}

async function standing(node: NodeProcess, part: "archive" | "standby"): Promise<Standing> {
  return (await node.status())[part] as Standing;
}

async function reaches(node: NodeProcess, part: "archive" | "standby", index: number) {
  await eventually(
    () => `${part} at ${index}\n${node.log}`,
    async () => (await standing(node, part)).index >= index,
  );
}

async function failure(node: NodeProcess, part: "archive" | "standby"): Promise<string> {
  let error: string | undefined;
  await eventually(
    () => `${part} to fail\n${node.log}`,
    async () => (error = (await standing(node, part)).failing?.error) !== undefined,
  );
  return error ?? "";
}

const rows = "SELECT group_concat(v) FROM t";

Deno.test("a cluster that is recovered without a term and its last entries adds nothing to an archive or a standby that has them", async () => {
  await withDirectory(async (directory) => {
    const [before, behind] = [`${directory}/before`, `${directory}/behind`];
    const flags = ["-archive-lag", "50ms", "-archive"];
    await using cluster = await Cluster.start({ flags: [...flags, before] });
    await using afar = await Cluster.start({ size: 0 });
    const standby = afar.create(["-poll", "50ms", "-from", before]);
    standby.subCommand = "standby";
    const first = await cluster.leader();
    await first.write("CREATE TABLE t (v)", "INSERT INTO t VALUES (1)");
    await cluster.converged([rows]);
    const left = await cluster.follower();
    await left.kill();
    const second = cluster.nodes.find((node) => node !== first && node !== left);
    assert(second);
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ id: second.id });
    assert.equal((await first.fetch("/leader", { method: "POST", headers, body })).status, 200);
    await cluster.leader();
    let lost = 0;
    for (let v = 10; v < 15; v++) lost = await second.write(`INSERT INTO t VALUES (${v})`);
    await reaches(second, "archive", lost);
    standby.start();
    await reaches(standby, "standby", lost);
    const had = await standby.query(rows, "none");
    for (const node of [first, second, standby]) await node.kill();

    const peers = [{ id: left.id, address: left.raftAddress, non_voter: false }];
    await Deno.writeTextFile(`${left.directory}/raft/peers.json`, JSON.stringify(peers));
    left.start([...flags, behind]);
    await left.ready();
    // Its first base copy, which is of no later entry than the standby's last.
    await reaches(left, "archive", 1);
    let last = 0;
    for (let v = 20; v < 30; v++) last = await left.write(`INSERT INTO t VALUES (${v})`);
    assert(last > lost);
    await reaches(left, "archive", last);
    standby.start(["-from", behind]);
    assert.match(
      await failure(standby, "standby"),
      /has not entry \d+ as it is here.*empty directory/,
    );
    assert.deepEqual(await standby.query(rows, "none"), had);

    await left.kill();
    left.start();
    await left.ready();
    assert.match(await failure(left, "archive"), /another history than this cluster/);
  });
});
