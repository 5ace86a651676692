import assert from "node:assert/strict";
import { assertSameBytes } from "../base/long_bytes.ts";
import { checksum } from "../../src/base/checksum.ts";
import { Prng } from "../../src/base/prng.ts";
import { sliceBytes } from "../../src/base/slices.ts";
import type { Clock } from "../../src/io/types.ts";
import { type Entry, EntryType } from "../../src/raft/types.ts";
import { LogDamageError, LogFailedError } from "../../src/raft_log/types.ts";
import { SimulatedDisk } from "../simulation/disk.ts";
import { makeEntry, openLog, readImage, RecordingLogger } from "./fixtures.ts";

const random = new Prng(5n);
const bytes = random.fill(new Uint8Array(6 * sliceBytes));

function longEntry(index: number, length: number): Entry {
  const data = bytes.subarray(index, index + length);
  return { term: 1, index, type: EntryType.command, data, checksum: checksum(data) };
}

/** Has its timers called at once, and counts the pauses asked for. */
class PauseClock implements Clock {
  pauses = 0;
  now = () => 0;
  wallTime = () => 0;
  after(delayMs: number, callback: () => void) {
    if (delayMs === 0) {
      this.pauses++;
      setTimeout(callback, 0);
    }
    return { cancel: () => {} };
  }
}

function assertSameEntries(
  actual: readonly Entry[],
  expected: readonly Entry[],
  message?: string,
): void {
  const heads = (entries: readonly Entry[]) =>
    entries.map(({ term, index, type, checksum }) => [term, index, type, checksum]);
  assert.deepEqual(heads(actual), heads(expected), message);
  actual.forEach(({ data }, i) => assertSameBytes(data, expected[i]?.data, message));
}

const entries = [
  makeEntry(1, 1),
  longEntry(2, 300_000),
  makeEntry(1, 3),
  longEntry(4, 5 * sliceBytes),
  longEntry(5, 262_144),
  makeEntry(1, 6),
];

Deno.test("the log keeps long entries among short ones, written in one batch or in several", async () => {
  for (const together of [true, false]) {
    const disk = new SimulatedDisk({ seed: 7n });
    const clock = new PauseClock();
    const { log } = await openLog(disk, undefined, undefined, clock);
    const writes = together ? [entries] : entries.map((entry) => [entry]);
    await Promise.all(
      writes.map((entries) =>
        log.append({ hardState: { term: 1, votedFor: "", promiseMs: 0 }, entries })
      ),
    );
    // Four between the slices of the longest when it is verified, and as many when it is summed.
    assert.equal(clock.pauses, 8);
    assertSameEntries(await log.read(1, 6, Infinity), entries);
    assert(clock.pauses >= 12, "it is verified again when it is read");
    await log.close();
    assertSameEntries((await readImage(disk, new PauseClock())).entries, entries);
  }
});

Deno.test("the log takes no long entry that is damaged in memory", async () => {
  const logger = new RecordingLogger();
  const disk = new SimulatedDisk({ seed: 7n });
  const { log } = await openLog(disk, undefined, logger, new PauseClock());
  const sound = longEntry(1, 2 * sliceBytes);
  const entry = { ...sound, data: sound.data.slice() };
  entry.data[1_500_000] = (entry.data[1_500_000] ?? 0) ^ 1;
  const write = { hardState: undefined, entries: [entry] };
  await assert.rejects(
    log.append(write),
    (error) => error instanceof LogFailedError && /Entry 1 does not match/.test(error.message),
  );
  await assert.rejects(log.append({ ...write, entries: [sound] }), LogFailedError);
  await log.close();
  assert.deepEqual((await readImage(disk, new PauseClock())).entries, []);
});

Deno.test("the log finds damage in a long entry on the disk", async () => {
  const disk = new SimulatedDisk({ seed: 7n });
  const { log } = await openLog(disk, { segmentBytes: 3000 }, undefined, new PauseClock());
  await log.append({ hardState: undefined, entries: [longEntry(1, 2 * sliceBytes)] });
  const path = disk.paths().at(-1) ?? "";
  const content = disk.content(path);
  content[sliceBytes] = (content[sliceBytes] ?? 0) ^ 1;
  disk.setContent(path, content);
  await assert.rejects(log.read(1, 1, Infinity), LogDamageError);
  await log.close();
});

Deno.test("a batch of long entries that a power cut leaves half written is cut off", async () => {
  for (let seed = 1n; seed <= 20n; seed++) {
    const disk = new SimulatedDisk({ seed });
    const { log } = await openLog(disk, undefined, undefined, new PauseClock());
    const state = { term: 1, votedFor: "", promiseMs: 0 };
    await log.append({ hardState: state, entries: [makeEntry(1, 1)] });
    const rest = [longEntry(2, 300_000), makeEntry(1, 3), longEntry(4, 400_000)];
    const writing = log.append({ hardState: undefined, entries: rest });
    const done = random.below(2) === 0;
    writing.catch(() => {});
    if (done) await writing;
    else for (let turns = random.below(12); turns > 0; turns--) await Promise.resolve();
    disk.cutPower();
    const { entries: left } = await readImage(disk, new PauseClock());
    const expected = [makeEntry(1, 1), ...rest];
    if (done) assertSameEntries(left, expected, `seed ${seed}`);
    else assert(left.length === 1 || left.length === 4, `seed ${seed}: ${left.length} entries`);
  }
});
