import { strict as assert } from "node:assert";
import { withDirectory } from "../directory.ts";
import { join } from "node:path";
import { Authority, type Issued } from "../tls/authority.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";
import { schema, Workload } from "./workload.ts";
import { testWithNodeTls } from "../tls/where_there_is_tls.ts";

/** The flags of mutual TLS, by files that may be exchanged. */
function tlsFlags({ certPath, keyPath }: Issued, caPath: string): string[] {
  return [
    ...["-node-cert", certPath, "-node-key", keyPath],
    ...["-node-ca-cert", caPath, "-node-verify-client"],
  ];
}

async function mux(node: NodeProcess): Promise<Record<string, unknown>> {
  const { body } = await node.fetch("/status?key=mux");
  return JSON.parse(body);
}

/** Of a node that joins in vain: it gives up soon. */
const hurried = ["-join-attempts", "5", "-join-interval", "100ms"];

/** Restarts each node after the other, the cluster going on meanwhile. */
async function restartAll(
  cluster: Cluster,
  load: Workload,
  flags: readonly string[],
): Promise<void> {
  for (const node of cluster.nodes) {
    await node.kill("SIGTERM");
    const before = load.acknowledged.length;
    await eventually("writes without it", () => load.acknowledged.length > before + 20);
    node.start(flags);
    await node.ready();
    const after = load.acknowledged.length;
    await eventually("writes with it", () => load.acknowledged.length > after + 20);
  }
}

const secret = "0123456789abcdef".repeat(4);
const otherSecret = "fedcba9876543210".repeat(4);

testWithNodeTls(
  "a cluster goes from plain to TLS and to another authority under load, and loses nothing",
  () =>
    withDirectory(async (directory) => {
      const one = await Authority.create(directory, "one");
      const two = await Authority.create(directory, "two");
      const issued = await one.issue({ name: "node" });
      const caPath = join(directory, "authorities.pem");
      await Deno.copyFile(one.caPath, caPath);
      const flags = tlsFlags(issued, caPath);

      await using cluster = await Cluster.start();
      await cluster.nodes[0]?.execute(schema);
      const load = new Workload(cluster, { name: "transition", writers: 4 });
      await restartAll(cluster, load, [...flags, "-node-accept-plain"]);
      for (const node of cluster.nodes) {
        await node.logs(/WARN .*-node-accept-plain: nodes without TLS are let in/);
        assert.equal((await mux(node)).accepts_plain, true);
      }
      await restartAll(cluster, load, flags);
      for (const node of cluster.nodes) {
        const { tls, accepts_plain } = await mux(node);
        assert.deepEqual([tls, accepts_plain], ["enabled", false]);
      }

      // The files are exchanged under the running nodes, and no longer those of the first authority.
      const read = async (times: number) => {
        await eventually(
          "all nodes to have read the files again",
          () =>
            cluster.nodes.every((node) =>
              [...node.log.matchAll(/certificate for the other nodes was read again/g)].length >=
                times
            ),
        );
      };
      const texts = await Promise.all([one, two].map(({ caPath }) => Deno.readTextFile(caPath)));
      await Deno.writeTextFile(caPath, texts.join(""));
      await read(1);
      const whole = await Deno.readTextFile(issued.certPath);
      await Deno.writeTextFile(issued.certPath, whole.slice(0, 100));
      await eventually("all nodes to refuse half a file", () =>
        cluster.nodes.every(({ log }) =>
          /ERROR .*certificate for the other nodes stays as it was/.test(log)
        ));
      const next = await two.issue({ name: "next" });
      await Deno.rename(next.keyPath, issued.keyPath);
      await Deno.rename(next.certPath, issued.certPath);
      await read(2);
      await Deno.writeTextFile(caPath, texts[1] ?? "");
      await read(3);
      await restartAll(cluster, load, flags);
      await load.stop();
      await load.verify();
    }),
);

testWithNodeTls(
  "a plain node and one with another certificate are kept out, and told why",
  () =>
    withDirectory(async (directory) => {
      const one = await Authority.create(directory, "one");
      const two = await Authority.create(directory, "two");
      const flags = tlsFlags(await one.issue({ name: "node" }), one.caPath);
      await using cluster = await Cluster.start({ size: 1 });
      const [first] = cluster.nodes;
      assert.ok(first);
      await first.kill("SIGTERM");
      first.start(flags);
      await first.ready();
      const joining = ["-join", first.raftAddress, ...hurried];

      const plain = cluster.create();
      plain.start(joining);
      assert.equal((await plain.exited()).code, 1);
      await plain.logs(/speaks without TLS, the one that it called takes only TLS/);
      await first.logs(/WARN .*speaks without TLS, the one that it called takes only TLS/);

      const foreign = cluster.create();
      foreign.start([...joining, ...tlsFlags(await two.issue({ name: "foreign" }), two.caPath)]);
      assert.equal((await foreign.exited()).code, 1);
      await foreign.logs(/certificate is not believed/);

      const own = cluster.create();
      own.start([...joining, ...flags]);
      await own.ready();
      assert.equal((await first.query("SELECT 1"))[0]?.[0], 1);
    }),
);

testWithNodeTls(
  "nodes that share a secret form a cluster by TLS; another secret is kept out",
  () =>
    withDirectory(async (directory) => {
      const path = join(directory, "secret");
      const otherPath = join(directory, "other");
      await Deno.writeTextFile(path, `${secret}\n`, { mode: 0o600 });
      await Deno.writeTextFile(otherPath, `${otherSecret}\n`, { mode: 0o644 });
      await using cluster = await Cluster.start({ flags: ["-node-auto-tls", path] });
      const [first] = cluster.nodes;
      assert.ok(first);
      await first.execute(schema);
      for (const node of cluster.nodes) {
        const { tls, verifies_clients, certificate } = await mux(node);
        assert.deepEqual([tls, verifies_clients], ["enabled", true]);
        assert.equal((certificate as { subject: string }).subject, `CN=${node.id}`);
      }
      const stranger = cluster.create(["-node-auto-tls", otherPath]);
      const members = cluster.nodes.filter((node) => node !== stranger);
      stranger.start(["-join", first.raftAddress, ...hurried]);
      assert.equal((await stranger.exited()).code, 1);
      await stranger.logs(/certificate is not believed/);
      await stranger.logs(/other can be read by other users of this machine: chmod 600/);
      assert.ok(!stranger.log.includes(otherSecret));

      // The next secret: believed by all, then shown by all, then alone.
      cluster.nodes.splice(cluster.nodes.indexOf(stranger), 1);
      const load = new Workload(cluster, { name: "rotation", writers: 2 });
      const steps = [`${secret}\n${otherSecret}`, `${otherSecret}\n${secret}`, otherSecret];
      for (const [index, text] of steps.entries()) {
        await Deno.writeTextFile(path, text);
        await eventually(
          "new certificates",
          () =>
            members.every((node) =>
              [...node.log.matchAll(/Made a certificate for the other nodes/g)].length > index
            ),
        );
      }
      await restartAll(cluster, load, []);
      await load.stop();
      await load.verify();
    }),
);

testWithNodeTls(
  "files that do not do are named at the start",
  () =>
    withDirectory(async (directory) => {
      const one = await Authority.create(directory, "one");
      const [a, b] = [await one.issue({ name: "a" }), await one.issue({ name: "b" })];
      const short = join(directory, "short");
      await Deno.writeTextFile(short, "correct horse battery");
      await using cluster = await Cluster.start({ size: 0 });
      const starts: readonly [flags: string[], message: RegExp][] = [
        [["-node-cert", a.certPath, "-node-key", b.keyPath], /does not belong to the certificate/],
        [
          ["-node-cert", "/nowhere.pem", "-node-key", b.keyPath],
          /\/nowhere\.pem: there is no such file/,
        ],
        [["-node-auto-tls", short], /has 21 characters, .*openssl rand -hex 32/],
      ];
      for (const [flags, message] of starts) {
        const node = cluster.create();
        node.start(flags);
        assert.equal((await node.exited()).code, 1);
        await node.logs(message);
      }
    }),
);
