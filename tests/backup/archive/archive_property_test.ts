import assert from "node:assert/strict";
import { Archiver } from "../../../src/backup/archive/archiver.ts";
import type { ArchivePlace } from "../../../src/backup/archive/layout.ts";
import { ArchiveReader } from "../../../src/backup/archive/reader.ts";
import { restoreStore } from "../../../src/backup/archive/restore.ts";
import { Trimmer } from "../../../src/backup/archive/trimmer.ts";
import type { ArchivedNode } from "../../../src/backup/archive/types.ts";
import { Prng } from "../../../src/base/prng.ts";
import { DenoClock } from "../../../src/io/deno_clock.ts";
import { DenoDisk } from "../../../src/io/deno_disk.ts";
import { openDirectory } from "../../../src/object_store/open_store.ts";
import { ArchiveFollower } from "../../../src/standby/follower.ts";
import { eventually } from "../../cluster/harness.ts";
import { withDirectory } from "../../directory.ts";
import { TestStore } from "../../store/fixture.ts";
import { contents } from "../../store/random_entries.ts";
import { seeds } from "../../store/seeds.ts";
import { LogLines } from "../fixture.ts";
import { History, Member, randomEntries } from "./history.ts";

for (const seed of seeds()) {
  Deno.test(`an archive that is trimmed restores to each point that it keeps, and a standby follows it, to the row: seed ${seed}`, async () => {
    const random = new Prng(seed);
    await using live = await TestStore.open({ foreignKeys: true });
    await withDirectory(async (directory) => {
      const place: ArchivePlace = {
        store: await openDirectory(`${directory}/archive`),
        prefix: "db/",
        name: "archive",
      };
      const history = new History();
      const log = new LogLines();
      const startArchiver = (node: ArchivedNode, baseIntervalMs = 3_600_000) => {
        const archiver = new Archiver({
          place,
          lagMs: 4,
          baseIntervalMs,
          node,
          store: live.store,
          sqliteVersion: "3",
          clock: new DenoClock(),
          logger: log,
        });
        archiver.start();
        return archiver;
      };
      const startTrimmer = (node: ArchivedNode) => {
        const trimmer = new Trimmer({
          ...{ place, node, clock: new DenoClock(), logger: log },
          retention: { keepMs: 0, bases: 3, gapMsMax: 1 },
          ...{ periodMs: 10, graceMs: 0 },
        });
        trimmer.start();
        return trimmer;
      };
      await using copy = await TestStore.open({ foreignKeys: true });
      const startFollower = () => {
        const follower = new ArchiveFollower({
          ...{ place, clock: new DenoClock(), logger: log, store: copy.store },
          ...{ cluster: "00000000000000aa", sqliteVersion: "3", permitsMismatch: false, pollMs: 5 },
        });
        follower.start();
        return follower;
      };
      let follower = startFollower();
      let leader = new Member(history);
      let archiver = startArchiver(leader);
      let trimmer = startTrimmer(leader);
      let deposed: { stop(): Promise<void> }[] = [];
      const was = new Map<number, string>();
      for await (const batch of randomEntries(random)) {
        // The base copy is of entries that the log has.
        history.entries.push(...batch.map(({ entry }) => entry));
        await live.store.apply(batch);
        if (random.chance(0.12)) was.set(history.entries.length, await contents(live));
        if (random.chance(0.05)) {
          await eventually(() => `the archive\n${log.text}`, () => archiver.figures.index > 0);
          leader.compact();
        }
        if (random.chance(0.05)) {
          await follower.stop();
          await copy.restart();
          follower = startFollower();
        }
        if (random.chance(0.04)) {
          // The old leader goes on for a while with what it knew.
          await Promise.all(deposed.map((one) => one.stop()));
          deposed = [archiver, trimmer];
          leader.depose();
          const { firstLogIndex } = leader;
          leader = new Member(history);
          leader.firstLogIndex = random.chance(0.5) ? 1 : firstLogIndex;
          archiver = startArchiver(leader, random.chance(0.3) ? 1 : 3_600_000);
          trimmer = startTrimmer(leader);
        }
      }
      await eventually(
        () => `all to be archived\n${log.text}`,
        () => archiver.figures.index === history.entries.length,
      );
      await eventually(
        () => `the standby to have it\n${log.text}`,
        () => follower.figures.index === history.entries.length,
      );
      assert.equal(await contents(copy), await contents(live), "The standby");
      await follower.stop();
      await Promise.all([archiver, trimmer, ...deposed].map((one) => one.stop()));
      const expected =
        /No majority answers|the database is being replaced|holds a part of an entry|has no base copy yet|is no archive|is not the archive/;
      for (const line of log.lines.filter((line) => line.startsWith("ERROR"))) {
        // Taking a base copy that is removed in that moment, as a grace would keep it from.
        if (!/archive cannot be followed .*(is not there|No such file)/.test(line)) {
          assert.match(line, expected);
        }
      }

      const reader = await ArchiveReader.open(place);
      const { ranges, faults } = await reader.inventory(true);
      assert.deepEqual(faults, []);
      assert.equal(ranges.at(-1)?.last, history.entries.length);
      assert.equal(archiver.figures.gaps, 0);
      for (const [index, expectation] of was) {
        if (index < (reader.bases[0]?.index ?? Infinity)) continue;
        const restored = await restoreStore({
          reader,
          point: { type: "index", index },
          disk: new DenoDisk(),
          directory: await Deno.makeTempDir({ dir: directory }),
          openStore: async (home) =>
            (await TestStore.open({ directory: home, foreignKeys: true })).store,
        }, async (store, reached) => {
          assert.equal(reached.index, index);
          const view = Object.create(live, { store: { value: store } });
          return await contents(view);
        });
        assert.equal(restored, expectation, `Index ${index} of seed ${seed}`);
      }
    });
  });
}
