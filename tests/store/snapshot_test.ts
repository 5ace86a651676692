import assert from "node:assert/strict";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { Database, openLibrary } from "../../src/sqlite/mod.ts";
import { readFile, writeSnapshot } from "../../src/store/copy/snapshot_body.ts";
import { type AppliedPosition, SnapshotRejectedError } from "../../src/store/types.ts";
import { background } from "../background.ts";
import { library, plain, TestStore } from "./fixture.ts";

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk.slice());
  return chunks;
}

async function* from(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function filled(count: number): Promise<TestStore> {
  const s = await TestStore.open();
  await s.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
  await s.execute([
    `INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) ` +
    "SELECT hex(randomblob(50)) FROM n",
  ]);
  return s;
}

const sum = "SELECT count(*), sum(length(v)), max(v) FROM t";

Deno.test("Store.openSnapshot copies one moment while writes go on, and installSnapshot becomes it", async () => {
  await using source = await filled(20_000);
  await using target = await TestStore.open();
  await target.execute(["CREATE TABLE other (v)"]);
  let writing = true;
  const writes = background(async () => {
    let most = 0;
    while (writing) {
      const startedAt = performance.now();
      await source.execute([
        "INSERT INTO t (v) VALUES ('more')",
        "UPDATE t SET v = v || 'x' WHERE id % 1000 = 1",
      ]);
      most = Math.max(most, performance.now() - startedAt);
    }
    return most;
  });
  const snapshot = await source.store.openSnapshot();
  const body = await collect(snapshot.body);
  writing = false;
  await writes;
  await snapshot.close();
  assert.equal(body.reduce((size, chunk) => size + chunk.length, 0), snapshot.sizeBytes);
  assert.ok(snapshot.position.index < source.store.applied.index);

  assert.deepEqual(await target.store.installSnapshot(from(body)), snapshot.position);
  assert.deepEqual(target.store.applied, snapshot.position);
  const inserted = snapshot.position.index - 2;
  assert.match(await target.query(sum), new RegExp(`\\[\\[${20_000 + inserted},`));
  assert.match(await target.query("PRAGMA integrity_check"), /"ok"/);
  // It goes on from there as the source did.
  target.entries.index = snapshot.position.index;
  assert.match(
    await target.execute(["INSERT INTO t (v) VALUES (1)"]),
    new RegExp(`"last_insert_id":${20_001 + inserted}`),
  );
  await target.restart();
  assert.equal(target.store.applied.index, snapshot.position.index + 1);
});

Deno.test("Store.installSnapshot refuses a damaged, short or foreign copy, and keeps the old state", async () => {
  await using source = await filled(2000);
  await using target = await TestStore.open();
  await target.execute(["CREATE TABLE kept (v)"]);
  const snapshot = await source.store.openSnapshot();
  const chunks = await collect(snapshot.body);
  await snapshot.close();
  const whole = new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
  const flipped = whole.slice();
  flipped[whole.length >> 1] = (flipped[whole.length >> 1] ?? 0) ^ 1;
  const bodies = [
    flipped,
    whole.subarray(0, whole.length - 1),
    whole.subarray(0, 10),
    new Uint8Array(0),
    new TextEncoder().encode("something else altogether"),
  ];
  for (const body of bodies) {
    await assert.rejects(target.store.installSnapshot(from([body])), SnapshotRejectedError);
    assert.equal(target.store.applied.index, 1);
    assert.match(await target.query("SELECT name FROM sqlite_schema WHERE name = 'kept'"), /kept/);
  }
  const broken = (async function* () {
    yield whole.subarray(0, 5000);
    await Promise.resolve();
    throw new Error("connection lost");
  })();
  await assert.rejects(target.store.installSnapshot(broken), /connection lost/);
  const left = [...Deno.readDirSync(target.directory)].map((f) => f.name);
  assert.deepEqual(left.filter((name) => name.includes(".tmp-")), []);
});

/** The body of a snapshot whose file `change` was done to. */
async function changed(source: TestStore, change: (file: string) => void): Promise<Uint8Array[]> {
  const snapshot = await source.store.openSnapshot();
  const body = await new Response(ReadableStream.from(snapshot.body)).bytes();
  await snapshot.close();
  const path = `${source.directory}/changed.sqlite`;
  await Deno.writeFile(path, body.subarray(16, body.length - 4));
  change(path);
  const file = await new DenoDisk().open(path, { create: false });
  try {
    return await collect(writeSnapshot(readFile(file, await file.size()), await file.size()));
  } finally {
    file.close();
  }
}

Deno.test("Store.installSnapshot refuses a sound file that its writer could not use", async () => {
  await using source = await filled(10);
  await using target = await TestStore.open();
  await target.execute(["CREATE TABLE kept (v)"]);
  const edit = (sql: string) => (path: string) => {
    using database = new Database(path, { library: openLibrary(library) });
    database.exec("PRAGMA writable_schema = ON");
    database.exec(sql);
  };
  const rename = (table: string, columns: string) =>
    edit(
      `UPDATE sqlite_schema SET sql = 'CREATE TABLE ${table}(${columns})' WHERE name = '${table}'`,
    );
  for (
    const [change, why] of [
      [
        rename("sqlite_raft_session", "origin INTEGER PRIMARY KEY, a, b, c"),
        /no such column: floor/,
      ],
      [rename("sqlite_raft_load", "offset INTEGER PRIMARY KEY"), /no such column/],
      [rename("sqlite_raft", "id INTEGER PRIMARY KEY, applied_index"), /has 2 columns but 10/],
      [
        edit(
          "UPDATE sqlite_schema SET name = 'u', tbl_name = 'u', sql = 'CREATE TABLE u(a)' WHERE name = 'sqlite_raft'",
        ),
        /which entries it holds/,
      ],
      [
        (path: string) => Deno.writeTextFileSync(path, "no database ".repeat(1000)),
        /not a database/,
      ],
    ] as const
  ) {
    const accepted: AppliedPosition[] = [];
    const body = await changed(source, change);
    await assert.rejects(
      target.store.installSnapshot(from(body), (position) => {
        accepted.push(position);
        return Promise.resolve();
      }),
      (error) => error instanceof SnapshotRejectedError && why.test(error.message),
      String(why),
    );
    assert.deepEqual(accepted, []);
    assert.equal(target.store.applied.index, 1);
  }
  const body = await changed(source, () => {});
  const refusal = new Error("not wanted");
  await assert.rejects(
    target.store.installSnapshot(from(body), () => Promise.reject(refusal)),
    refusal,
  );
  assert.match(await target.query("SELECT name FROM sqlite_schema WHERE name = 'kept'"), /kept/);
  assert.equal((await target.store.installSnapshot(from(body))).index, 2);
});

Deno.test("Store.installSnapshot lets reads wait, and stops a stream with an error", async () => {
  await using source = await filled(3000);
  await using target = await filled(30_000);
  const snapshot = await source.store.openSnapshot();
  const stream = await target.store.read({
    statements: [{ sql: "SELECT * FROM t a, t b" }],
    transaction: false,
    format: plain,
    timeoutMs: 0,
  }) as ReadableStream<Uint8Array>;
  const reader = stream.getReader();
  await reader.read();
  const installed = target.store.installSnapshot(snapshot.body);
  const stopped = assert.rejects(async () => {
    for (let read = await reader.read(); !read.done; read = await reader.read());
  }, /being replaced/);
  const [answer] = await Promise.all([target.query("SELECT count(*) FROM t"), installed, stopped]);
  assert.match(answer, /\[\[(3000|30000)\]\]/);
  assert.match(await target.query("SELECT count(*) FROM t"), /\[\[3000\]\]/);
  await snapshot.close();
});

Deno.test("Store.checkpoint moves the WAL into the file while writes go on", async () => {
  await using s = await filled(5000);
  const writes: Promise<unknown>[] = [];
  for (let i = 0; i < 50; i++) writes.push(s.execute(["INSERT INTO t (v) VALUES ('x')"]));
  const position = await s.store.checkpoint();
  await Promise.all(writes);
  assert.ok(position.index <= s.store.applied.index);
  await s.store.checkpoint();
  // A copy of the main file alone, as after a lost WAL, holds all of it.
  await Deno.copyFile(s.path, `${s.directory}/alone.sqlite`);
  assert.equal((await s.store.checkpoint()).index, 52);
  const copy = await Deno.makeTempDir();
  await Deno.rename(`${s.directory}/alone.sqlite`, `${copy}/db.sqlite`);
  await using alone = await TestStore.open({ directory: copy });
  assert.equal(alone.store.applied.index, 52);
});

Deno.test("Store.apply keeps the WAL bounded under a steady load of writes and reads", async () => {
  await using s = await filled(10);
  let reading = true;
  const reads = background(() =>
    Promise.all([1, 2, 3].map(async () => {
      while (reading) await s.query("SELECT count(*), sum(length(v)) FROM t WHERE id % 3 = 0");
    }))
  );
  // Always a batch ahead, so that a checkpoint never finds the writer idle.
  let ahead: Promise<unknown> = Promise.resolve();
  for (let i = 0; i < 150; i++) {
    const next = s.execute([
      "INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT randomblob(4000) FROM n",
      "DELETE FROM t WHERE id > 10",
    ]);
    await ahead;
    ahead = next;
  }
  await ahead;
  reading = false;
  await reads;
  // Three hundred megabytes went through it.
  const { size } = await Deno.stat(`${s.path}-wal`);
  assert.ok(size < 100_000_000, `WAL has ${size} bytes`);
});
