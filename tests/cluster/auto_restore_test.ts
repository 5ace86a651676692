import { strict as assert } from "node:assert";
import { gzipSync } from "node:zlib";
import { s3Config } from "../backup/fixture.ts";
import { withDirectory } from "../directory.ts";
import { S3StandIn } from "../object_store/s3_stand_in.ts";
import { sqlite3 } from "../store/fixture.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

const key = "dir/db.gz";

async function database(rows: number): Promise<Uint8Array<ArrayBuffer>> {
  const path = await Deno.makeTempFile({ prefix: "raftlite-test-" });
  try {
    const numbers =
      `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${rows})`;
    const insert = `${numbers} INSERT INTO t SELECT n, randomblob(100000) FROM c`;
    assert.equal(sqlite3(path, `CREATE TABLE t (a, b); ${insert}`), "");
    return await Deno.readFile(path);
  } finally {
    await Deno.remove(path);
  }
}

async function configIn(directory: string, config: unknown): Promise<string> {
  const path = `${directory}/restore.json`;
  await Deno.writeTextFile(path, JSON.stringify(config));
  return path;
}

Deno.test("nodes of a new cluster, all started alike, restore a backup once; started again they do not", async () => {
  await using standIn = new S3StandIn();
  const bytes = new Uint8Array(gzipSync(await database(80)));
  standIn.objects.set(key, { bytes, metadata: {} });
  await withDirectory(async (directory) => {
    const path = await configIn(directory, s3Config(standIn));
    await using cluster = await Cluster.start({ size: 0 });
    const nodes = [1, 2, 3].map(() => cluster.create());
    const join = nodes.map(({ raftAddress }) => raftAddress).join();
    const flags = ["-auto-restore", path, "-bootstrap-expect", "3", "-join", join];
    for (const node of nodes) node.start(flags);
    for (const node of nodes) await node.ready();
    const count = "SELECT count(*), sum(a) FROM t";
    assert.deepEqual(await cluster.converged([count]), [[[80, 3240]]]);
    const logs = () => nodes.map(({ log }) => log).join("\n");
    const restored = () => logs().match(/node auto-restored successfully from/g)?.length;
    const others = () =>
      logs().match(/different node became leader, not performing auto-restore/g)?.length;
    await eventually(logs, () => restored() === 1 && others() === 2);

    await nodes[0]?.execute(["DELETE FROM t WHERE a > 1"]);
    for (const node of nodes) await node.kill();
    standIn.requests.length = 0;
    for (const node of nodes) node.start(flags);
    for (const node of nodes) await node.ready();
    assert.deepEqual(await cluster.converged([count]), [[[1, 1]]]);
    for (const node of nodes) {
      await node.logs(/auto-restore requested, but data already exists in .*, skipping/);
    }
    assert.deepEqual(standIn.requests, []);
  });
});

/** Kills a node while it restores; false when it was done before. */
async function killedWhileRestoring(node: NodeProcess): Promise<boolean> {
  node.start();
  await eventually("the load to begin", () => /now leader, auto-restoring from/.test(node.log));
  await eventually("a part of it", async () => {
    const { store } = await node.status() as { store: { db_applied_index: number } };
    return store.db_applied_index > 5;
  });
  const { status } = await node.fetch("/readyz");
  await node.kill();
  if (/auto-restored successfully/.test(node.log)) return false;
  assert.equal(status, 503);
  return true;
}

Deno.test("a node killed while it restores begins again", async () => {
  await using standIn = new S3StandIn();
  await withDirectory(async (directory) => {
    const path = await configIn(directory, s3Config(standIn));
    await using cluster = await Cluster.start({ size: 0 });
    // A fast machine needs more to be at work.
    for (let rows = 300;; rows *= 3) {
      standIn.objects.set(key, { bytes: await database(rows), metadata: {} });
      const node = cluster.create(["-auto-restore", path]);
      if (!await killedWhileRestoring(node)) continue;
      node.start();
      await node.ready();
      assert.deepEqual(await node.query("SELECT count(*) FROM t"), [[rows]]);
      return;
    }
  });
});

Deno.test("what is acknowledged while a restore is about to end is not lost: the restore gives way to it", async () => {
  await using standIn = new S3StandIn();
  const bytes = await database(300);
  standIn.objects.set(key, { bytes, metadata: {} });
  await withDirectory(async (directory) => {
    const path = await configIn(directory, s3Config(standIn));
    await using cluster = await Cluster.start({ size: 0 });
    const node = cluster.create(["-auto-restore", path]);
    node.start();
    await eventually("nearly all of it in the log", async () => {
      const { store } = await node.status() as { store: { db_applied_index: number } };
      return store.db_applied_index >= bytes.length / 1024 / 1024;
    });
    await node.execute(["CREATE TABLE IF NOT EXISTS early (v)", "INSERT INTO early VALUES (1)"]);
    await node.ready();
    // It may have come behind the restore, too.
    assert.deepEqual(await node.query("SELECT v FROM early"), [[1]]);
  });
});

Deno.test("a backup that cannot be had or is damaged ends the start by its name, from a file too", async () => {
  await withDirectory(async (directory) => {
    const sound = await database(3);
    const sub = { dir: directory, name: "db.gz" };
    const config = { type: "file", sub };
    await using cluster = await Cluster.start({ size: 0 });
    const start = async (more: object, bytes: Uint8Array | undefined) => {
      await Deno.remove(`${directory}/db.gz`).catch(() => {});
      if (bytes !== undefined) await Deno.writeFile(`${directory}/db.gz`, bytes);
      const node = cluster.create();
      node.start(["-auto-restore", await configIn(directory, { ...config, ...more })]);
      return node;
    };
    const cases: [object, Uint8Array | undefined, RegExp][] = [
      [{}, undefined, /fatal: failed to download auto-restore file: .* it is not there/],
      [{ type: "ftp" }, sound, /failed to parse auto-restore file: unsupported storage type/],
      [
        {},
        sound.subarray(0, -4096),
        /fatal: failed to preload auto-restore data: file .* is not a valid SQLite file: it is cut/,
      ],
      [{ continue_on_failure: true }, gzipSync(gzipSync(sound)), /gzip within gzip/],
    ];
    for (const [more, bytes, message] of cases) {
      const node = await start(more, bytes);
      assert.equal((await node.exited()).code, 1);
      await node.logs(message);
    }
    const without = await start({ continue_on_failure: true }, undefined);
    await without.ready();
    await without.logs(/it is not there, continuing with node startup anyway/);
    const good = await start({}, gzipSync(sound));
    await good.ready();
    assert.deepEqual(await good.query("SELECT count(*) FROM t"), [[3]]);
  });
});

Deno.test("a cluster's own backups with times are restored by the name alone, the newest", async () => {
  await withDirectory(async (directory) => {
    const path = await configIn(directory, {
      type: "file",
      interval: "50ms",
      timestamp: true,
      sub: { dir: directory, name: "db.gz" },
    });
    await using cluster = await Cluster.start({ size: 0 });
    const old = cluster.create(["-auto-backup", path]);
    old.start();
    await old.ready();
    await old.execute(["CREATE TABLE t (v)", "INSERT INTO t VALUES (7)"]);
    await eventually("a backup", async () => {
      const { auto_backups: { last_index } } = await old.status() as {
        auto_backups: { last_index: string };
      };
      return Number(last_index) >= 3;
    });
    await old.kill();
    const restored = cluster.create(["-auto-restore", path]);
    restored.start();
    await restored.ready();
    assert.deepEqual(await restored.query("SELECT v FROM t"), [[7]]);
  });
});

/** An archive in which all rows of `t` were there at `time`, and gone at the end. */
async function archiveWithMistake(directory: string): Promise<{ time: string; index: number }> {
  const flags = ["-archive", directory, "-archive-lag", "50ms"];
  await using cluster = await Cluster.start({ size: 1, flags });
  const node = await cluster.leader();
  const write = async (...statements: string[]) => {
    const body = JSON.stringify(statements);
    const headers = { "content-type": "application/json" };
    const answer = await node.fetch("/db/execute?raft_index", { method: "POST", headers, body });
    const index = JSON.parse(answer.body).raft_index as number;
    await eventually(
      () => `the archive\n${node.log}`,
      async () => ((await node.status())["archive"] as { index: number }).index >= index,
    );
    return index;
  };
  const index = await write("CREATE TABLE t (v)", "INSERT INTO t VALUES (1), (2), (3)");
  const time = Date.now() + 5;
  await eventually("the clock to be behind it", () => Date.now() > time + 5);
  await write("DELETE FROM t");
  return { time: new Date(time).toISOString(), index };
}

Deno.test("nodes of a new cluster restore an archive: of a time, of an index, the newest, and never a damaged one", async () => {
  await withDirectory(async (directory) => {
    const archive = `${directory}/archive`;
    const { time, index } = await archiveWithMistake(archive);
    const config = { type: "file", sub: { dir: directory, name: "archive" } };
    const count = "SELECT count(*) FROM t";
    await using cluster = await Cluster.start({ size: 0 });
    const nodes = [1, 2, 3].map(() => cluster.create());
    const join = nodes.map(({ raftAddress }) => raftAddress).join();
    const atTime = await configIn(directory, { ...config, at: time });
    for (const node of nodes) {
      // What a node left that was killed while it made the database.
      await Deno.mkdir(`${node.directory}/auto-restore/restored`, { recursive: true });
      await Deno.writeTextFile(`${node.directory}/auto-restore/restored/db.sqlite`, "half of it");
      node.start(["-auto-restore", atTime, "-bootstrap-expect", "3", "-join", join]);
    }
    for (const node of nodes) await node.ready();
    assert.deepEqual(await cluster.converged([count]), [[[3]]]);
    for (const node of nodes) {
      await assert.rejects(Deno.stat(`${node.directory}/auto-restore`), Deno.errors.NotFound);
      await node.end();
    }

    await using others = await Cluster.start({ size: 0 });
    const alone = (target: string) => {
      const node = others.create(["-auto-restore", target]);
      node.start();
      return node;
    };
    const newest = alone(archive);
    await newest.ready();
    assert.deepEqual(await newest.query(count), [[0]]);
    await newest.end();
    const atIndex = alone(await configIn(directory, { ...config, index }));
    await atIndex.ready();
    assert.deepEqual(await atIndex.query(count), [[3]]);
    await atIndex.end();

    const early = { ...config, at: "2001-01-01T00:00:00Z", continue_on_failure: true };
    const tooEarly = alone(await configIn(directory, early));
    assert.equal((await tooEarly.exited()).code, 1);
    await tooEarly.logs(/failed to preload auto-restore data: .* begins at index \d+/);

    // The last one, which no base copy is behind.
    const pieces = await Array.fromAsync(Deno.readDir(`${archive}/log`), ({ name }) => name);
    await Deno.writeTextFile(`${archive}/log/${pieces.sort().at(-1)}`, "no piece");
    const damaged = alone(
      await configIn(directory, { ...config, archive: true, continue_on_failure: true }),
    );
    assert.equal((await damaged.exited()).code, 1);
    await damaged.logs(/log\/\d+\.gz is damaged/);

    const none = { type: "file", sub: { dir: directory, name: "none" }, archive: true };
    const empty = alone(await configIn(directory, { ...none, continue_on_failure: true }));
    await empty.ready();
    await empty.logs(/is no archive, continuing with node startup anyway/);
  });
});
