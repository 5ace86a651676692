import assert from "node:assert/strict";
import { HeldReadLostError } from "../../src/store/types.ts";
import { eventually } from "../cluster/harness.ts";
import { stepOf, TestStore } from "./fixture.ts";

const step = stepOf("SELECT count(*) FROM t", { readOnly: true });

const walBytes = 262_144;
const write = ["INSERT OR REPLACE INTO t VALUES (1, randomblob(200000))"];

async function started(): Promise<TestStore> {
  const store = await TestStore.open({ limits: { walBytes } });
  await store.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
  return store;
}

const walSize = async ({ path }: TestStore) => (await Deno.stat(`${path}-wal`)).size;

Deno.test("Transactions that read, of which there is always another, leave the WAL an end", async () => {
  await using store = await started();
  let held = await store.store.hold();
  while (await walSize(store) < walBytes * 10) await store.execute(write);
  await eventually("the WAL to be cut off", async () => {
    const next = store.store.hold();
    assert.equal((await held.run(step, undefined)).type, "same", "nobody is cut off for it");
    held.letGo();
    held = await next;
    await store.execute(["UPDATE t SET v = 1"]);
    return await walSize(store) < walBytes;
  });
  held.letGo();
});

Deno.test("A transaction that reads for long is ended when too much is written beside it", async () => {
  await using store = await started();
  const held = await store.store.hold();
  await held.run(step, undefined);
  while (await walSize(store) < walBytes * 65) await store.execute(write);
  await eventually("the WAL to be cut off", async () => {
    await store.execute(write);
    return await walSize(store) < walBytes * 65;
  });
  await assert.rejects(held.run(step, undefined), HeldReadLostError);
  held.letGo();
  const next = await store.store.hold();
  assert.equal((await next.run(step, undefined)).type, "same");
  next.letGo();
});
