import assert from "node:assert/strict";
import { Database } from "../../src/sqlite/mod.ts";
import { streamCopy } from "../../src/store/copy/copy_stream.ts";
import { StoreBusyError } from "../../src/store/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { library, openFiles, sqlite3, TestStore } from "./fixture.ts";

/** SQLite's file format, section 4. */
const [walHeaderBytes, frameHeaderBytes, pageBytes] = [32, 24, 4096];
const binary = { format: "binary", vacuum: false, tables: [] } as const;

async function filled(clock?: SimulatedClock): Promise<TestStore> {
  const s = await TestStore.open({ limits: { backupsMax: 2 }, ...(clock && { clock }) });
  await fill(s);
  return s;
}

async function fill(s: TestStore): Promise<void> {
  await s.execute([
    "CREATE TABLE t (v)",
    "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT randomblob(1000) FROM n",
  ]);
}

/** Connections that have read; 0 where the system does not say. */
function held(s: TestStore): number {
  return openFiles(`${s.path}-wal`) ?? 0;
}

/** Names of the copies that are left, and, where the system tells, how many hold the database. */
function left(s: TestStore, before = 0): { readonly names: string[]; readonly held: number } {
  const names = [...Deno.readDirSync(s.directory)].map(({ name }) => name)
    .filter((name) => name.includes(".tmp-"));
  return { names, held: held(s) - before };
}

const nothing = { names: [], held: 0 };

async function until(what: string, check: () => boolean): Promise<void> {
  const deadline = performance.now() + 120_000;
  while (!check()) {
    assert(performance.now() < deadline, `Waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function backup(s: TestStore, signal?: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  return (await s.store.backup(binary, signal)).body;
}

async function rest(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array[]> {
  const pieces = [];
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    pieces.push(read.value);
  }
  return pieces;
}

Deno.test("Store.backup holds a bounded number of copies, and takes the next when one is done", async () => {
  await using s = await filled();
  const before = held(s);
  const [first, second] = [await backup(s), await backup(s)];
  if (Deno.build.os === "linux") assert.equal(left(s, before).held, 2);
  await assert.rejects(s.store.backup(binary), StoreBusyError);
  await first.cancel();
  const third = await backup(s);
  await Promise.all([second.cancel(), third.cancel()]);
  assert.deepEqual(left(s, before), nothing);
});

Deno.test("Store.backup gives up a client that takes nothing or too little, and no other", async () => {
  const clock = new SimulatedClock();
  await using s = await filled(clock);
  const before = held(s);
  const silent = (await backup(s)).getReader();
  const slow = (await backup(s)).getReader();
  await clock.advance(20_000);
  assert.equal((await slow.read()).done, false);
  await clock.advance(20_000);
  await assert.rejects(silent.read(), /its client took nothing of it for 30000 ms/);
  if (Deno.build.os === "linux") {
    await until("one copy to be let go of", () => left(s, before).held === 1);
  }
  // A piece that is on its way at 5 KiB a second.
  await clock.advance(80_000);
  assert.equal((await slow.read()).value?.length, 0x8_0000);
  await clock.advance(128_000);
  await assert.rejects(slow.read(), /its client did not take 524288 bytes of it in 128000 ms/);
  await until("the copies to be let go of", () => left(s, before).held === 0);
  assert.deepEqual(left(s, before), nothing);
});

Deno.test("Store.backup leaves neither file nor handle behind an error in the middle", async () => {
  await using s = await filled();
  const before = held(s);
  const reader = (await backup(s)).getReader();
  await reader.read();
  // No frames with these numbers, as if the disk had mixed something up; their pages have sums of their own.
  const wal = await Deno.readFile(`${s.path}-wal`);
  const file = await Deno.open(`${s.path}-wal`, { write: true });
  const writeHeads = async (of: Uint8Array) => {
    for (let at = walHeaderBytes; at < wal.length; at += frameHeaderBytes + pageBytes) {
      await file.seek(at, Deno.SeekMode.Start);
      assert.equal(await file.write(of.subarray(at, at + frameHeaderBytes)), frameHeaderBytes);
    }
  };
  await writeHeads(new Uint8Array(wal.length));
  await assert.rejects(rest(reader), /Page \d+ is not in the WAL, where its index says it is/);
  await writeHeads(wal);
  file.close();
  assert.deepEqual(left(s, before), nothing);
});

Deno.test("Store.backup ends with its client, and with the store", async () => {
  const s = await filled();
  const before = held(s);
  const abort = new AbortController();
  const gone = (await backup(s, abort.signal)).getReader();
  await gone.read();
  abort.abort(new Error("gone"));
  await assert.rejects(gone.read(), /gone/);
  await until("the copy to be let go of", () => left(s, before).held === 0);
  const late = (await backup(s)).getReader();
  await s.store.close();
  await assert.rejects(late.read(), /closed/);
  assert.equal(held(s), 0);
  assert.deepEqual(left(s).names, []);
  await Deno.remove(s.directory, { recursive: true });
});

Deno.test("Store.backup copies the rest for a client so slow that the WAL would grow without end", async () => {
  for (const limits of [{ walBytes: 65_536 }, { copyHeldMs: 0 }]) {
    await using s = await TestStore.open({ limits });
    await fill(s);
    using database = new Database(s.path, { library });
    // Only a connection that has read knows that there is a WAL.
    database.scalar("SELECT count(*) FROM t");
    const { body, position, sizeBytes } = await s.store.backup(binary);
    const reader = body.getReader();
    const pieces = [(await reader.read()).value ?? new Uint8Array()];
    // Of one that was fast enough nothing is on the disk.
    if (limits.copyHeldMs === undefined) assert.deepEqual(left(s).names, []);
    await s.execute(["UPDATE t SET v = randomblob(1000)", "DELETE FROM t WHERE rowid % 2 = 1"]);
    await until("the WAL to be free", () => !database.checkpoint("truncate").busy);
    assert.equal(left(s).names.length, 1);
    pieces.push(...await rest(reader));
    assert.deepEqual(left(s).names, []);
    const path = `${s.directory}/copy`;
    await new Blob(pieces as BlobPart[]).stream().pipeTo((await Deno.create(path)).writable);
    assert.equal((await Deno.stat(path)).size, sizeBytes);
    assert.ok(position.index < s.store.applied.index);
    assert.equal(sqlite3(path, "PRAGMA integrity_check; SELECT count(*) FROM t"), "ok\n3000\n");
  }
});

Deno.test("Store.backup ends with an error when the database is replaced meanwhile", async () => {
  await using s = await filled();
  const before = held(s);
  const reader = (await backup(s)).getReader();
  await reader.read();
  const snapshot = await s.store.openSnapshot();
  await using other = await TestStore.open();
  other.entries.index = (await other.store.installSnapshot(snapshot.body)).index;
  await snapshot.close();
  await other.execute(["CREATE TABLE u (v)"]);
  const newer = await other.store.openSnapshot();
  await s.store.installSnapshot(newer.body);
  await newer.close();
  await assert.rejects(rest(reader), /the database was replaced by another meanwhile/);
  assert.deepEqual(left(s).names, []);
  await until("the old file to be closed", () => held(s) <= before);
  const again = await rest((await backup(s)).getReader());
  assert.ok(again.length > 0);
});

Deno.test("Store.openSnapshot holds a bounded number of copies", async () => {
  await using s = await filled();
  const before = held(s);
  const snapshots = [];
  for (let i = 0; i < 8; i++) snapshots.push(await s.store.openSnapshot());
  await assert.rejects(s.store.openSnapshot(), /Too many temporary files: 8 \(snapshot\)/);
  for (const snapshot of snapshots) await snapshot.close();
  assert.deepEqual(left(s, before), nothing);
});

Deno.test("streamCopy() closes the copy of a client that has gone before it began, or while the disk is waited for", async () => {
  const reason = new Error("The client went away");
  for (const when of ["before", "meanwhile"]) {
    const gone = new AbortController();
    const { signal } = gone;
    if (when === "before") gone.abort(reason);
    let closed = 0;
    const pieces = async function* () {
      gone.abort(reason);
      yield await Promise.resolve(new Uint8Array(1));
    };
    const copy = { pieces: pieces(), close: () => Promise.resolve(void closed++) };
    const clock = new SimulatedClock();
    const stream = streamCopy(copy, { clock, stallMs: 1000, signal });
    await assert.rejects(stream.getReader().read(), reason);
    await clock.settle();
    assert.deepEqual([closed, clock.pending], [1, 0]);
  }
});
