import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { TestStore } from "./fixture.ts";
import { contents, entriesOf, requestsOf } from "./random_entries.ts";
import { anySeed } from "./seeds.ts";

const requests = 150;

Deno.test("Store.openSnapshot is the state at its index while entries are applied, and others go on from it", async () => {
  const seed = anySeed();
  const random = new Prng(seed);
  const entries = entriesOf(requestsOf(random, requests, true), "keyed");
  await using source = await TestStore.open({ foreignKeys: true, limits: { walBytes: 65_536 } });
  const targets: TestStore[] = [];
  const installs: Promise<void>[] = [];
  for (let at = 0; at < entries.length;) {
    const size = 1 + random.below(12);
    const applied = source.apply(...entries.slice(at, at + size));
    at += size;
    if (random.below(requests) < 30 && targets.length < 3) {
      const target = await TestStore.open({ foreignKeys: true });
      targets.push(target);
      const snapshot = await source.store.openSnapshot();
      installs.push((async () => {
        const position = await target.store.installSnapshot(snapshot.body);
        await snapshot.close();
        assert.deepEqual(position, snapshot.position);
      })());
    }
    await applied;
  }
  await Promise.all(installs);
  const expected = await contents(source);
  for (const target of targets) {
    await target.apply(...entries.slice(target.store.applied.index));
    assert.equal(await contents(target), expected, `seed ${seed}`);
    await target.close();
  }
});
