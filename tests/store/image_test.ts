import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import type { ImageLimits } from "../../src/store/copy/held_image.ts";
import { Images, type ReadableImage } from "../../src/store/copy/images.ts";
import { TemporaryFiles } from "../../src/store/copy/temporary_files.ts";
import { LifeCycle } from "../../src/store/life_cycle.ts";
import { WorkerThreads } from "../../src/store/worker_threads.ts";
import { eventually } from "../cluster/harness.ts";
import { library, silent, TestStore } from "./fixture.ts";
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

/** Of a store's database, by themselves. */
function imagesOf({ path }: TestStore, limits: ImageLimits): { images: Images; life: LifeCycle } {
  const life = new LifeCycle();
  const temporaries = new TemporaryFiles({
    disk: new DenoDisk(),
    logger: silent,
    databasePath: path,
  });
  const threads = new WorkerThreads();
  const images = new Images({ library, path, temporaries, life, threads, limits });
  life.opened();
  return { images, life };
}

async function readAll(image: ReadableImage): Promise<void> {
  let bytes = 0;
  for await (const piece of image.pieces()) bytes += piece.length;
  assert.equal(bytes, image.sizeBytes);
}

Deno.test("Images hold the database no more once the rest of one was copied, though it is still read", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v)", "INSERT INTO t VALUES (randomblob(2000000))"]);
  const limits = { grownBytesMax: Number.MAX_SAFE_INTEGER, heldMsMax: 0, editBytesMax: 1e6 };
  const { images, life } = imagesOf(s, limits);
  const image = await images.open("backup", { of: "all" });
  assert.equal(images.areHeld, true);
  await eventually("the rest to be copied", () => !images.areHeld);
  await readAll(image);
  await image.close();
  await life.close(() => Promise.resolve());
});

Deno.test("Images that relieve one another do not have the WAL grow without end", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v)", "INSERT INTO t VALUES (randomblob(1000000))"]);
  const heldMsMax = Number.MAX_SAFE_INTEGER;
  const limits = { grownBytesMax: 4_000_000, heldMsMax, editBytesMax: 1e6 };
  const { images, life } = imagesOf(s, limits);
  let image = await images.open("backup", { of: "all" });
  for (let times = 0; times < 10; times++) {
    await s.execute(["UPDATE t SET v = randomblob(1000000)"]);
    const next = await images.open("backup", { of: "all" });
    await image.close();
    image = next;
  }
  assert.equal(images.areHeld, true);
  await s.execute(["INSERT INTO t VALUES (1)"]);
  await eventually("the rest to be copied", () => !images.areHeld);
  await readAll(image);
  await image.close();
  await life.close(() => Promise.resolve());
});
