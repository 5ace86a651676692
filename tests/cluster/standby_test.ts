import { strict as assert } from "node:assert";
import { fileURLToPath } from "node:url";
import { Prng } from "../../src/base/prng.ts";
import { s3Config } from "../backup/fixture.ts";
import { withDirectory } from "../directory.ts";
import { error, S3StandIn } from "../object_store/s3_stand_in.ts";
import { anySeed } from "../store/seeds.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";
import { spoil } from "./spoil.ts";

const mainPath = fileURLToPath(new URL("../../main.ts", import.meta.url));

interface StandbyStatus {
  readonly index: number;
  readonly cluster_id: string;
  readonly entries_behind: number;
  readonly seconds_behind?: number;
  readonly num_bases: number;
  readonly damage?: string;
  readonly failing?: { readonly times: number; readonly error: string };
}

async function standing(node: NodeProcess): Promise<StandbyStatus> {
  return (await node.status())["standby"] as StandbyStatus;
}

/** A standby, and those that join it once it is promoted. */
async function standbyOf(
  target: string,
  flags: readonly string[] = [],
): Promise<{ cluster: Cluster; standby: NodeProcess }> {
  const cluster = await Cluster.start({ size: 0 });
  const standby = cluster.create(["-from", target, "-poll", "50ms", ...flags]);
  standby.subCommand = "standby";
  return { cluster, standby };
}

async function reaches(standby: NodeProcess, index: number): Promise<void> {
  await eventually(
    () => `the standby to be at ${index}\n${standby.log}`,
    async () => (await standing(standby)).index >= index,
  );
}

async function promote(
  node: NodeProcess,
  ...flags: string[]
): Promise<{ code: number; output: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", mainPath, "promote", "-p", String(node.httpPort), ...flags],
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, output: text.decode(stdout) + text.decode(stderr) };
}

const rows = "SELECT count(*), sum(v), group_concat(r), max(at) FROM t";
const json = { "content-type": "application/json" };

Deno.test("a standby follows an archive to the row, takes no writes, goes on where it was killed, and is promoted into a cluster that others join", async () => {
  await withDirectory(async (directory) => {
    const target = `${directory}/archive`;
    const archiving = ["-archive", target, "-archive-lag", "100ms"];
    await using primary = await Cluster.start({ flags: archiving });
    let leader = await primary.leader();
    await leader.write(
      "CREATE TABLE t (v, at DEFAULT (julianday('now')), r DEFAULT (abs(random()) % 1000))",
    );
    const first = await leader.write("INSERT INTO t (v) VALUES (1), (2)");
    await eventually("a base copy", async () => {
      const archive = (await leader.status())["archive"] as { last_base_index: number };
      return archive.last_base_index > 0;
    });

    const { cluster, standby } = await standbyOf(target, ["-archive", `${directory}/new`]);
    await using second = cluster;
    standby.start();
    await standby.ready();
    await reaches(standby, first);
    const [expected] = await leader.query(rows);
    assert.deepEqual(await standby.query(rows, "none"), [expected]);
    assert.deepEqual(await standby.query(rows, "auto"), [expected]);

    // What it does not do, by name.
    for (
      const [method, path, body] of [
        ["POST", "/db/execute", '["DELETE FROM t"]'],
        ["POST", "/db/execute?queue&noleader", '["DELETE FROM t"]'],
        ["POST", "/db/request", '["DELETE FROM t"]'],
        ["POST", "/db/begin", ""],
        ["POST", "/db/load", "DELETE FROM t"],
        ["DELETE", "/remove", '{"id":"x"}'],
        ["POST", "/snapshot", ""],
      ] as const
    ) {
      const answer = await standby.fetch(path, { method, headers: json, body });
      assert.equal(answer.status, 503, path);
      assert.match(answer.body, /standby.* takes no writes: .*raftlite promote/, path);
    }
    for (const level of ["weak", "strong", "linearizable"]) {
      const answer = await standby.fetch(`/db/query?q=SELECT+1&level=${level}`);
      assert.deepEqual([answer.status, /read with level=none/.test(answer.body)], [503, true]);
    }
    const ready = await standby.fetch("/readyz");
    assert.match(ready.body, /\[\+\]standby at index \d+, \d+ entries behind its archive, level/);
    assert.match((await standby.fetch("/metrics")).body, /raftlite_standby_behind_seconds \d/);
    const { cluster_id: old } = await standing(standby);

    // Killed; meanwhile the cluster loses its leader, and writes.
    const { index: before } = await standing(standby);
    await standby.kill();
    await leader.kill();
    const killed = leader;
    leader = await primary.leader(killed);
    let last = 0;
    for (let i = 0; i < 20; i++) last = await leader.write(`INSERT INTO t (v) VALUES (${i})`);
    standby.start();
    await standby.ready();
    await reaches(standby, last);
    assert.equal((await standing(standby)).num_bases, 0);
    await standby.logs(new RegExp(`Following .* from index ${before} on`));
    const [end] = await leader.query(rows);
    assert.deepEqual(await standby.query(rows, "none"), [end]);
    const atIndex = await standby.fetch(`/db/query?level=none&q=SELECT+1&min_index=${last}`);
    assert.equal(atIndex.status, 200);

    // A node started there by mistake leaves it alone.
    await standby.kill();
    standby.subCommand = "";
    const wrong = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", mainPath, "-node-id", standby.id, standby.directory],
    }).output();
    assert.equal(wrong.code, 1);
    assert.match(new TextDecoder().decode(wrong.stderr), /is of a standby, .*raftlite promote/);
    standby.subCommand = "standby";
    standby.start();
    await standby.ready();

    for (const node of primary.nodes) await node.end();
    const done = await promote(standby);
    assert.equal(done.code, 0, `${done.output}\n${standby.log}`);
    assert.match(done.output, new RegExp(`Promoted at index ${last}.* takes writes`, "s"));
    await standby.ready();
    assert.deepEqual(await standby.query(rows), [end]);
    const store = (await standby.status())["store"] as { cluster_id: string };
    assert.notEqual(store.cluster_id, old);
    assert.equal(await standby.write("INSERT INTO t (v) VALUES (7)") > last, true);
    await eventually("an archive of its own", async () => {
      const archive = (await standby.status())["archive"] as { index: number; failing?: unknown };
      return archive.failing === undefined && archive.index > last;
    });
    const joined = await second.add();
    await second.converged([rows]);
    assert.equal((await joined.query("SELECT count(*) FROM t"))[0]?.[0], 23);

    // The same command line starts the node that it became.
    await standby.kill();
    standby.start(["-fk=false"]);
    await standby.ready();
    await second.converged([rows]);
    const owner = JSON.parse(await Deno.readTextFile(`${target}/archive.json`));
    assert.equal(owner.cluster, old);
  });
});

Deno.test("a standby whose target fails serves what it has and says so, and is promoted as it is only when that is asked for", async () => {
  await using standIn = new S3StandIn();
  await withDirectory(async (directory) => {
    const target = `${directory}/archive.json`;
    await Deno.writeTextFile(target, JSON.stringify(s3Config(standIn, {}, { path: "arch" })));
    const flags = ["-archive", target, "-archive-lag", "100ms"];
    await using primary = await Cluster.start({ size: 1, flags });
    const node = await primary.leader();
    const { cluster, standby } = await standbyOf(target);
    const last = await node.write("CREATE TABLE t (v)", "INSERT INTO t VALUES (1)");
    await using _ = cluster;
    await eventually("an archive", () => standIn.objects.has("arch/head.json"));
    standby.start();
    await standby.ready();
    await reaches(standby, last);

    standIn.fault = () => error(503, "SlowDown");
    await eventually("a failure", async () => (await standing(standby)).failing);
    const ready = await standby.fetch("/readyz");
    assert.deepEqual([ready.status, /^\[-\]archive cannot be followed/m.test(ready.body)], [
      200,
      true,
    ]);
    assert.deepEqual(await standby.query("SELECT v FROM t", "none"), [[1]]);
    const refused = await promote(standby, "-t", "1s");
    assert.equal(refused.code, 1);
    assert.match(refused.output, /is at index \d+, and may lack .*-as-is/);
    assert.match((await standby.fetch("/db/execute", { method: "POST" })).body, /standby/);
    const done = await promote(standby, "-t", "1s", "-as-is");
    assert.equal(done.code, 0, `${done.output}\n${standby.log}`);
    assert.match(done.output, /The archive may have had more/);
    assert.equal(await standby.write("INSERT INTO t VALUES (2)") > last, true);
  });
});

/** A node that archives, and a standby that has followed it to a table t and looks at its pages. */
async function withFollower(
  body: (parts: { target: string; leader: NodeProcess; standby: NodeProcess }) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    const target = `${directory}/archive`;
    await using primary = await Cluster.start({
      size: 1,
      flags: ["-archive", target, "-archive-lag", "100ms"],
    });
    const leader = await primary.leader();
    const first = await leader.write("CREATE TABLE t (v)");
    const { cluster, standby } = await standbyOf(target, ["-page-check-interval", "1s"]);
    await using _ = cluster;
    standby.start();
    await standby.ready();
    await reaches(standby, first);
    await body({ target, leader, standby });
  });
}

Deno.test("a standby whose copy is damaged reads nothing of it, says so, and has another of the archive", async () => {
  await withFollower(async ({ leader, standby }) => {
    // What it writes itself has sums at once; a base copy's pages only once they were read.
    await leader.write("INSERT INTO t VALUES ('the one that is damaged')");
    const last = await leader.write("INSERT INTO t VALUES (2)");
    await reaches(standby, last);
    const path = `${standby.directory}/db.sqlite`;
    const query = "/db/query?level=none&q=" +
      encodeURIComponent("SELECT count(*) FROM t WHERE v = 'the one that is damaged'");
    const isWhole = async () => {
      const { status, body } = await standby.fetch(query);
      return status === 200 && /\[\[1\]\]/.test(body) &&
        (await standing(standby)).index >= last;
    };

    await standby.kill("SIGTERM");
    await spoil(path, "the one that is damaged");
    standby.start();
    await eventually(
      () => `another copy\n${standby.log}`,
      async () => (await standing(standby)).num_bases === 1 && await isWhole(),
    );
    assert.match(standby.log, /copy of the database is damaged: page \d+ of .*db\.sqlite is not/);
    const { body: metrics } = await standby.fetch("/metrics");
    assert.match(metrics, /^raftlite_copies_replaced_total 1$/m);
    assert.match(metrics, /^raftlite_wrong_page_reads_total [1-9]/m);

    await standby.kill("SIGTERM");
    const { size } = await Deno.stat(path);
    await Deno.writeFile(path, new Uint8Array(size));
    standby.start();
    await eventually(() => `a copy at a start\n${standby.log}`, isWhole);
    assert.match(
      standby.log,
      /the copy is set aside, and a base copy of the archive takes its place/,
    );
    assert.equal((await Deno.stat(`${standby.directory}/damaged/db.sqlite`)).size, size);
  });
});

Deno.test("a standby whose copy is damaged, and whose archive has no other, is promoted only as it is, and says what that is", async () => {
  await withFollower(async ({ target, leader, standby }) => {
    const last = await leader.write("INSERT INTO t VALUES ('the one that is damaged')");
    await reaches(standby, last);

    await standby.kill("SIGTERM");
    await spoil(`${standby.directory}/db.sqlite`, "the one that is damaged");
    await leader.kill("SIGTERM");
    await Deno.remove(`${target}/base`, { recursive: true });
    standby.start();
    await eventually(
      () => `damage\n${standby.log}`,
      async () => (await standing(standby)).damage !== undefined,
    );
    const refused = await promote(standby);
    assert.equal(refused.code, 1);
    assert.match(refused.output, /this copy is damaged: page \d+ of/);
    const done = await promote(standby, "-as-is");
    assert.equal(done.code, 0, `${done.output}\n${standby.log}`);
    assert.match(done.output, /It is damaged: page \d+ of/);
  });
});

Deno.test("a promotion that is killed is finished by the next start, or was not begun", async () => {
  const seed = anySeed();
  console.log(`seed ${seed}`);
  const random = new Prng(seed);
  await withDirectory(async (directory) => {
    const target = `${directory}/archive`;
    const flags = ["-archive", target, "-archive-lag", "100ms"];
    await using primary = await Cluster.start({ size: 1, flags });
    const last = await (await primary.leader()).write(
      "CREATE TABLE t (v)",
      "INSERT INTO t VALUES (1)",
    );
    const { cluster, standby } = await standbyOf(target);
    await using _ = cluster;
    await eventually("a base copy", async () => {
      const names = await Array.fromAsync(Deno.readDir(`${target}/base`), ({ name }) => name);
      return names.some((name) => name.endsWith(".json"));
    });
    standby.start();
    await standby.ready();
    await reaches(standby, last);
    const asked = standby.fetch("/promote", { method: "POST" }).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, random.below(150)));
    await standby.kill();
    await asked;
    standby.start();
    await standby.ready();
    if ((await standing(standby)) !== undefined) {
      const answer = await standby.fetch("/promote", { method: "POST" });
      assert.equal(answer.status, 200, answer.body);
    }
    await eventually(
      () => `a write\n${standby.log}`,
      async () => await standby.write("INSERT INTO t VALUES (2)") > last,
    );
    assert.deepEqual(await standby.query("SELECT v FROM t"), [[1], [2]]);
  });
});
