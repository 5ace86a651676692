import assert from "node:assert/strict";
import { hasZstd } from "../../src/base/zstd.ts";
import { eventually } from "../cluster/harness.ts";
import { withDirectory } from "../directory.ts";
import { error, s3Keys, S3StandIn } from "../object_store/s3_stand_in.ts";
import { TestStore } from "../store/fixture.ts";
import { ask, FakeNode, s3Config, startBackup, unpacked } from "./fixture.ts";

const key = "dir/db.gz";
const MiB = 1024 * 1024;

async function openNode(): Promise<{ store: TestStore; node: FakeNode } & AsyncDisposable> {
  const store = await TestStore.open();
  const node = new FakeNode(store);
  await node.execute(["CREATE TABLE t (v)", "INSERT INTO t VALUES (1)"]);
  return { store, node, [Symbol.asyncDispose]: () => store.close() };
}

const uploads = (standIn: S3StandIn) => standIn.requests.filter((line) => /^P.*db.gz\?/.test(line));

Deno.test("AutoBackup stores the database as rqlite does, marks it, and remembers it beside", async () => {
  await using standIn = new S3StandIn();
  await using opened = await openNode();
  const { store, node } = opened;
  await using run = await startBackup(s3Config(standIn), store, node);
  const { backup, log } = run;
  await eventually("a backup", () => backup.figures.uploadsOk > 0);
  const object = standIn.objects.get(key);
  assert.ok(object);
  assert.equal(object.metadata["x-rqlite-auto-backup-id"], "1");
  assert.equal(object.metadata["raftlite-cluster"], node.clusterId);
  assert.deepEqual([...object.bytes.subarray(0, 10)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff]);
  const file = unpacked(object.bytes);
  assert.deepEqual([...file.subarray(18, 20)], [2, 2]);
  assert.equal(await ask(file, "SELECT v FROM t; SELECT count(*) FROM sqlite_schema"), "1\n1");
  assert.deepEqual(uploads(standIn), ["PUT /bkt/dir/db.gz?x-id=PutObject"]);
  assert.match(log.text, /INFO \[backup\] starting upload to http:\S+\/bkt\/dir\/db.gz every 5ms/);
  assert.match(log.text, /completed auto upload of \d+ B to http:\S+\/bkt\/dir\/db.gz in /);
  assert.doesNotMatch(log.text, new RegExp(s3Keys.secretAccessKey));
  assert.deepEqual(
    [backup.figures.lastIndex, backup.figures.lastUploadBytes],
    [1, object.bytes.length],
  );
});

Deno.test("AutoBackup makes one at once when it is asked, says what came of it, and goes on as before", async () => {
  await using standIn = new S3StandIn();
  await using opened = await openNode();
  const { store, node } = opened;
  await using run = await startBackup(s3Config(standIn, { interval: "1h" }), store, node);
  const { backup } = run;
  const [first, second] = await Promise.all([backup.makeNow(), backup.makeNow()]);
  const { newest: [newest] } = await backup.list();
  assert.deepEqual([first, second], [{ type: "made", backup: newest }, {
    type: "made",
    backup: newest,
  }]);
  assert.equal(newest?.index, 1);
  await node.execute(["INSERT INTO t VALUES (2)"]);
  let broken = true;
  standIn.fault = (request) =>
    broken && request.method === "PUT" ? error(503, "SlowDown") : undefined;
  const failed = await backup.makeNow();
  assert.match(failed.type === "failed" ? failed.message : "", /answered with 503 SlowDown/);
  assert.equal(backup.figures.failing?.message, failed.type === "failed" && failed.message);
  broken = false;
  // What failed is tried again by itself, too, and may be there first.
  assert.match((await backup.makeNow()).type, /^(made|unchanged)$/);
  assert.equal((await backup.list()).newest[0]?.index, 2);
  assert.equal(backup.figures.failing, undefined);
  node.leads = false;
  assert.deepEqual(await backup.makeNow(), { type: "elsewhere" });
});

Deno.test("AutoBackup makes one more, however many ask while one is under way that may lack what they wrote", async () => {
  await using standIn = new S3StandIn();
  await using opened = await openNode();
  const { store, node } = opened;
  await using run = await startBackup(s3Config(standIn, { interval: "1h" }), store, node);
  const { backup } = run;
  const isBackup = (request: Request) => request.method === "PUT" && /db\.gz\?/.test(request.url);
  const asked: ReturnType<typeof backup.makeNow>[] = [];
  standIn.fault = async (request) => {
    if (!isBackup(request)) return undefined;
    // Each has something new to store.
    await node.execute([`INSERT INTO t VALUES (${asked.length})`]);
    if (asked.length === 0) { for (let i = 0; i < 5; i++) asked.push(backup.makeNow()); }
    return undefined;
  };
  const first = await backup.makeNow();
  const others = await Promise.all(asked);
  const indexes = [first, ...others].map((made) => made.type === "made" && made.backup.index);
  assert.deepEqual(indexes, [1, 2, 2, 2, 2, 2]);
  assert.equal(uploads(standIn).length, 2);
});

Deno.test("AutoBackup in other forms: vacuumed and plain, and by zstd", async () => {
  await using standIn = new S3StandIn();
  await using opened = await openNode();
  const { store, node } = opened;
  {
    const config = s3Config(standIn, { vacuum: true, no_compress: true });
    await using run = await startBackup(config, store, node);
    await eventually("a backup", () => run.backup.figures.uploadsOk > 0);
  }
  const plain = standIn.objects.get(key)?.bytes ?? new Uint8Array();
  assert.deepEqual([...plain.subarray(18, 20)], [1, 1]);
  assert.equal(await ask(plain, "SELECT v FROM t"), "1");
  if (!hasZstd()) return;
  await node.execute(["INSERT INTO t VALUES (2)"]);
  const config = s3Config(standIn, { compression: "zstd", verify_interval: "1h" });
  await using run = await startBackup(config, store, node);
  await eventually("a check", () => run.backup.figures.verification);
  const packed = standIn.objects.get(key)?.bytes ?? new Uint8Array();
  assert.deepEqual([...packed.subarray(0, 4)], [0x28, 0xb5, 0x2f, 0xfd]);
  assert.equal(run.backup.figures.verification?.failure, undefined);
});

Deno.test("AutoBackup sends nothing that has not changed: not again, not after a restart, not by another leader, not with times", async () => {
  for (const timestamp of [false, true]) {
    await using standIn = new S3StandIn();
    await using opened = await openNode();
    const { store, node } = opened;
    const config = s3Config(standIn, { timestamp });
    {
      await using run = await startBackup(config, store, node);
      await eventually("three ticks", () => run.backup.figures.skippedUnchanged >= 3);
      const looks = () => standIn.requests.filter((line) => line.startsWith("HEAD")).length;
      const before = looks();
      node.leads = false;
      const { asked } = node;
      await eventually("a tick of one that does not lead", () => node.asked > asked + 1);
      node.leads = true;
      await eventually("the store to be asked again", () => looks() > before);
    }
    // A new leader's entry, and a command that changes nothing.
    await node.empty();
    {
      await using run = await startBackup(config, store, node);
      await eventually("three ticks", () => run.backup.figures.skippedUnchanged >= 3);
      assert.equal(run.backup.figures.lastIndex, 1);
    }
    await store.restart();
    await node.execute(["SELECT 1", "DELETE FROM t WHERE v = 7"]);
    {
      await using run = await startBackup(config, store, node);
      await eventually("a copy that is the same", () => run.backup.figures.skippedEqual === 1);
      await eventually("three ticks", () => run.backup.figures.skippedUnchanged >= 3);
      assert.equal(run.backup.figures.skippedEqual, 1);
      assert.equal(uploads(standIn).length, 1, standIn.requests.join("\n"));
      await node.execute(["INSERT INTO t VALUES (2)"]);
      await eventually("the next backup", () => run.backup.figures.uploadsOk === 1);
      assert.equal(uploads(standIn).length, 2);
    }
  }
});

Deno.test("AutoBackup: another cluster's object, an rqlite's and one that is gone hide no missing backup", async () => {
  await using standIn = new S3StandIn();
  await using opened = await openNode();
  const { store, node } = opened;
  const backUp = async () => {
    await using run = await startBackup(s3Config(standIn), store, node);
    const { figures } = run.backup;
    await eventually("a tick", () => figures.uploadsOk > 0 || figures.skippedUnchanged > 0);
    return { sent: run.backup.figures.uploadsOk, log: run.log.text };
  };
  assert.equal((await backUp()).sent, 1);
  assert.equal((await backUp()).sent, 0);
  node.clusterId = "00000000000000bb";
  const other = await backUp();
  assert.equal(other.sent, 1);
  assert.match(other.log, /the backups there are cluster 00000000000000aa's/);
  const aside = standIn.objects.get(`${key}.not-of-00000000000000bb`);
  assert.equal(aside?.metadata["raftlite-cluster"], "00000000000000aa");
  standIn.objects.delete(key);
  assert.equal((await backUp()).sent, 1);
  const theirs = { "x-rqlite-auto-backup-id": "1" };
  standIn.objects.set(key, { bytes: new Uint8Array(9), metadata: theirs });
  assert.equal((await backUp()).sent, 1);
  assert.equal(standIn.objects.get(key)?.metadata["raftlite-cluster"], node.clusterId);
  standIn.objects.set(`${key}.raftlite.json`, { bytes: new Uint8Array(9), metadata: {} });
  const damaged = await backUp();
  assert.equal(damaged.sent, 1);
  assert.match(damaged.log, /raftlite.json there cannot be read/);
});

Deno.test("AutoBackup with times lets what another cluster's backups are found by go only for a backup of its own, and keeps it beside", async () => {
  await using standIn = new S3StandIn();
  await using opened = await openNode();
  const { store, node } = opened;
  const config = s3Config(standIn, { timestamp: true });
  {
    await using run = await startBackup(config, store, node);
    await eventually("a backup", () => run.backup.figures.uploadsOk > 0);
  }
  const manifest = `${key}.raftlite.json`;
  const remembered = () => standIn.objects.get(manifest)?.bytes;
  const before = remembered();
  node.clusterId = "00000000000000bb";
  let broken = true;
  standIn.fault = (request) =>
    broken && request.method === "PUT" && /db\.gz\?/.test(request.url)
      ? error(503, "SlowDown")
      : undefined;
  await using run = await startBackup(config, store, node);
  await eventually("a failure", () => run.backup.figures.failing !== undefined);
  assert.deepEqual(remembered(), before);
  broken = false;
  await eventually("a backup of its own", () => run.backup.figures.uploadsOk > 0);
  assert.deepEqual(standIn.objects.get(`${manifest}.not-of-${node.clusterId}`)?.bytes, before);
  const { newest } = await run.backup.list();
  assert.equal(newest.length, 1);
});

Deno.test("AutoBackup tries a store that fails again, says so, and goes on when it is well", async () => {
  await using standIn = new S3StandIn();
  await using opened = await openNode();
  const { store, node } = opened;
  let broken = true;
  standIn.fault = (request) =>
    broken && request.method === "PUT" ? error(503, "SlowDown") : undefined;
  await using run = await startBackup(s3Config(standIn), store, node);
  const { backup, log } = run;
  await eventually("failures", () => (backup.figures.failing?.times ?? 0) >= 1);
  assert.match(backup.figures.failing?.message ?? "", /answered with 503 SlowDown/);
  assert.match(log.text, /ERROR \[backup\] failed to upload to \S+ \(1 in a row\): S3: PUT of/);
  broken = false;
  await eventually("a backup", () => backup.figures.uploadsOk === 1);
  await eventually("no failure", () => backup.figures.failing === undefined);
  assert.match(log.text, /go well again/);
});

Deno.test("AutoBackup with wrong keys says that the store denies it, and nothing of the keys", async () => {
  await using standIn = new S3StandIn();
  await using opened = await openNode();
  const { store, node } = opened;
  const config = s3Config(standIn, {}, { secret_access_key: "hush-hush" });
  await using run = await startBackup(config, store, node);
  const { backup, log } = run;
  await eventually("a failure", () => backup.figures.failing);
  assert.match(backup.figures.failing?.message ?? "", /answered with 403 SignatureDoesNotMatch/);
  assert.doesNotMatch(JSON.stringify(backup.figures) + log.text, /hush-hush/);
  assert.equal(standIn.objects.size, 0);
});

Deno.test("AutoBackup sends a large database in parts, each again by itself when it fails", async () => {
  await using standIn = new S3StandIn();
  await using opened = await openNode();
  const { store, node } = opened;
  await node.execute([
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 12) " +
    "INSERT INTO t SELECT randomblob(1000000) FROM c",
  ]);
  let failures = 0;
  standIn.fault = (request) =>
    request.url.includes("partNumber=2") && failures++ === 0
      ? error(500, "InternalError")
      : undefined;
  await using run = await startBackup(s3Config(standIn, { verify_interval: "1h" }), store, node);
  await eventually("a check", () => run.backup.figures.verification);
  assert.equal(run.backup.figures.verification?.failure, undefined);
  assert.equal(run.backup.figures.uploadsFailed, 0);
  const lines = uploads(standIn).map((line) => line.replace(/uploadId=[^&]*/, "uploadId=U"));
  assert.deepEqual(lines.slice(0, 4), [
    "POST /bkt/dir/db.gz?uploads=",
    "PUT /bkt/dir/db.gz?partNumber=1&uploadId=U&x-id=UploadPart",
    "PUT /bkt/dir/db.gz?partNumber=2&uploadId=U&x-id=UploadPart",
    "PUT /bkt/dir/db.gz?partNumber=3&uploadId=U&x-id=UploadPart",
  ]);
  const object = standIn.objects.get(key);
  assert.ok(object && object.bytes.length > 11 * MiB);
  assert.equal(object.metadata["x-rqlite-auto-backup-id"], String(node.appliedIndex));
});

Deno.test("AutoBackup bears a store that ends in the midst of an upload, and makes the backup when it is back", async () => {
  await using opened = await openNode();
  const { store, node } = opened;
  await node.execute(["INSERT INTO t VALUES (randomblob(8000000))"]);
  const first = new S3StandIn();
  const { port } = first;
  let held = false;
  first.fault = async (request) => {
    if (!request.url.includes("partNumber=2")) return undefined;
    held = true;
    await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
    return undefined;
  };
  await using run = await startBackup(s3Config(first), store, node);
  await eventually("a part to be under way", () => held);
  await first[Symbol.asyncDispose]();
  await eventually("a failure", () => run.backup.figures.failing);
  await using second = new S3StandIn(port);
  await eventually("a backup", () => run.backup.figures.uploadsOk === 1);
  const bytes = second.objects.get(key)?.bytes;
  assert.ok(bytes);
  assert.equal(await ask(unpacked(bytes), "SELECT count(*) FROM t"), "2");
});

Deno.test("AutoBackup leaves no upload behind that failed half-way, and the old backup in its place", async () => {
  await using standIn = new S3StandIn();
  await using opened = await openNode();
  const { store, node } = opened;
  await using run = await startBackup(s3Config(standIn), store, node);
  await eventually("a backup", () => run.backup.figures.uploadsOk === 1);
  const before = standIn.objects.get(key);
  standIn.fault = (request) =>
    request.url.includes("partNumber=2") ? error(400, "InvalidDigest") : undefined;
  await node.execute(["INSERT INTO t VALUES (randomblob(8000000))"]);
  await eventually("a failure", () => run.backup.figures.failing);
  assert.equal(standIn.objects.get(key), before);
  await eventually("no upload under way", () => standIn.uploads.size === 0);
});

Deno.test("AutoBackup finds a damaged backup by restoring it, and makes another though nothing has changed", async () => {
  await using standIn = new S3StandIn();
  await using opened = await openNode();
  const { store, node } = opened;
  {
    await using run = await startBackup(s3Config(standIn), store, node);
    await eventually("a backup", () => run.backup.figures.uploadsOk === 1);
  }
  const object = standIn.objects.get(key);
  assert.ok(object);
  const bytes = object.bytes.slice();
  bytes[bytes.length - 6] = (bytes.at(-6) ?? 0) ^ 0xff;
  standIn.objects.set(key, { ...object, bytes });
  await using run = await startBackup(s3Config(standIn, { verify_interval: "1h" }), store, node);
  const { backup, log } = run;
  await eventually("a check", () => backup.figures.verification);
  assert.match(backup.figures.verification?.failure ?? "", /checksum is not the one/);
  await eventually("another backup", () => backup.figures.uploadsOk === 1);
  assert.match(log.text, /ERROR \[backup\] restored backup dir\/db.gz .* cannot be used/);
  assert.notDeepEqual(standIn.objects.get(key)?.bytes, bytes);
});

Deno.test("AutoBackup to a directory writes rqlite's files", async () => {
  await using opened = await openNode();
  const { store, node } = opened;
  await withDirectory(async (directory) => {
    const config = {
      type: "file",
      interval: "5ms",
      sub: { dir: `${directory}/made/by it`, name: "bak.gz" },
    };
    await using run = await startBackup(config, store, node);
    await eventually("a check", () => run.backup.figures.verification);
    // What came of the check is written down behind the figures, beside its place at first.
    await eventually(
      "rqlite's files, the manifest and nothing else",
      () =>
        [...Deno.readDirSync(config.sub.dir)].map(({ name }) => name).sort().join() ===
          "METADATA.json,bak.gz,bak.gz.raftlite.json",
    );
    const { id, timestamp, name } = JSON.parse(
      await Deno.readTextFile(`${config.sub.dir}/METADATA.json`),
    );
    assert.deepEqual([id, name], ["1", `${config.sub.dir}/bak.gz`]);
    assert.ok(Math.abs(timestamp - Date.now()) < 3_600_000);
    const { mode } = await Deno.stat(`${config.sub.dir}/bak.gz`);
    assert.equal((mode ?? 0) & 0o777, 0o600);
    assert.equal(run.backup.figures.destination, `dir:${config.sub.dir}, file:bak.gz`);
    assert.equal(await ask(unpacked(await Deno.readFile(name)), "SELECT v FROM t"), "1");
  });
});

Deno.test("AutoBackup keeps as many backups with times as it is told to, and what is not its own", async () => {
  await using opened = await openNode();
  const { store, node } = opened;
  await withDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/20200101000000_bak.gz`, "a stranger's");
    const config = {
      type: "file",
      interval: "5ms",
      timestamp: true,
      keep: 2,
      verify_interval: "0s",
      sub: { dir: directory, name: "bak.gz" },
    };
    await using run = await startBackup(config, store, node);
    for (let i = 1; i <= 4; i++) {
      await eventually(`backup ${i}`, () => run.backup.figures.uploadsOk >= i);
      // Names have seconds: the next one needs another.
      const second = Math.floor(Date.now() / 1000);
      await eventually("the next second", () => Math.floor(Date.now() / 1000) > second);
      if (i < 4) await node.execute([`INSERT INTO t VALUES (${i})`]);
    }
    const backups = () =>
      [...Deno.readDirSync(directory)].map(({ name }) => name).filter((n) => n.endsWith("_bak.gz"));
    await eventually("two backups beside the stranger's", () => backups().length === 3);
    assert.ok(backups().every((name) => /^\d{14}_bak.gz$/.test(name)));
    assert.ok(backups().includes("20200101000000_bak.gz"));
  });
});

Deno.test("AutoBackup makes none of a database to which nothing was ever written, and leaves an older cluster's", async () => {
  await using standIn = new S3StandIn();
  const old = { bytes: new Uint8Array(9), metadata: {} };
  standIn.objects.set(key, old);
  await using store = await TestStore.open();
  const node = new FakeNode(store);
  await node.empty();
  await using run = await startBackup(s3Config(standIn), store, node);
  await eventually("some ticks", () => node.asked > 6);
  assert.deepEqual(standIn.requests, []);
  await node.execute(["CREATE TABLE t (v)"]);
  await eventually("a backup", () => run.backup.figures.uploadsOk === 1);
  assert.deepEqual(standIn.objects.get(`${key}.not-of-${node.clusterId}`), old);
});

Deno.test("AutoBackup drops uploads that a node which was killed has left, of its own keys alone", async () => {
  await using standIn = new S3StandIn();
  await using opened = await openNode();
  const left = (name: string) => ({ key: name, metadata: {}, parts: new Map() });
  standIn.uploads.set("1", left(key));
  standIn.uploads.set("2", left("dir/20200101000000_db.gz"));
  standIn.uploads.set("3", left("dir/other.gz"));
  await using run = await startBackup(s3Config(standIn), opened.store, opened.node);
  await eventually("a backup", () => run.backup.figures.uploadsOk === 1);
  assert.deepEqual([...standIn.uploads.keys()], ["3"]);
});
