import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { Database } from "../../src/sqlite/mod.ts";
import { describe } from "../store/database_description.ts";
import { library, TestStore } from "../store/fixture.ts";
import { entriesOf, requestsOf } from "../store/random_entries.ts";
import { seeds } from "../store/seeds.ts";
import { RebuiltCopy } from "./rebuilt_copy.ts";

const requestsEach = 300;
const changesBytes = 256 * 1024 * 1024;

function contents(path: string): string[] {
  using database = new Database(path, { library });
  // What SQLite keeps for itself is not told.
  return describe(database, { textBytes: true }).filter((line) =>
    !/^(rows of|table) sqlite_|^user_version/.test(line)
  );
}

Deno.test("ChangeLog tells all that a copy needs to be equal row by row", async () => {
  for (const seed of seeds(4)) {
    const random = new Prng(seed);
    const requests = requestsOf(random, requestsEach, random.chance(0.5));
    await using store = await TestStore.open({ foreignKeys: true, changesBytes });
    const copy = new RebuiltCopy(library, store.path, `${store.directory}/copy`);
    const entries = entriesOf(requests);
    for (let at = 0; at < entries.length;) {
      const size = 1 + random.below(random.chance(0.7) ? 6 : 60);
      const batch = entries.slice(at, at + size);
      await store.apply(...batch);
      at += batch.length;
      if (random.chance(0.05)) await store.restart();
      const log = store.store.changes;
      assert.ok(log !== undefined);
      try {
        copy.follow(log, at, random.chance(0.3) ? 1 : undefined);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
      assert.deepEqual(contents(copy.path), contents(store.path), `seed ${seed}, entry ${at}`);
    }
    assert.ok(copy.rows > 100, `seed ${seed}: only ${copy.rows} rows were told`);
  }
});
