import assert from "node:assert/strict";
import type { ApplyEntry } from "../../src/store/types.ts";
import { sqliteFile, TestStore } from "./fixture.ts";

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
  const file = await sqliteFile("CREATE TABLE loaded (v); INSERT INTO loaded VALUES (1)");
  await s.apply(...s.entries.load(file));
  assert.match(await s.query("SELECT v FROM loaded"), /\[\[1\]\]/);
  assert.equal(s.store.changesDelivered, 7);
  await s.restart();
  assert.equal(s.store.changesDelivered, 7);
});
