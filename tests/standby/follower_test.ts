import { strict as assert } from "node:assert";
import { headKey, pieceKey } from "../../src/backup/archive/layout.ts";
import { DenoClock } from "../../src/io/deno_clock.ts";
import { ObjectStoreError } from "../../src/object_store/types.ts";
import { ArchiveFollower, type FollowerParts } from "../../src/standby/follower.ts";
import { Archived } from "../backup/archive/archived.ts";
import { LogLines } from "../backup/fixture.ts";
import { eventually } from "../cluster/harness.ts";
import { withDirectory } from "../directory.ts";
import { TestStore } from "../store/fixture.ts";
import { contents } from "../store/random_entries.ts";

/** A follower with a store of its own. */
class Standby implements AsyncDisposable {
  readonly log = new LogLines();
  readonly follower: ArchiveFollower;
  readonly #copy: TestStore;

  private constructor(
    copy: TestStore,
    parts: Pick<FollowerParts, "place"> & Partial<FollowerParts>,
  ) {
    this.#copy = copy;
    this.follower = new ArchiveFollower({
      cluster: "00000000000000aa",
      store: copy.store,
      sqliteVersion: "3",
      permitsMismatch: false,
      pollMs: 4,
      clock: new DenoClock(),
      logger: this.log,
      ...parts,
    });
    this.follower.start();
  }

  static async open(
    directory: string,
    parts: Pick<FollowerParts, "place"> & Partial<FollowerParts>,
  ): Promise<Standby> {
    return new Standby(await TestStore.open({ directory, foreignKeys: true }), parts);
  }

  async reaches(index: number): Promise<void> {
    await eventually(
      () => `index ${index}, not ${this.follower.figures.index}\n${this.log.text}`,
      () => this.follower.figures.index >= index,
    );
  }

  async failsWith(pattern: RegExp): Promise<void> {
    await eventually(
      () => `${pattern}\n${this.log.text}`,
      () => pattern.test(this.follower.figures.failing?.message ?? ""),
    );
  }

  contents(): Promise<string> {
    return contents(this.#copy);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.follower.stop();
    await this.#copy.store.close();
  }
}

async function withArchive(
  test: (archived: Archived, directory: string) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    await using archived = await Archived.open(`${directory}/archive`);
    await archived.write("CREATE TABLE t (v)", "INSERT INTO t VALUES (1)");
    await test(archived, directory);
  });
}

Deno.test("a follower goes on where its store is, and takes no base copy again", async () => {
  await withArchive(async (archived, directory) => {
    const { place } = archived;
    {
      await using standby = await Standby.open(`${directory}/copy`, { place });
      await standby.reaches(await archived.write("INSERT INTO t VALUES (2)"));
      assert.equal(standby.follower.figures.basesTaken, 1);
    }
    const last = await archived.write("INSERT INTO t VALUES (3)");
    await using standby = await Standby.open(`${directory}/copy`, { place });
    await standby.reaches(last);
    assert.equal(await standby.contents(), await contents(archived.live));
    const { basesTaken, piecesApplied, entriesBehind, failing } = standby.follower.figures;
    assert.deepEqual([basesTaken, piecesApplied, entriesBehind, failing], [0, 1, 0, undefined]);
    await eventually("to be level", () => (standby.follower.figures.msBehind ?? 1e9) < 1000);
  });
});

Deno.test("a follower waits for a target that fails, and for a base copy that was removed under it", async () => {
  await withArchive(async (archived, directory) => {
    const { place, objects } = archived;
    let removed = 0;
    objects.before = (action, key) => {
      if (action !== "read" || !key.endsWith(".sqlite3.gz") || removed++ > 0) return;
      throw new ObjectStoreError("missing", `${key} is not there`);
    };
    await using standby = await Standby.open(`${directory}/copy`, { place });
    await standby.reaches(await archived.write("INSERT INTO t VALUES (2)"));
    assert.match(standby.log.text, /is not there/);

    const isStandbys = { now: true };
    const last = await archived.write("INSERT INTO t VALUES (3)");
    objects.before = (action) => {
      if (action === "read" && isStandbys.now) {
        throw new ObjectStoreError("unavailable", "The target is away");
      }
    };
    await standby.failsWith(/target is away/);
    isStandbys.now = false;
    await standby.reaches(last);
    await eventually("no failure", () => standby.follower.figures.failing === undefined);
    assert.equal(await standby.contents(), await contents(archived.live));
  });
});

Deno.test("a follower whose next pieces are gone takes a newer base copy, and says that it has none as long as there is none", async () => {
  await withArchive(async (archived, directory) => {
    const { place, objects } = archived;
    let at = 0;
    {
      await using standby = await Standby.open(`${directory}/copy`, { place });
      at = await archived.write("INSERT INTO t VALUES (2)");
      await standby.reaches(at);
    }
    await archived.write("INSERT INTO t VALUES (3)");
    const last = await archived.write("INSERT INTO t VALUES (4)");
    await objects.remove(pieceKey(place, at + 1));
    await using standby = await Standby.open(`${directory}/copy`, { place });
    await standby.failsWith(new RegExp(`has not the entries behind ${at} any more, and no base`));
    await archived.restart({ baseIntervalMs: 1 });
    await standby.reaches(last);
    await eventually("its base copy", () => standby.follower.figures.basesTaken === 1);
    assert.equal(await standby.contents(), await contents(archived.live));
    await archived.restart();
    await standby.reaches(await archived.write("INSERT INTO t VALUES (5)"));
    assert.equal(await standby.contents(), await contents(archived.live));
  });
});

Deno.test("a follower whose copy is damaged takes a base copy in its place, an older one too, and what is behind it", async () => {
  await withArchive(async (archived, directory) => {
    const { place, objects } = archived;
    await using standby = await Standby.open(`${directory}/copy`, { place });
    await standby.reaches(await archived.write("INSERT INTO t VALUES (2)"));
    const last = await archived.write("INSERT INTO t VALUES (3)");
    await standby.reaches(last);
    assert.equal(standby.follower.figures.basesTaken, 1);

    await eventually("to be level", () => standby.follower.figures.msBehind !== undefined);

    const away = { now: /\.sqlite3\.gz$/ };
    objects.before = (action, key) => {
      if (action === "read" && away.now.test(key)) {
        throw new ObjectStoreError("unavailable", "The target is away");
      }
    };
    standby.follower.replaceCopy("page 2 is not what was written there");
    standby.follower.replaceCopy("told again");
    await standby.failsWith(/target is away/);
    assert.equal(
      standby.follower.figures.damage,
      "page 2 is not what was written there",
      "as long as there is no other",
    );
    const failure = await standby.follower.finish(60_000);
    assert.match(failure ?? "", /target is away \(this copy is damaged: page 2 /);
    standby.follower.start();

    away.now = /\blog\//;
    await eventually(
      () => `another copy\n${standby.log.text}`,
      () => standby.follower.figures.copiesReplaced === 1,
    );
    assert.equal(standby.follower.figures.msBehind, undefined, "it has gone back");
    away.now = /^$/;
    await standby.reaches(last);
    const { damage, basesTaken, copiesReplaced } = standby.follower.figures;
    assert.deepEqual([damage, basesTaken, copiesReplaced], [undefined, 2, 1]);
    assert.equal(await standby.contents(), await contents(archived.live));
  });
});

Deno.test("a follower that is to finish takes no copy for good that is found damaged in its last look", async () => {
  await withArchive(async (archived, directory) => {
    const { place, objects } = archived;
    const last = await archived.write("INSERT INTO t VALUES (2)");
    await using standby = await Standby.open(`${directory}/copy`, { place, pollMs: 3_600_000 });
    await standby.reaches(last);
    await eventually("to be level", () => standby.follower.figures.msBehind !== undefined);

    let isFound = false;
    objects.before = (action, key) => {
      if (isFound || action !== "read" || key !== headKey(place)) return;
      isFound = true;
      standby.follower.replaceCopy("page 2 is not what was written there");
    };
    assert.equal(await standby.follower.finish(600_000), undefined);
    assert.ok(isFound);
    const { index, damage, copiesReplaced } = standby.follower.figures;
    assert.deepEqual([index, damage, copiesReplaced], [last, undefined, 1]);
    assert.equal(await standby.contents(), await contents(archived.live));
  });
});

Deno.test("a follower at the end of the log goes on behind a gap before anything new is written", async () => {
  await withArchive(async (archived, directory) => {
    const { place, objects, leader, live, history } = archived;
    await using standby = await Standby.open(`${directory}/copy`, { place });
    await standby.reaches(await archived.write("INSERT INTO t VALUES (2)"));
    // The archive is away for longer than the log is kept.
    objects.before = (action) => {
      if (action === "put") throw new ObjectStoreError("unavailable", "No writing now");
    };
    for (let v = 3; v < 6; v++) {
      const entry = live.entries.execute([`INSERT INTO t VALUES (${v})`]);
      history.entries.push(entry.entry);
      await live.store.apply([entry]);
    }
    leader.firstLogIndex = live.store.applied.index + 1;
    objects.before = () => {};
    await standby.reaches(live.store.applied.index);
    await eventually("a base copy more", () => standby.follower.figures.basesTaken === 2);
    assert.equal(await standby.contents(), await contents(live));
  });
});

Deno.test("a follower takes nothing that is damaged, another cluster's, or made by another SQLite", async () => {
  await withArchive(async (archived, directory) => {
    const { place, objects } = archived;
    {
      await using other = await Standby.open(`${directory}/other`, { place, sqliteVersion: "4" });
      await other.failsWith(/was made by SQLite 3, this is 4/);
      assert.equal(other.follower.figures.index, 0);
    }
    {
      const cluster = "00000000000000bb";
      await using other = await Standby.open(`${directory}/other`, { place, cluster });
      await other.failsWith(/is the archive of cluster 00000000000000aa now, not of/);
    }
    await using standby = await Standby.open(`${directory}/copy`, { place });
    await standby.reaches(archived.history.entries.length);
    const next = archived.history.entries.length + 1;
    objects.before = (action, key) => {
      if (action === "read" && key === pieceKey(place, next)) {
        throw new ObjectStoreError("unavailable", "Later");
      }
    };
    await archived.write("INSERT INTO t VALUES (2)");
    const key = pieceKey(place, next);
    const path = `${directory}/archive/${key}`;
    const sound = await Deno.readFile(path);
    const damaged = sound.slice();
    damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 4;
    await Deno.writeFile(path, damaged);
    objects.before = () => {};
    await standby.failsWith(/is damaged/);
    assert.equal(standby.follower.figures.index, next - 1);
    await Deno.writeFile(path, sound);
    await standby.reaches(next);
  });
});

Deno.test("a follower takes an archive that is gone, or another's in its place, for no end of the log", async () => {
  await withArchive(async (archived, directory) => {
    const { place } = archived;
    await using standby = await Standby.open(`${directory}/copy`, { place });
    await standby.reaches(archived.history.entries.length);
    await eventually("to be level", () => standby.follower.figures.msBehind !== undefined);
    await archived.archiver.stop();
    await Deno.rename(`${directory}/archive`, `${directory}/away`);
    await standby.failsWith(/is no archive any more/);
    await Deno.mkdir(`${directory}/archive`);
    const other = { version: 1, cluster: "00000000000000bb" };
    await Deno.writeTextFile(`${directory}/archive/archive.json`, JSON.stringify(other));
    await standby.failsWith(/is the archive of cluster 00000000000000bb now/);
    await Deno.remove(`${directory}/archive`, { recursive: true });
    await Deno.rename(`${directory}/away`, `${directory}/archive`);
    await eventually("no failure", () => standby.follower.figures.failing === undefined);
  });
});

Deno.test("a follower that is to finish applies what the archive has, and nothing behind it, and says why it came not so far", async () => {
  await withArchive(async (archived, directory) => {
    const { place, objects } = archived;
    const last = await archived.write("INSERT INTO t VALUES (2)");
    await using standby = await Standby.open(`${directory}/copy`, { place, pollMs: 3_600_000 });
    assert.equal(await standby.follower.finish(60_000), undefined);
    assert.equal(standby.follower.figures.index, last);
    await archived.write("INSERT INTO t VALUES (3)");
    assert.equal(standby.follower.figures.index, last);

    const hung = Promise.withResolvers<void>();
    objects.before = (action) => action === "read" ? hung.promise : undefined;
    standby.follower.start();
    assert.match(await standby.follower.finish(20) ?? "", /not at the end of the archive/);
    hung.resolve();
    objects.before = () => {};
    assert.equal(await standby.follower.reaches(last + 1, 50), false);
    standby.follower.start();
    await standby.reaches(last + 1);
  });
});
