import { strict as assert } from "node:assert";
import { gunzipSync } from "node:zlib";
import { ask, s3Config } from "../backup/fixture.ts";
import { withDirectory } from "../directory.ts";
import { error, s3Keys, S3StandIn } from "../object_store/s3_stand_in.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";
import { Mount } from "./mount.ts";

const key = "dir/db.gz";

interface BackupStatus {
  readonly last_index: string;
  readonly num_uploads_ok: number;
  readonly num_uploads_skipped: number;
  readonly failing?: { readonly times: number; readonly error: string };
  readonly verification?: { readonly ok: boolean };
}

async function backups(node: NodeProcess): Promise<BackupStatus> {
  return (await node.status())["auto_backups"] as BackupStatus;
}

async function writeConfig(path: string, config: unknown): Promise<string> {
  await Deno.writeTextFile(path, JSON.stringify(config));
  return path;
}

function rowsIn(standIn: S3StandIn): Promise<string> {
  const bytes = standIn.objects.get(key)?.bytes;
  assert.ok(bytes, "No backup is there");
  return ask(new Uint8Array(gunzipSync(bytes)), "SELECT count(*) FROM t; PRAGMA integrity_check");
}

Deno.test("a leader that is killed in the midst of an upload is followed by one that makes it, and the next leader sends nothing again", async () => {
  await using standIn = new S3StandIn();
  await withDirectory(async (directory) => {
    const path = await writeConfig(`${directory}/b.json`, {
      ...s3Config(standIn, { interval: "100ms", verify_interval: "1s" }),
    });
    let held: string | undefined;
    const parts: string[] = [];
    standIn.fault = async (request) => {
      if (!request.url.includes("partNumber=")) return undefined;
      parts.push(request.url);
      if (held !== undefined) return undefined;
      held = request.url;
      // Nothing comes back, until the one who asks is gone.
      await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
      return undefined;
    };
    await using cluster = await Cluster.start({ flags: ["-auto-backup", path] });
    const leader = await cluster.leader();
    await leader.execute(["CREATE TABLE t (v)", "INSERT INTO t VALUES (randomblob(9000000))"]);
    await eventually("an upload to be under way", () => held);
    await leader.kill();
    // Whoever leads now: on a busy machine that may change once more.
    await eventually(
      () => `a backup\n${cluster.nodes.map(({ log }) => log).join("\n")}`,
      async () => await rowsIn(standIn) === "1\nok",
    );
    const ofLeader = async () => await backups(await cluster.leader());
    await eventually("a check", async () => (await ofLeader()).verification?.ok);

    leader.start();
    await leader.ready();
    const sent = parts.length;
    await eventually("the next leader", async () => {
      const { id } = await cluster.follower();
      const body = JSON.stringify({ id });
      return (await leader.fetch("/leader?wait", { method: "POST", body })).status === 200;
    });
    await eventually("nothing to be sent", async () => (await ofLeader()).num_uploads_skipped >= 3);
    assert.equal(parts.length, sent);
    for (const node of cluster.nodes) {
      assert.doesNotMatch(node.log, new RegExp(s3Keys.secretAccessKey.replaceAll("+", "\\+")));
      assert.doesNotMatch((await node.fetch("/status")).body, /s3cr3t/);
    }
  });
});

Deno.test("a backup that is asked of a follower is stored by the leader, has what was written before, and is in the audit", async () => {
  await using standIn = new S3StandIn();
  await withDirectory(async (directory) => {
    const path = await writeConfig(`${directory}/b.json`, s3Config(standIn, { interval: "1h" }));
    const audit = (name: string) => ["-audit-log", `${directory}/${name}.jsonl`];
    await using cluster = await Cluster.start({ size: 0 });
    for (const name of ["one", "two"]) {
      const node = cluster.create(["-auto-backup", path, ...audit(name)], name);
      const [first] = cluster.nodes;
      node.start(first === node || first === undefined ? [] : ["-join", first.raftAddress]);
      await node.ready();
    }
    const [leader, follower] = [await cluster.leader(), await cluster.follower()];
    await follower.execute(["CREATE TABLE t (v)", "INSERT INTO t VALUES (1), (2)"]);
    const ask = () => follower.fetch("/debug/backups", { method: "POST" });
    const made = await ask();
    assert.equal(made.status, 200, made.body);
    const { backup, ...outcome } = JSON.parse(made.body);
    assert.deepEqual(outcome, { made: true });
    assert.equal(backup.key, key);
    assert.equal(await rowsIn(standIn), "2\nok");
    assert.equal((await backups(leader)).num_uploads_ok, 1);
    assert.deepEqual(JSON.parse((await ask()).body), { made: false });
    // The audit log's line may be written behind the answer.
    await eventually("the audit log to tell of it", async () => {
      const told = await Deno.readTextFile(`${directory}/${follower.id}.jsonl`);
      return /"what":"backup".*"outcome":"ok".*"forwarded_to":"127\.0\.0\.1/.test(told);
    });
    standIn.fault = () => error(503, "SlowDown");
    await follower.execute(["INSERT INTO t VALUES (3)"]);
    const failed = await ask();
    assert.equal(failed.status, 409);
    assert.match(failed.body, /answered with 503 SlowDown/);
  });
});

Deno.test("a full disk under the directory of backups costs no write, is said, and a backup is made once there is room", async () => {
  await withDirectory(async (directory) => {
    const target = `${directory}/target`;
    await using mount = await Mount.tmpfs(target, 1024 * 1024);
    if (mount === undefined) return;
    const path = await writeConfig(`${directory}/b.json`, {
      type: "file",
      interval: "100ms",
      no_compress: true,
      sub: { dir: target, name: "db.sqlite" },
    });
    await using cluster = await Cluster.start({ size: 1, flags: ["-auto-backup", path] });
    const node = await cluster.leader();
    await node.execute(["CREATE TABLE t (v)", "INSERT INTO t VALUES (1)"]);
    await eventually("a backup", async () => (await backups(node)).num_uploads_ok > 0);
    await node.execute(["INSERT INTO t VALUES (zeroblob(2000000))"]);
    await eventually(
      () => `a failure\n${node.log}`,
      async () => /No space left/.test((await backups(node)).failing?.error ?? ""),
    );
    const names = () => [...Deno.readDirSync(target)].map(({ name }) => name).sort();
    await eventually(
      "nothing half-written",
      () => names().join() === "METADATA.json,db.sqlite,db.sqlite.raftlite.json",
    );
    assert.equal(await ask(await Deno.readFile(`${target}/db.sqlite`), "SELECT v FROM t"), "1");
    await node.execute(["DELETE FROM t WHERE length(v) > 1", "VACUUM"]);
    await eventually("no failure", async () => (await backups(node)).failing === undefined);
  });
});

Deno.test("a node killed in the midst of writing a backup to a directory leaves the old one whole", async () => {
  await withDirectory(async (directory) => {
    const path = await writeConfig(`${directory}/b.json`, {
      type: "file",
      interval: "1ms",
      no_compress: true,
      verify_interval: "0s",
      sub: { dir: directory, name: "db.sqlite" },
    });
    await using cluster = await Cluster.start({ size: 1, flags: ["-auto-backup", path] });
    const [node] = cluster.nodes;
    assert.ok(node);
    await node.execute(["CREATE TABLE t (v)", "INSERT INTO t VALUES (zeroblob(20000000))"]);
    await eventually("a backup", async () => (await backups(node)).num_uploads_ok > 0);
    for (let i = 0; i < 3; i++) {
      const isUnderWay = () =>
        [...Deno.readDirSync(directory)].some(({ name }) => name.startsWith(".upload-"));
      // Each write calls for another backup: one of them is seen.
      await eventually("a backup to be under way", async () => {
        await node.execute(["INSERT INTO t VALUES (1)"]);
        return isUnderWay();
      });
      await node.kill();
      const file = await Deno.readFile(`${directory}/db.sqlite`);
      assert.match(await ask(file, "PRAGMA integrity_check"), /^ok$/);
      node.start();
      await node.ready();
    }
  });
});

Deno.test("a file of -auto-backup that cannot be used ends the start by its name", async () => {
  await withDirectory(async (directory) => {
    await using cluster = await Cluster.start({ size: 0 });
    const cases: [string, RegExp][] = [
      [
        `${directory}/none.json`,
        /fatal: failed to start auto-backups: failed to read auto-backup file: .*none.json/,
      ],
      [
        await writeConfig(`${directory}/bad.json`, { type: "ftp" }),
        /fatal: failed to start auto-backups: failed to parse auto-backup file: unsupported storage type/,
      ],
    ];
    for (const [path, message] of cases) {
      const node = cluster.create();
      node.start(["-auto-backup", path]);
      assert.equal((await node.exited()).code, 1);
      await node.logs(message);
    }
  });
});
