import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import type { ChangeGroup } from "../../src/changes/types.ts";
import { library, TestStore } from "../store/fixture.ts";
import { entriesOf, requestsOf } from "../store/random_entries.ts";
import { anySeed } from "../store/seeds.ts";
import { contents } from "./contents.ts";
import { RebuiltCopy } from "./rebuilt_copy.ts";

const changesBytes = 64 * 1024 * 1024;

async function copyFiles(from: string, to: string, name: string): Promise<void> {
  for (const end of ["", "-wal"]) {
    await Deno.remove(`${to}/${name}${end}`).catch(() => {});
    await Deno.copyFile(`${from}/${name}${end}`, `${to}/${name}${end}`);
  }
}

// What a power cut leaves of files that were not synced: each as it was at some moment.
for (const first of ["changes.sqlite", "db.sqlite"]) {
  const second = first === "db.sqlite" ? "changes.sqlite" : "db.sqlite";
  Deno.test(`no change is lost when a crash leaves ${first} older than ${second}`, async () => {
    const seed = anySeed();
    const random = new Prng(seed);
    for (let round = 0; round < 2; round++) {
      const entries = entriesOf(requestsOf(random, 90, round % 2 === 0));
      const directory = await Deno.makeTempDir({ prefix: "raftlite-cut-" });
      await using before = await TestStore.open({ foreignKeys: true, changesBytes });
      const applySome = async (from: number, count: number) => {
        for (let at = from; at < from + count;) {
          const batch = entries.slice(at, Math.min(from + count, at + 1 + random.below(5)));
          await before.store.apply(batch);
          at += batch.length;
        }
        return from + count;
      };
      let at = await applySome(0, 10 + random.below(40));
      if (random.chance(0.5)) await before.store.checkpoint();
      at = await applySome(at, 5);
      await copyFiles(before.directory, directory, first);
      at = await applySome(at, 1 + random.below(30));
      await copyFiles(before.directory, directory, second);
      await using after = await TestStore.open({ foreignKeys: true, changesBytes, directory });
      const { index } = after.store.applied;
      assert.ok(index < at, `seed ${seed}: nothing was taken back`);
      const log = after.store.changes;
      assert.ok(log !== undefined);
      assert.equal(log.status.oldest, 1, `seed ${seed}: changes are lost`);
      await after.store.apply(entries.slice(index));
      const copy = new RebuiltCopy(library, after.path, `${directory}/copy`);
      copy.follow(log, entries.length);
      assert.deepEqual(contents(copy.path), contents(after.path), `seed ${seed}`);
      const indexes = log.read({ index: 1, change: 0 }, 1e9).groups.map((group) => group.index);
      const whole = await TestStore.open({ foreignKeys: true, changesBytes });
      await whole.store.apply(entries);
      assert.deepEqual(
        merged(log.read({ index: 1, change: 0 }, 1e9).groups),
        merged(whole.store.changes?.read({ index: 1, change: 0 }, 1e9).groups ?? []),
        `seed ${seed}: ${indexes}`,
      );
      await whole.close();
    }
  });
}

/** All changes by entry, in however many parts they came. */
function merged(groups: readonly ChangeGroup[]) {
  const entries = new Map<number, unknown[]>();
  for (const { index, time, changes } of groups) {
    entries.set(index, [...entries.get(index) ?? [time], ...changes]);
  }
  return [...entries];
}
