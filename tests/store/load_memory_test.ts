import assert from "node:assert/strict";
import { Database } from "../../src/sqlite/mod.ts";
import { decodeBatch, encodeBatch } from "../../src/store/apply/apply_batch.ts";
import { releasePieces, withSmallCache } from "../../src/store/apply/load_memory.ts";
import type { Command } from "../../src/store/types.ts";
import { Entries, library } from "./fixture.ts";

const piece: Command = {
  type: "load_chunk",
  loadId: 1n,
  offset: 0,
  bytes: new Uint8Array(1000),
  request: undefined,
};

function openConnection() {
  const database = new Database(":memory:", { library });
  return { database, own: <Result>(body: () => Result) => body() };
}

Deno.test("releasePieces gives back what a batch of pieces lay in, and no other batch", () => {
  const connection = openConnection();
  using _ = connection.database;
  const entries = new Entries();
  const pieces = encodeBatch([entries.command(piece), entries.command({ ...piece, offset: 1000 })]);
  releasePieces(connection, decodeBatch(pieces), pieces);
  assert.ok(pieces.buffer.detached);
  const mixed = encodeBatch([entries.command(piece), entries.execute(["SELECT 1"])]);
  releasePieces(connection, decodeBatch(mixed), mixed);
  assert.ok(!mixed.buffer.detached);
});

Deno.test("withSmallCache has few pages kept, and as many as before afterwards", async () => {
  const connection = openConnection();
  using database = connection.database;
  const cacheSize = () => database.scalar("PRAGMA cache_size");
  database.exec("PRAGMA cache_size = -30000");
  await withSmallCache(connection, async () => {
    assert.equal(cacheSize(), -1024);
    await Promise.resolve();
  });
  assert.equal(cacheSize(), -30000);
  await assert.rejects(withSmallCache(connection, () => Promise.reject(new Error("full"))));
  assert.equal(cacheSize(), -30000);
});
