import assert from "node:assert/strict";
import { LifeCycle } from "../../src/store/life_cycle.ts";
import { type OutsideReader, OutsideReaders } from "../../src/store/read/outside_readers.ts";
import { locationOf } from "../../src/sqlite/mod.ts";
import { library } from "./fixture.ts";

function outsideReaders() {
  const life = new LifeCycle();
  const start = { library: locationOf(library), path: "db", foreignKeys: false, slow: undefined };
  return { life, readers: new OutsideReaders(life, start, () => {}) };
}

/** A thread that only says whether it may read. */
class ReadingThread implements OutsideReader {
  readonly statements = [];
  reads = false;

  askStatements(): Promise<void> {
    return Promise.resolve();
  }

  release(): Promise<void> {
    this.reads = false;
    return Promise.resolve();
  }

  resume(): void {
    this.reads = true;
  }
}

Deno.test("OutsideReaders let a thread read once the database is there, and hold it off while it is exchanged", async () => {
  const { life, readers } = outsideReaders();
  const [early, late] = [new ReadingThread(), new ReadingThread()];
  readers.join(early);
  assert.ok(!early.reads);
  life.opened();
  const leave = readers.join(late);
  assert.deepEqual([early.reads, late.reads, readers.threads.length], [true, true, 2]);
  const exchanging: boolean[] = [];
  await life.exchange(() => Promise.resolve(void exchanging.push(early.reads, late.reads)));
  assert.deepEqual([exchanging, early.reads, late.reads], [[false, false], true, true]);
  leave();
  assert.deepEqual(readers.threads, [early]);
});

Deno.test("OutsideReaders let no thread read a file that is damaged, before another is in its place", async () => {
  const { life, readers } = outsideReaders();
  const [before, behind] = [new ReadingThread(), new ReadingThread()];
  life.opened();
  readers.join(before);
  readers.distrust();
  readers.join(behind);
  assert.deepEqual([before.reads, behind.reads], [false, false]);
  await life.exchange(() => Promise.resolve());
  assert.deepEqual([before.reads, behind.reads], [true, true]);
  life.fail(new Error("its disk is gone"));
  assert.deepEqual([before.reads, behind.reads], [false, false]);
});
