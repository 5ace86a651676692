import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { library, TestStore } from "../store/fixture.ts";
import { entriesOf, requestsOf } from "../store/random_entries.ts";
import { seeds } from "../store/seeds.ts";
import { changingRequests } from "./random_changes.ts";
import { contents } from "./contents.ts";
import { RebuiltCopy } from "./rebuilt_copy.ts";

const requestsEach = 200;
const changesBytes = 256 * 1024 * 1024;

Deno.test("ChangeLog tells all that a copy needs to be equal row by row", async () => {
  for (const seed of seeds(2)) {
    const random = new Prng(seed);
    const requests = seed % 2n === 0n
      ? requestsOf(random, requestsEach, random.chance(0.5))
      : changingRequests(random, requestsEach);
    await using store = await TestStore.open({ foreignKeys: true, changesBytes });
    const copy = new RebuiltCopy(library, store.path, `${store.directory}/copy`);
    const entries = entriesOf(requests);
    for (let at = 0; at < entries.length;) {
      const size = 1 + random.below(random.chance(0.9) ? 5 : 40);
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
    assert.ok(copy.rows > 20, `seed ${seed}: only ${copy.rows} rows were told`);
  }
});
