import assert from "node:assert/strict";
import { checksum } from "../../src/base/checksum.ts";
import { Database } from "../../src/sqlite/mod.ts";
import type { ApplyEntry } from "../../src/store/types.ts";
import { library, TestStore } from "./fixture.ts";

function deliveredTo(s: TestStore, delivered: number): ApplyEntry {
  return s.entries.command({ type: "changes_cursor", delivered, request: undefined }, null);
}

Deno.test("Store.changesDelivered only goes on, and is there after a restart: nothing is delivered twice", async () => {
  await using s = await TestStore.open();
  assert.equal(s.store.changesDelivered, undefined);
  await s.restart();
  assert.equal(s.store.changesDelivered, undefined);
  await s.apply(deliveredTo(s, 7));
  assert.equal(s.store.changesDelivered, 7);
  // A leader of before, that is late.
  await s.apply(deliveredTo(s, 3));
  assert.equal(s.store.changesDelivered, 7);
  await s.restart();
  assert.equal(s.store.changesDelivered, 7);
  await s.apply(deliveredTo(s, 9), deliveredTo(s, 8));
  await s.restart();
  assert.equal(s.store.changesDelivered, 9);
});

Deno.test("what is delivered stays known when a file of a user's takes the database's place", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE old (v)"]);
  await s.apply(deliveredTo(s, 7));
  const bytes = loadedFile();
  const load = { loadId: 1n, request: undefined };
  await s.apply(
    s.entries.command({ type: "load_chunk", ...load, offset: 0, bytes }),
    s.entries.command({
      type: "load_commit",
      ...load,
      size: bytes.length,
      checksum: checksum(bytes),
    }),
  );
  assert.match(await s.query("SELECT v FROM loaded"), /\[\[1\]\]/);
  assert.equal(s.store.changesDelivered, 7);
  await s.restart();
  assert.equal(s.store.changesDelivered, 7);
});

function loadedFile(): Uint8Array {
  const path = Deno.makeTempFileSync();
  try {
    using database = new Database(path, { library });
    database.exec("CREATE TABLE loaded (v)");
    database.exec("INSERT INTO loaded VALUES (1)");
    return Deno.readFileSync(path);
  } finally {
    Deno.removeSync(path);
  }
}
