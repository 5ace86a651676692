import { strict as assert } from "node:assert";
import { newestVersion } from "../../src/raft/cluster_version.ts";
import { handOver } from "../cluster/hand_over.ts";
import { Cluster, eventually, type NodeProcess } from "../cluster/harness.ts";
import { schema, Workload } from "../cluster/workload.ts";
import { testBeside } from "./earlier_tree.ts";
import { releases } from "./releases.ts";

async function restart(node: NodeProcess, mainPath: string | undefined): Promise<void> {
  await node.kill("SIGTERM");
  node.mainPath = mainPath;
  node.start();
  await node.ready();
}

async function versionAt(node: NodeProcess): Promise<number> {
  return JSON.parse((await node.fetch("/upgrade")).body).version;
}

/** A write that only a cluster of version 2 carries out. */
async function writeWithKey(node: NodeProcess): Promise<string> {
  const { status, body } = await node.fetch("/db/execute", {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": '"k"' },
    body: '["CREATE TABLE IF NOT EXISTS keyed (x)"]',
  });
  return `${status} ${body.trim()}`;
}

/** An answer that a leader of version 1 cannot give. */
async function writeByHrana(node: NodeProcess): Promise<string> {
  const requests = [{ type: "execute", stmt: { sql: "CREATE TABLE IF NOT EXISTS hrana (x)" } }];
  const body = JSON.stringify({ requests });
  return (await node.fetch("/v2/pipeline", { method: "POST", body })).body;
}

async function writeExactly(node: NodeProcess): Promise<string> {
  const { status, body } = await node.fetch("/db/execute?exact", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '["CREATE TABLE IF NOT EXISTS exact (x)"]',
  });
  return `${status} ${body.trim()}`;
}

async function raise(node: NodeProcess): Promise<string> {
  const { status, body } = await node.fetch("/upgrade", { method: "POST" });
  return `${status} ${body.trim()}`;
}

/** Waits for a node to give up with these words. */
async function endsWith(node: NodeProcess, words: RegExp): Promise<void> {
  await node.logs(words);
  assert.notEqual((await node.exited()).code, 0);
}

for (const release of releases) {
  await testBeside(
    release,
    "the version is raised under load once all nodes can, and there is no way back from then on",
    async ({ mainPath }) => {
      await using cluster = await Cluster.start({ mainPath });
      await cluster.nodes[0]?.execute(schema);
      const load = new Workload(cluster, { name: "raising", writers: 4 });
      await eventually("some writes", () => load.acknowledged.length > 100);
      const [first, second, third] = cluster.nodes;
      assert(first && second && third);

      for (const node of [first, second]) await restart(node, undefined);
      for (const node of [first, second]) {
        for (const leader of cluster.nodes) {
          await handOver(node, leader);
          assert.match(
            await writeWithKey(node),
            /^400 The cluster has version 1, this needs version 2: once all nodes .* POST \/upgrade/,
            `${node.id} while ${leader.id} leads`,
          );
        }
        assert.match(
          await writeExactly(node),
          await node.leaderId() === node.id
            ? /^200 /
            : /^400 The cluster has version 1, exact needs version 2 in writes: once all nodes/,
        );
        assert.match(
          await writeByHrana(node),
          await node.leaderId() === node.id
            ? /"type":"ok"/
            : /The cluster has version 1, libSQL's protocol needs version 2 in writes: once all nodes/,
        );
        const report = JSON.parse((await node.fetch("/upgrade")).body);
        assert.equal(report.can_be_raised, false);
        assert.equal(report.nodes[third.id].newest, release.version);
        const refusal: string = `409 Not raised to version ${newestVersion}: node ${third.id} at ` +
          `${third.raftAddress} knows versions up to ${release.version} only: start a newer release`;
        assert.equal(await raise(node), refusal);
      }
      await restart(third, undefined);
      for (const node of cluster.nodes) assert.equal(await versionAt(node), release.version);
      const follower = await cluster.follower();
      assert.equal(await raise(follower), `200 {"version":${newestVersion}}`);
      assert.equal(await raise(follower), `200 {"version":${newestVersion}}`, "a second time");
      for (const node of cluster.nodes) {
        await eventually("it to know", async () => await versionAt(node) === newestVersion);
      }

      for (const node of cluster.nodes) assert.match(await writeWithKey(node), /^200 /);
      const acknowledged = load.acknowledged.length;
      await eventually("writes after it", () => load.acknowledged.length > acknowledged + 100);
      await third.kill("SIGTERM");
      third.mainPath = mainPath;
      third.start();
      await endsWith(third, /Log format 3 is not the one that this program reads, 2: start the/);

      const comer = cluster.create();
      comer.mainPath = mainPath;
      comer.start(["-join", first.raftAddress, "-join-attempts", "5", "-join-interval", "100ms"]);
      await endsWith(comer, /Too old: the cluster has version 2, its raftlite knows versions up/);

      cluster.mainPath = undefined;
      third.mainPath = undefined;
      third.start();
      await third.ready();
      for (const node of [first, second]) await restart(node, undefined);
      for (const node of [first, second, third]) assert.equal(await versionAt(node), newestVersion);
      await first.fetch("/snapshot?trailing_logs=0", { method: "POST" });
      const later = await cluster.add();
      assert.equal(await versionAt(later), newestVersion);
      await load.stop();
      await load.verify();
    },
  );
}

Deno.test("a cluster that this release begins has its version from the start", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [only] = cluster.nodes;
  assert(only);
  assert.equal(await versionAt(only), newestVersion);
});
