import assert from "node:assert/strict";
import { StoreBusyError } from "../../src/store/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { openFiles, TestStore } from "./fixture.ts";

const binary = { format: "binary", vacuum: false, tables: [] } as const;

async function filled(clock?: SimulatedClock): Promise<TestStore> {
  const s = await TestStore.open({ limits: { backupsMax: 2 }, ...(clock && { clock }) });
  await s.execute([
    "CREATE TABLE t (v)",
    "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT randomblob(1000) FROM n",
  ]);
  return s;
}

/** Names of the copies that are left, and, where the system tells, how many of them are open. */
function left(s: TestStore): { readonly names: string[]; readonly open: number } {
  const names = [...Deno.readDirSync(s.directory)].map(({ name }) => name)
    .filter((name) => name.includes(".tmp-"));
  return { names, open: openFiles(`${s.path}.tmp-`) ?? 0 };
}

const nothing = { names: [], open: 0 };

async function until(what: string, check: () => boolean): Promise<void> {
  const deadline = performance.now() + 120_000;
  while (!check()) {
    assert(performance.now() < deadline, `Waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

Deno.test("Store.backup keeps a bounded number of copies, and takes the next when one is done", async () => {
  await using s = await filled();
  const [first, second] = [await s.store.backup(binary), await s.store.backup(binary)];
  assert.equal(left(s).names.length, 2);
  await assert.rejects(s.store.backup(binary), StoreBusyError);
  await first.cancel();
  const third = await s.store.backup(binary);
  await Promise.all([second.cancel(), third.cancel()]);
  assert.deepEqual(left(s), nothing);
});

Deno.test("Store.backup gives up a client that takes nothing, from the start or in the middle", async () => {
  const clock = new SimulatedClock();
  await using s = await filled(clock);
  const silent = (await s.store.backup(binary)).getReader();
  const slow = (await s.store.backup(binary)).getReader();
  await clock.advance(20_000);
  assert.equal((await slow.read()).done, false);
  await clock.advance(20_000);
  await assert.rejects(silent.read(), /its client took nothing of it for 30000 ms/);
  await until("one copy to be gone", () => left(s).names.length === 1);
  assert.equal((await slow.read()).done, false);
  await clock.advance(30_000);
  await assert.rejects(slow.read(), /its client took nothing of it for 30000 ms/);
  await until("the copies to be gone", () => left(s).names.length === 0);
  assert.deepEqual(left(s), nothing);
});

Deno.test("Store.backup leaves neither file nor handle behind an error in the middle", async () => {
  await using s = await filled();
  const reader = (await s.store.backup(binary)).getReader();
  await reader.read();
  const [name] = left(s).names;
  await Deno.truncate(`${s.directory}/${name}`, 300_000);
  await assert.rejects(async () => {
    for (let read = await reader.read(); !read.done; read = await reader.read());
  }, /ends early/);
  assert.deepEqual(left(s), nothing);
});

Deno.test("Store.backup ends with its client, and with the store", async () => {
  const s = await filled();
  const abort = new AbortController();
  const gone = (await s.store.backup(binary, abort.signal)).getReader();
  await gone.read();
  abort.abort(new Error("gone"));
  await assert.rejects(gone.read(), /gone/);
  await until("the copy to be gone", () => left(s).names.length === 0);
  const late = (await s.store.backup(binary)).getReader();
  await s.store.close();
  assert.deepEqual(left(s), nothing);
  await assert.rejects(late.read(), /closed/);
  await Deno.remove(s.directory, { recursive: true });
});

Deno.test("Store.openSnapshot keeps a bounded number of copies", async () => {
  await using s = await filled();
  const snapshots = [];
  for (let i = 0; i < 8; i++) snapshots.push(await s.store.openSnapshot());
  await assert.rejects(s.store.openSnapshot(), /Too many copies of the database: 8 \(snapshot\)/);
  for (const snapshot of snapshots) await snapshot.close();
  assert.deepEqual(left(s), nothing);
});
