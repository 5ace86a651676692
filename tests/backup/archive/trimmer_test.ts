import { strict as assert } from "node:assert";
import { ArchiveReader } from "../../../src/backup/archive/reader.ts";
import { restoreStore } from "../../../src/backup/archive/restore.ts";
import type { Point } from "../../../src/backup/archive/moment.ts";
import type { Retention } from "../../../src/backup/archive/retention.ts";
import { Trimmer, type TrimmerParts } from "../../../src/backup/archive/trimmer.ts";
import { DenoClock } from "../../../src/io/deno_clock.ts";
import { DenoDisk } from "../../../src/io/deno_disk.ts";
import { ObjectStoreError } from "../../../src/object_store/types.ts";
import { eventually } from "../../cluster/harness.ts";
import { withDirectory } from "../../directory.ts";
import { TestStore } from "../../store/fixture.ts";
import { contents } from "../../store/random_entries.ts";
import { Archived } from "./archived.ts";
import { Member } from "./history.ts";

const day = 24 * 3_600_000;

/** The machine's clock, as somebody sets it. */
class SetClock extends DenoClock {
  aheadMs = 0;

  override wallTime(): number {
    return super.wallTime() + this.aheadMs;
  }
}

const twoBases: Retention = { keepMs: 0, bases: 2, gapMsMax: 1 };

function trimmerOf(archived: Archived, parts: Partial<TrimmerParts> = {}): Trimmer {
  const { place, leader: node, log: logger } = archived;
  const trimmer = new Trimmer({
    ...{ place, node, logger, clock: new DenoClock(), retention: twoBases },
    ...{ periodMs: 2, graceMs: 0 },
    ...parts,
  });
  trimmer.start();
  return trimmer;
}

/** An archive with a base copy behind each write; `was` has what there was at each. */
async function withBases(
  count: number,
  test: (
    archived: Archived,
    was: ReadonlyMap<number, string>,
    directory: string,
  ) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    await using archived = await Archived.open(`${directory}/archive`);
    const was = new Map<number, string>();
    await archived.write("CREATE TABLE t (v)");
    await archived.restart({ baseIntervalMs: 1 });
    for (let v = 0; v < count; v++) {
      const index = await archived.write(`INSERT INTO t VALUES (${v})`);
      was.set(index, await contents(archived.live));
      await eventually(
        () => `a base copy at ${index}\n${archived.log.text}`,
        async () => (await ArchiveReader.open(archived.place)).bases.at(-1)?.index === index,
      );
    }
    // No more of them.
    await archived.restart();
    await test(archived, was, directory);
  });
}

async function restored(archived: Archived, point: Point, directory: string): Promise<string> {
  return await restoreStore({
    reader: await ArchiveReader.open(archived.place),
    point,
    disk: new DenoDisk(),
    directory: await Deno.makeTempDir({ dir: directory }),
    openStore: async (home) => (await TestStore.open({ directory: home, foreignKeys: true })).store,
  }, (store) => contents(Object.create(archived.live, { store: { value: store } })));
}

async function isSound(archived: Archived): Promise<ArchiveReader> {
  const reader = await ArchiveReader.open(archived.place);
  assert.deepEqual((await reader.inventory(true)).faults, []);
  return reader;
}

Deno.test("an archive goes back as far as it is kept, to the row, and refuses earlier moments by name; nothing else is left of them", async () => {
  await withBases(5, async (archived, was, directory) => {
    const trimmer = trimmerOf(archived);
    const [begin = 0, last = 0] = [...was.keys()].slice(-2);
    await eventually(
      () => `three base copies to go\n${archived.log.text}`,
      async () => (await Array.fromAsync(archived.objects.list("base/"))).length === 4,
    );
    await eventually("the records, too", async () => {
      return (await Array.fromAsync(archived.objects.list("trim/"))).length === 1;
    });
    assert.equal(trimmer.figures.firstIndex, begin);
    await trimmer.stop();
    const reader = await isSound(archived);
    assert.deepEqual(reader.bases.map(({ index }) => index), [begin, last]);
    for (const index of [begin, last]) {
      assert.equal(await restored(archived, { type: "index", index }, directory), was.get(index));
    }
    await assert.rejects(
      restored(archived, { type: "index", index: begin - 1 }, directory),
      new RegExp(`begins at index ${begin}, `),
    );
    // The chain goes on behind what was removed.
    const next = await archived.write("INSERT INTO t VALUES (100)");
    await isSound(archived);
    const newest = await restored(archived, { type: "index", index: next }, directory);
    assert.equal(newest, await contents(archived.live));
  });
});

Deno.test("a removal that is killed at any object leaves a sound archive, and the next look goes on", async () => {
  await withBases(4, async (archived, was, directory) => {
    const { objects } = archived;
    const begin = [...was.keys()].at(-2) ?? 0;
    const killed = trimmerOf(archived);
    let removals = 0;
    objects.before = (action) => {
      if (action === "remove") throw new ObjectStoreError("failed", "The node is gone");
    };
    await eventually("a first try", () => killed.figures.failing);
    await killed.stop();
    for (let left = true; left; removals++) {
      let allowed = 1;
      objects.before = (action) => {
        if (action === "remove" && allowed-- <= 0) {
          throw new ObjectStoreError("failed", "The node is gone");
        }
      };
      const next = trimmerOf(archived);
      await eventually("a removal", () => next.figures.objectsRemoved > 0);
      await next.stop();
      objects.before = () => {};
      const reader = await isSound(archived);
      assert.equal(reader.bases[0]?.index, begin);
      const keys = [
        ...await Array.fromAsync(objects.list("base/")),
        ...await Array.fromAsync(objects.list("log/")),
      ].map(({ key }) => Number(/\d{20}/.exec(key)?.[0]));
      left = keys.some((index) => index < begin);
    }
    assert.ok(removals > 4, `${removals}`);
    const point = { type: "index", index: begin } as const;
    assert.equal(await restored(archived, point, directory), was.get(begin));
  });
});

Deno.test("an old leader that wakes in the middle of removing takes nothing that is kept, and no newer word back", async () => {
  await withBases(5, async (archived, was, directory) => {
    const { objects } = archived;
    const [old = 0, begin = 0] = [...was.keys()].slice(1);
    const asleep = Promise.withResolvers<void>();
    const sleeps = Promise.withResolvers<void>();
    const old4: Retention = { ...twoBases, bases: 4 };
    const oldLeader = archived.leader;
    objects.before = async (action, key) => {
      if (action !== "put" || !key.startsWith("trim/")) return;
      objects.before = () => {};
      sleeps.resolve();
      await asleep.promise;
    };
    const sleeping = trimmerOf(archived, { retention: old4 });
    await sleeps.promise;
    oldLeader.depose();
    archived.leader = new Member(archived.history);
    const three: Retention = { ...twoBases, bases: 3 };
    const trimmer = trimmerOf(archived, { retention: three });
    await eventually("two base copies to go", async () => {
      return (await Array.fromAsync(objects.list("base/"))).length === 6;
    });
    await trimmer.stop();
    asleep.resolve();
    await eventually("it to hear that it leads no more", () => sleeping.figures.failing);
    await sleeping.stop();
    const reader = await isSound(archived);
    assert.equal(reader.bases[0]?.index, begin);
    assert.ok(old < begin);
    assert.equal(
      await restored(archived, { type: "index", index: begin }, directory),
      was.get(begin),
    );
  });
});

Deno.test("a restore that runs while an archive is trimmed ends, within the grace, and else says what became of it", async () => {
  await withBases(4, async (archived, was, directory) => {
    const [oldest = 0] = was.keys();
    const point = { type: "index", index: oldest } as const;
    // Begun before: it is there for as long as the grace is, whatever is said by then.
    const held = Promise.withResolvers<void>();
    const reads = Promise.withResolvers<void>();
    archived.objects.before = async (action, key) => {
      if (action !== "read" || !key.endsWith(".sqlite3.gz")) return;
      archived.objects.before = () => {};
      reads.resolve();
      await held.promise;
    };
    const restoring = restored(archived, point, directory);
    await reads.promise;
    const clock = new DenoClock();
    let slept = 0;
    clock.now = () => performance.now() + slept;
    const patient = trimmerOf(archived, { graceMs: day, clock });
    await eventually("its word", async () => {
      // Less than a grace between this look and the next.
      slept += 0.6 * day;
      return (await ArchiveReader.open(archived.place)).bases.length === 2;
    });
    await patient.stop();
    held.resolve();
    assert.equal(await restoring, was.get(oldest));
    await assert.rejects(restored(archived, point, directory), /begins at index/);
  });
  await withBases(4, async (archived, was, directory) => {
    const [oldest = 0] = was.keys();
    const reader = await ArchiveReader.open(archived.place);
    const trimmer = trimmerOf(archived);
    await eventually("a removal", () => trimmer.figures.objectsRemoved > 3);
    await trimmer.stop();
    const restoring = restoreStore({
      reader,
      point: { type: "index", index: oldest },
      disk: new DenoDisk(),
      directory: await Deno.makeTempDir({ dir: directory }),
      openStore: async (home) =>
        (await TestStore.open({ directory: home, foreignKeys: true })).store,
    }, () => Promise.resolve());
    await assert.rejects(restoring, /is gone: the archive begins at index \d+ by now/);
  });
});

Deno.test("a clock that is set by years, either way, loses nothing that is kept, and times restore to the first time that they were", async () => {
  await withDirectory(async (directory) => {
    await using archived = await Archived.open(`${directory}/archive`);
    const clock = new SetClock();
    archived.live.entries.clock = () => clock.wallTime();
    await archived.write("CREATE TABLE t (v)");
    await archived.restart({ clock, baseIntervalMs: day });
    const retention = { keepMs: 3 * day, bases: 0, gapMsMax: 2 * day };
    const was: { readonly index: number; readonly time: number; readonly rows: string }[] = [];
    const live = async (v: number) => {
      clock.aheadMs += day;
      const index = await archived.write(`INSERT INTO t VALUES (${v})`);
      was.push({ index, time: clock.wallTime(), rows: await contents(archived.live) });
      await eventually(
        () => `a base copy\n${archived.log.text}`,
        async () => (await ArchiveReader.open(archived.place)).bases.at(-1)?.index === index,
      );
    };
    for (let v = 0; v < 5; v++) await live(v);
    const real = clock.aheadMs;
    const begin = await ArchiveReader.open(archived.place);
    const trimmer = trimmerOf(archived, { clock, retention, graceMs: 0 });
    await eventually("what is older than three days to go", () => trimmer.figures.firstIndex > 0);
    const kept = trimmer.figures.firstIndex;
    const before = begin.bases.filter(({ index }) => index >= kept);
    assert.ok(before.length >= 3, `${before.length}`);

    clock.aheadMs = real - 3000 * day;
    await live(100);
    assert.equal(trimmer.figures.firstIndex, kept);
    clock.aheadMs = real + 100;
    // What was written under the wrong clock did not come before what was written before it.
    const [third] = was.filter(({ index }) => index >= kept).slice(1);
    assert(third !== undefined);
    const at = { type: "time", time: third.time } as const;
    await trimmer.stop();
    assert.equal(await restored(archived, at, directory), third.rows);

    const looking = trimmerOf(archived, { clock, retention, graceMs: 0 });
    clock.aheadMs = real + 3000 * day;
    await live(200);
    clock.aheadMs = real + 200;
    await live(300);
    await eventually("a look", () => looking.figures.firstIndex >= kept);
    await looking.stop();
    const { bases } = await isSound(archived);
    // Two intervals at most.
    assert.ok((bases[0]?.index ?? Infinity) <= (before[2]?.index ?? 0), `${bases[0]?.index}`);
  });
});
