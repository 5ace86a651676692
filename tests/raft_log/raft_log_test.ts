import assert from "node:assert/strict";
import { encodeConfiguration } from "../../src/raft/configuration.ts";
import { type Entry, EntryType } from "../../src/raft/types.ts";
import { openRaftLog } from "../../src/raft_log/raft_log.ts";
import { LogFailedError } from "../../src/raft_log/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { SimulatedDisk } from "../simulation/disk.ts";
import {
  directory,
  makeEntries,
  makeEntry,
  makePoint,
  openLog,
  readImage,
  RecordingLogger,
  smallSizes,
} from "./fixtures.ts";

const untouched = { hardState: undefined, entries: [] };

function makeDisk() {
  return new SimulatedDisk({ seed: 1n });
}

Deno.test("openRaftLog() makes an empty log in an empty or missing directory", async () => {
  const disk = makeDisk();
  const { log, contents } = await openLog(disk);
  assert.deepEqual(contents, {
    hardState: { term: 0, votedFor: "", promiseMs: 0 },
    compaction: { index: 0, term: 0, configuration: { members: [] } },
    log: { lastIndex: 0, termStarts: [], configurations: [], entries: [] },
  });
  assert.equal(log.firstIndex, 1);
  assert.equal(log.lastIndex, 0);
  await log.close();
});

Deno.test("openRaftLog() finds entries, terms, hard state and configurations again", async () => {
  const disk = makeDisk();
  const { log } = await openLog(disk);
  const data = encodeConfiguration(makePoint(0, 0).configuration);
  const configuration = { ...makeEntry(2, 4), type: EntryType.configuration, data };
  const { checksum } = await import("../../src/base/checksum.ts");
  const entries = [
    ...makeEntries(1, 1, 3),
    { ...configuration, checksum: checksum(data) },
    ...makeEntries(5, 5, 60),
  ];
  await log.append({ hardState: { term: 5, votedFor: "b", promiseMs: 0 }, entries });
  await log.append({ ...untouched, hardState: { term: 6, votedFor: "", promiseMs: 0 } });
  await log.close();
  const { log: again, contents } = await openLog(disk);
  assert.deepEqual(contents.hardState, { term: 6, votedFor: "", promiseMs: 0 });
  assert.deepEqual(contents.log.termStarts, [
    { term: 1, index: 1 },
    { term: 2, index: 4 },
    { term: 5, index: 5 },
  ]);
  assert.deepEqual(contents.log.configurations.map(({ index }) => index), [4]);
  assert.deepEqual(contents.log.entries, entries);
  assert.deepEqual(await again.read(2, 60, 1e6), entries.slice(1, 60));
  await again.close();
});

Deno.test("openRaftLog() returns only the newest entries that fit recentBytesMax", async () => {
  const disk = makeDisk();
  const { log } = await openLog(disk);
  for (const entry of makeEntries(1, 1, 100)) await log.append({ ...untouched, entries: [entry] });
  await log.close();
  const { log: again, contents } = await openLog(disk, { ...smallSizes, recentBytesMax: 1000 });
  const { entries } = contents.log;
  assert.ok(entries.length > 5 && entries.length < 25, `${entries.length} entries`);
  assert.equal(entries.at(-1)?.index, 100);
  assert.deepEqual(entries, makeEntries(1, 1, 100).slice(-entries.length));
  await again.close();
});

Deno.test("append() joins what arrives during a sync into one batch with one sync", async () => {
  const disk = makeDisk();
  const { log } = await openLog(disk, {});
  let syncs = 0;
  disk.fault = ({ operation }) => {
    if (operation === "sync") syncs++;
    return undefined;
  };
  await Promise.all(makeEntries(1, 1, 50).map((e) => log.append({ ...untouched, entries: [e] })));
  assert.equal(syncs, 2);
  await log.close();
});

Deno.test("append() is followed by one mark once no more comes, which a restart trusts", async () => {
  for (const marked of [false, true]) {
    const disk = makeDisk();
    const clock = new SimulatedClock();
    const { log } = await openLog(disk, {}, new RecordingLogger(), clock);
    let writes = 0;
    disk.fault = ({ operation }) => {
      if (operation === "write") writes++;
      return undefined;
    };
    for (const entry of makeEntries(1, 1, 10)) await log.append({ ...untouched, entries: [entry] });
    await clock.advance(marked ? 100 : 5);
    assert.equal(writes, marked ? 11 : 10);
    disk.killProcess();
    const { log: again } = await openLog(disk, {});
    assert.equal(again.lastIndex, 10);
    // Without the mark the last batch is written again, in a new segment.
    assert.equal(disk.paths().length, marked ? 1 : 2);
    await again.close();
  }
});

Deno.test("append() cuts the log where its first entry lies, across segments", async () => {
  const disk = makeDisk();
  const { log } = await openLog(disk);
  for (const entry of makeEntries(1, 1, 150)) await log.append({ ...untouched, entries: [entry] });
  await log.append({ ...untouched, entries: makeEntries(2, 20, 3) });
  assert.equal(log.lastIndex, 22);
  await log.append({ ...untouched, entries: makeEntries(2, 23, 1) });
  const expected = [...makeEntries(1, 1, 19), ...makeEntries(2, 20, 4)];
  assert.deepEqual(await log.read(15, 23, 1e6), expected.slice(14));
  await log.close();
  const image = await readImage(disk);
  assert.deepEqual(image.entries, expected);
});

Deno.test("append() refuses a gap, and an entry that does not match its checksum", async () => {
  const { log } = await openLog(makeDisk());
  await assert.rejects(log.append({ ...untouched, entries: makeEntries(1, 2, 1) }), /does not fit/);
  const bad = { ...makeEntry(1, 1), checksum: 1 };
  await assert.rejects(log.append({ ...untouched, entries: [bad] }), /does not match its checksum/);
  await assert.rejects(log.append({ ...untouched, entries: makeEntries(1, 1, 1) }), LogFailedError);
  await log.close();
});

Deno.test("read() sees what was appended before it was called", async () => {
  const { log } = await openLog(makeDisk());
  const written = log.append({ ...untouched, entries: makeEntries(1, 1, 5) });
  assert.deepEqual(await log.read(2, 4, 1e6), makeEntries(1, 2, 3));
  await written;
  assert.equal((await log.read(1, 5, 1)).length, 1);
  assert.deepEqual(await log.read(6, 9, 1e6), []);
  await log.close();
});

Deno.test("compact() drops whole segments and keeps hard state and later entries", async () => {
  const disk = makeDisk();
  const { log } = await openLog(disk);
  await log.append({
    hardState: { term: 3, votedFor: "c", promiseMs: 0 },
    entries: makeEntries(1, 1, 50),
  });
  for (const entry of makeEntries(2, 51, 150)) await log.append({ ...untouched, entries: [entry] });
  const before = log.sizeBytes;
  await log.compact(makePoint(120, 2));
  assert.ok(log.sizeBytes < before / 1.5);
  assert.equal(log.firstIndex, 121);
  assert.deepEqual(await log.read(120, 121, 1e6), []);
  await log.compact(makePoint(110, 2));
  assert.equal(log.firstIndex, 121);
  await log.close();
  assert.deepEqual(await readImage(disk), {
    hardState: { term: 3, votedFor: "c", promiseMs: 0 },
    compaction: makePoint(120, 2),
    lastIndex: 200,
    entries: makeEntries(2, 121, 80),
  });
});

Deno.test("read() gives nothing of a file that a compaction removes before it is opened", async () => {
  const disk = makeDisk();
  const { log } = await openLog(disk);
  for (const entry of makeEntries(1, 1, 150)) await log.append({ ...untouched, entries: [entry] });
  await log.close();
  const mounted = disk.mount();
  let gate = Promise.resolve();
  // No file is open yet but the newest.
  const { log: again } = await openRaftLog({
    disk: { ...mounted, open: (path, options) => gate.then(() => mounted.open(path, options)) },
    directory,
    clock: new SimulatedClock(),
    logger: new RecordingLogger(),
    ...smallSizes,
    recentBytesMax: 0,
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  gate = promise;
  const found = again.read(1, 150, 1e6);
  await again.compact(makePoint(120, 1));
  resolve();
  assert.deepEqual(await found, []);
  assert.deepEqual(await again.read(121, 150, 1e6), makeEntries(1, 121, 30));
  await again.close();
});

Deno.test("append() does not wait for the files that a compaction removes, and close() does", async () => {
  const disk = makeDisk();
  const mounted = disk.mount();
  const mayRemove = Promise.withResolvers<void>();
  const { log } = await openRaftLog({
    disk: { ...mounted, remove: (path) => mayRemove.promise.then(() => mounted.remove(path)) },
    directory,
    clock: new SimulatedClock(),
    logger: new RecordingLogger(),
    ...smallSizes,
  });
  for (const entry of makeEntries(1, 1, 150)) await log.append({ ...untouched, entries: [entry] });
  const before = disk.paths().length;
  await log.compact(makePoint(120, 1));
  await log.append({ ...untouched, entries: makeEntries(1, 151, 1) });
  assert.ok(disk.paths().length >= before);
  let isClosed = false;
  const closing = log.close().then(() => isClosed = true);
  for (let turns = 0; turns < 1000; turns++) await Promise.resolve();
  assert.equal(isClosed, false);
  mayRemove.resolve();
  await closing;
  assert.ok(disk.paths().length < before);
  assert.deepEqual((await readImage(disk)).entries, makeEntries(1, 121, 31));
});

Deno.test("openRaftLog() leaves files alone that are not the log's", async () => {
  const disk = makeDisk();
  const { log } = await openLog(disk);
  await log.append({ ...untouched, entries: makeEntries(1, 1, 3) });
  await log.close();
  const strangers = ["notes.txt", "1.log", "0000000000000001.log.bak"].map((name) =>
    `${directory}/${name}`
  );
  const whole = disk.content(disk.paths()[0] ?? "");
  disk.install(new Map([...disk.paths(), ...strangers].map((path) => [path, whole])));
  assert.deepEqual((await readImage(disk)).entries, makeEntries(1, 1, 3));
  for (const path of strangers) assert(disk.paths().includes(path), path);
});

Deno.test("compact() of everything leaves an empty log that goes on behind it", async () => {
  const disk = makeDisk();
  const { log } = await openLog(disk);
  await log.append({ ...untouched, entries: makeEntries(1, 1, 9) });
  await log.compact(makePoint(9, 1));
  assert.equal(log.firstIndex, 10);
  assert.equal(log.lastIndex, 9);
  await log.append({ ...untouched, entries: makeEntries(4, 10, 2) });
  await log.close();
  assert.deepEqual((await readImage(disk)).entries, makeEntries(4, 10, 2));
});

Deno.test("reset() drops everything and goes on behind its point", async () => {
  const disk = makeDisk();
  const { log } = await openLog(disk);
  await log.append({
    hardState: { term: 3, votedFor: "c", promiseMs: 0 },
    entries: makeEntries(1, 1, 90),
  });
  const reset = log.reset(makePoint(500, 3));
  const appended = log.append({ ...untouched, entries: makeEntries(3, 501, 2) });
  await Promise.all([reset, appended]);
  assert.equal(log.firstIndex, 501);
  await log.close();
  assert.deepEqual(await readImage(disk), {
    hardState: { term: 3, votedFor: "c", promiseMs: 0 },
    compaction: makePoint(500, 3),
    lastIndex: 502,
    entries: makeEntries(3, 501, 2),
  });
  assert.equal(disk.paths().length, 1);
});

Deno.test("append() waits on a full disk, in its order, until there is room", async () => {
  const disk = makeDisk();
  const logger = new RecordingLogger();
  const clock = new SimulatedClock();
  const { log } = await openLog(disk, {}, logger, clock);
  await log.append({ ...untouched, entries: makeEntries(1, 1, 10) });
  disk.capacityBytes = disk.usedBytes;
  const large = makeEntry(1, 11, "x".repeat(300_000));
  const durable: number[] = [];
  const append = (entries: Entry[]) =>
    log.append({ ...untouched, entries }).then(() => void durable.push(entries[0]?.index ?? 0));
  const waiting = [append([large]), append(makeEntries(1, 12, 1))];
  await clock.advance(1200);
  waiting.push(append(makeEntries(1, 13, 1)));
  assert.equal(log.full, true);
  assert.equal(log.lastIndex, 10);
  assert.deepEqual(durable, []);
  disk.capacityBytes = Infinity;
  await clock.advance(500);
  await Promise.all(waiting);
  assert.equal(log.full, false);
  assert.deepEqual(durable, [11, 12, 13]);
  assert.deepEqual(logger.lines.map((line) => line.split(" ")[0]), ["ERROR", "INFO"]);
  await log.close();
  const image = await readImage(disk);
  assert.deepEqual(image.entries, [...makeEntries(1, 1, 10), large, ...makeEntries(1, 12, 2)]);
});

Deno.test("compact() finds its place on a full disk", async () => {
  const disk = makeDisk();
  const clock = new SimulatedClock();
  const sizes = { segmentBytes: 20_000, allocateBytes: 8192 };
  const { log } = await openLog(disk, sizes, new RecordingLogger(), clock);
  disk.capacityBytes = 60_000;
  let index = 0;
  let waiting = Promise.resolve();
  while (!log.full) {
    let durable = false;
    waiting = log.append({ ...untouched, entries: makeEntries(1, index + 1, 3) });
    waiting.then(() => durable = true);
    while (!durable && !log.full) await Promise.resolve();
    if (durable) index += 3;
  }
  await log.compact(makePoint(index, 1));
  await clock.advance(500);
  await waiting;
  await log.close();
  assert.deepEqual((await readImage(disk)).entries, makeEntries(1, index + 1, 3));
});

Deno.test("append() after a failed sync is refused for good", async () => {
  const disk = makeDisk();
  const { log } = await openLog(disk);
  await log.append({ ...untouched, entries: makeEntries(1, 1, 2) });
  disk.fault = ({ operation }) => operation === "sync" ? "failed" : undefined;
  const failing = log.append({ ...untouched, entries: makeEntries(1, 3, 1) });
  const behind = log.append({ ...untouched, entries: makeEntries(1, 4, 1) });
  await assert.rejects(failing, LogFailedError);
  await assert.rejects(behind, LogFailedError);
  disk.fault = () => undefined;
  await assert.rejects(log.append({ ...untouched, entries: makeEntries(1, 3, 1) }), LogFailedError);
  await assert.rejects(log.compact(makePoint(1, 1)), LogFailedError);
  assert.deepEqual(await log.read(1, 9, 1e6), makeEntries(1, 1, 2));
  await log.close();
  assert.ok(await disk.mount().exists(directory));
});
