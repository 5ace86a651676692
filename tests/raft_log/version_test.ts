import { strict as assert } from "node:assert";
import { checksum } from "../../src/base/checksum.ts";
import { encodeConfiguration } from "../../src/raft/configuration.ts";
import { type Entry, EntryType } from "../../src/raft/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { SimulatedDisk } from "../simulation/disk.ts";
import { makeEntries, makePoint, openLog, readImage } from "./fixtures.ts";

const untouched = { hardState: undefined };

function makeConfiguration(index: number, version: number): Entry {
  const { configuration } = makePoint(index, 1);
  const data = encodeConfiguration({ ...configuration, version });
  return { term: 1, index, type: EntryType.configuration, data, checksum: checksum(data) };
}

/** The formats of all segments, oldest first. */
function formats(disk: SimulatedDisk): number[] {
  return disk.paths().filter((path) => path.endsWith(".log")).sort().map((path) => {
    const { buffer, byteOffset } = disk.content(path);
    return new DataView(buffer, byteOffset).getUint32(8, true);
  });
}

Deno.test("a log is in the first format for as long as no configuration needs a newer one", async () => {
  const disk = new SimulatedDisk({ seed: 1n });
  const { log } = await openLog(disk, {});
  await log.append({ ...untouched, entries: makeEntries(1, 1, 2) });
  await log.append({ ...untouched, entries: [makeConfiguration(3, 1)] });
  await log.close();
  assert.deepEqual(formats(disk), [2]);
});

Deno.test("the configuration that raises the version begins a segment that older programs refuse", async () => {
  const disk = new SimulatedDisk({ seed: 1n });
  const { log } = await openLog(disk, {});
  const before = makeEntries(1, 1, 2);
  const behind = makeEntries(1, 4, 2);
  await log.append({ ...untouched, entries: before });
  await log.append({ ...untouched, entries: [makeConfiguration(3, 2), ...behind] });
  assert.deepEqual(formats(disk), [2, 3]);
  await log.append({ ...untouched, entries: [makeConfiguration(6, 2)] });
  assert.deepEqual(formats(disk), [2, 3], "none is begun for a version that it has");
  await log.close();
  const { entries } = await readImage(disk);
  assert.deepEqual(entries.slice(0, 2), before);
  assert.deepEqual(entries.slice(3, 5), behind);
});

Deno.test("a log keeps its format in later segments, over restarts, and when the raise is cut off", async () => {
  const disk = new SimulatedDisk({ seed: 1n });
  const { log } = await openLog(disk);
  await log.append({ ...untouched, entries: [makeConfiguration(1, 2)] });
  await log.append({ ...untouched, entries: makeEntries(2, 1, 1) });
  await log.close();
  const { log: again } = await openLog(disk);
  for (let i = 2; i < 12; i++) {
    await again.append({ ...untouched, entries: makeEntries(2, i * 20 - 38, 20) });
  }
  await again.close();
  const [first, ...others] = formats(disk);
  assert.equal(first, 2);
  assert(others.length > 2, `${others.length} segments are none to tell anything by`);
  assert.deepEqual(new Set(others), new Set([3]));
});

Deno.test("a log that is reset to a snapshot of a newer version is in its format", async () => {
  const disk = new SimulatedDisk({ seed: 1n });
  const { log } = await openLog(disk);
  const { configuration } = makePoint(7, 1);
  await log.reset({ index: 7, term: 1, configuration: { ...configuration, version: 2 } });
  assert.deepEqual(formats(disk), [3]);
  await log.reset(makePoint(9, 1));
  assert.deepEqual(formats(disk), [3]);
  await log.close();
});

Deno.test("a segment that could not be begun for a newer version is begun when there is room again", async () => {
  const disk = new SimulatedDisk({ seed: 1n });
  const clock = new SimulatedClock();
  const { log } = await openLog(disk, undefined, undefined, clock);
  await log.append({ ...untouched, entries: makeEntries(1, 1, 1) });
  let full = true;
  disk.fault = ({ path }) => full && path.includes("0000000000000002") ? "full" : undefined;
  const appended = log.append({ ...untouched, entries: [makeConfiguration(2, 2)] });
  while (!log.full) await Promise.resolve();
  full = false;
  await clock.advance(1_000);
  await appended;
  assert.deepEqual(formats(disk), [2, 3]);
  await log.close();
});
