import { strict as assert } from "node:assert";
import { FailingDisk } from "../store/failing_disk.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

/** A single node whose disk fails when it is told to; undefined where none can be made. */
async function start() {
  const disk = await FailingDisk.make();
  if (disk === undefined) return undefined;
  await using undo = new AsyncDisposableStack();
  undo.use(disk);
  const cluster = undo.use(await Cluster.start({ size: 0 }));
  const node = cluster.create();
  node.start([], disk.environment);
  await node.ready();
  await node.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
  return { disk, node, parts: undo.move() };
}

async function mainThread(node: NodeProcess): Promise<{ on: boolean; times_off: number }> {
  const { store } = await node.status() as {
    store: { sqlite3: { main_thread: { on: boolean; times_off: number } } };
  };
  return store.sqlite3.main_thread;
}

Deno.test("a node whose disk fails a sync for a snapshot stops, and has all of its writes when it is back", async () => {
  const started = await start();
  if (started === undefined) return;
  await using _ = started.parts;
  const { disk, node } = started;
  for (let i = 0; i < 20; i++) await node.execute([["INSERT INTO t (v) VALUES (?)", i]]);
  await disk.failNextSync("db.sqlite-wal");
  const answer = await node.fetch("/snapshot", { method: "POST" }).catch(() => undefined);
  assert.notEqual(answer?.status, 200, "A snapshot that nobody can rely on");
  const { code } = await node.exited();
  assert.equal(code, 1);
  await node.logs(
    /fatal: Database \S+ takes no more writes: it could not be synced: disk I\/O error \(SQLITE_IOERR_FSYNC\); check the disk, then restart the node/,
  );
  assert.doesNotMatch(node.log, /log begins at/);
  node.start();
  await node.ready();
  assert.deepEqual(await node.query("SELECT count(*), max(v) FROM t"), [[20, 19]]);
});

Deno.test("a disk that hangs holds the main thread up once, until it is fast again", async () => {
  const started = await start();
  if (started === undefined) return;
  await using _ = started.parts;
  const { disk, node } = started;
  // A machine that is busy with other things can have held it up already.
  const { times_off: before } = await mainThread(node);
  await disk.slowDown(400, "db.sqlite-wal");
  await eventually(() => `the main thread to be spared\n${node.log}`, async () => {
    await node.execute(["INSERT INTO t (v) VALUES (1)"]);
    return (await mainThread(node)).times_off > before;
  });
  await node.logs(/The database held the main thread up for \d+ ms: for \d+ s other threads/);
  await disk.slowDown(undefined, "");
  await eventually(() => `the main thread to be used again\n${node.log}`, async () => {
    await node.execute(["INSERT INTO t (v) VALUES (1)"]);
    return (await mainThread(node)).on;
  });
  await node.logs(/Short reads and writes are tried on the main thread again/);
});
