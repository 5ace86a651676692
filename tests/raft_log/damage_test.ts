import assert from "node:assert/strict";
import { type Clock, DiskError } from "../../src/io/types.ts";
import { ByteWriter } from "../../src/base/bytes.ts";
import {
  batchEnd,
  beginBatch,
  entryHeadLength,
  finishBatch,
  writeEntry,
} from "../../src/raft_log/batch.ts";
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  type SegmentHeader,
} from "../../src/raft_log/segment_header.ts";
import { LogDamageError, LogFailedError } from "../../src/raft_log/types.ts";
import { SimulatedDisk } from "../simulation/disk.ts";
import {
  type LogImage,
  makeEntries,
  makePoint,
  openLog,
  readImage,
  RecordingLogger,
} from "./fixtures.ts";

const sizes = { segmentBytes: 330, allocateBytes: 128 };
const untouched = { hardState: undefined, entries: [] };

/** A log of several segments; `crash` leaves it without a mark behind the last batch. */
async function makeLog(end: "closed" | "crashed"): Promise<Map<string, Uint8Array>> {
  const disk = new SimulatedDisk({ seed: 7n });
  const { log } = await openLog(disk, sizes);
  await log.append({
    hardState: { term: 2, votedFor: "b", promiseMs: 0 },
    entries: makeEntries(1, 1, 4),
  });
  for (const entry of makeEntries(2, 5, 4)) await log.append({ ...untouched, entries: [entry] });
  await log.compact(makePoint(2, 1));
  await log.append({ ...untouched, entries: makeEntries(2, 9, 2) });
  await log.close();
  const path = disk.paths().at(-1) ?? "";
  if (end === "crashed") disk.setContent(path, withoutMark(disk.content(path)));
  return new Map(disk.paths().map((path) => [path, disk.content(path)]));
}

/** Every offset of what was written, and some of the zeros ahead of it. */
function* offsetsOf(content: Uint8Array): Generator<number> {
  const written = content.findLastIndex((byte) => byte !== 0) + 1;
  for (let at = 0; at < content.length; at += at < written ? 1 : 97) yield at;
}

/** The last batch head in a closed segment is the mark. */
function withoutMark(content: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const magic = new TextEncoder().encode("RLBT");
  const at = content.findLastIndex((_, i) => magic.every((byte, k) => content[i + k] === byte));
  return content.fill(0, at);
}

function diskWith(files: Map<string, Uint8Array>): SimulatedDisk {
  const disk = new SimulatedDisk({ seed: 1n });
  disk.install(files);
  return disk;
}

async function outcome(disk: SimulatedDisk): Promise<LogImage | LogDamageError> {
  try {
    return await readImage(disk);
  } catch (error) {
    if (error instanceof LogDamageError) return error;
    throw error;
  }
}

/** The same log without its last batch, of the entries 9 and 10. */
function withoutLast(image: LogImage): LogImage {
  return { ...image, lastIndex: 8, entries: image.entries.slice(0, -2) };
}

Deno.test("openRaftLog() reports any flipped bit of a closed log or loses nothing by it", async () => {
  const files = await makeLog("closed");
  const whole = await readImage(diskWith(files));
  assert.equal(whole.lastIndex, 10);
  let reported = 0;
  let harmless = 0;
  for (const [path, content] of files) {
    for (const at of offsetsOf(content)) {
      const flipped = content.slice();
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      const result = await outcome(diskWith(new Map([...files, [path, flipped]])));
      if (result instanceof LogDamageError) {
        reported++;
        assert.equal(result.path, path);
        assert.match(result.message, /is damaged at offset \d+/);
      } else {
        harmless++;
        assert.deepEqual(result, whole, `${path} byte ${at}`);
      }
    }
  }
  assert.ok(reported > 400 && harmless > 50, `${reported} reported, ${harmless} harmless`);
});

Deno.test("openRaftLog() after a crash reports a flipped bit or loses the last batch alone", async () => {
  const files = await makeLog("crashed");
  const whole = await readImage(diskWith(files));
  assert.equal(whole.lastIndex, 10);
  for (const [path, content] of files) {
    for (const at of offsetsOf(content)) {
      const flipped = content.slice();
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      const result = await outcome(diskWith(new Map([...files, [path, flipped]])));
      if (result instanceof LogDamageError) continue;
      const expected = result.lastIndex === 10 ? whole : withoutLast(whole);
      assert.deepEqual(result, expected, `${path} byte ${at}`);
    }
  }
});

Deno.test("openRaftLog() of a file cut at any byte reports it or keeps what stands before", async () => {
  for (const end of ["closed", "crashed"] as const) {
    const files = await makeLog(end);
    const whole = await readImage(diskWith(files));
    const firstIndex = whole.compaction.index + 1;
    const newest = [...files.keys()].at(-1);
    for (const [path, content] of files) {
      for (const size of offsetsOf(content)) {
        const cut = new Map([...files, [path, content.slice(0, size)]]);
        const result = await outcome(diskWith(cut));
        if (result instanceof LogDamageError) continue;
        const { lastIndex } = result;
        assert.ok(path === newest || lastIndex === 10, `${path} cut at ${size}`);
        const expected = whole.entries.filter(({ index }) => index <= lastIndex);
        const entries = result.entries.filter(({ index }) => index >= firstIndex);
        assert.deepEqual(entries, expected, `${path} cut at ${size}`);
      }
    }
  }
});

Deno.test("openRaftLog() reports a missing file, in the middle, first or newest", async () => {
  const files = await makeLog("closed");
  assert.ok(files.size >= 3);
  for (const path of files.keys()) {
    const disk = diskWith(files);
    disk.loseFile(path);
    await assert.rejects(openLog(disk), {
      name: "LogDamageError",
      message: /missing|next segment lost/,
    });
  }
});

Deno.test("openRaftLog() cuts a torn batch off with a log line, and goes on", async () => {
  const files = await makeLog("crashed");
  const [path, content] = [...files].at(-1) ?? ["", new Uint8Array()];
  const end = content.findLastIndex((byte) => byte !== 0);
  content[end] = (content[end] ?? 0) ^ 1;
  const disk = diskWith(files);
  const logger = new RecordingLogger();
  const { log } = await openLog(disk, sizes, logger);
  assert.equal(log.lastIndex, 8);
  assert.ok(logger.lines.some((line) => line.includes("Cut the end off") && line.includes(path)));
  await log.append({ ...untouched, entries: makeEntries(3, 9, 1) });
  await log.close();
  assert.deepEqual((await readImage(disk)).entries.at(-1), makeEntries(3, 9, 1)[0]);
});

Deno.test("openRaftLog() makes the name of a segment durable that died before its sync", async () => {
  const disk = new SimulatedDisk({ seed: 3n });
  const { log } = await openLog(disk, sizes);
  disk.fault = ({ operation }) => operation === "syncDirectory" ? "failed" : undefined;
  let acknowledged = 0;
  const write = () => log.append({ ...untouched, entries: makeEntries(1, acknowledged + 1, 1) });
  try {
    for (;; acknowledged++) await write();
  } catch (error) {
    assert.ok(error instanceof LogFailedError);
  }
  disk.fault = () => undefined;
  disk.killProcess();
  const { log: again } = await openLog(disk, sizes);
  const next = again.lastIndex + 1;
  await again.append({ ...untouched, entries: makeEntries(1, next, 1) });
  disk.keepName = () => false;
  disk.cutPower();
  assert.equal((await readImage(disk)).lastIndex, next);
});

Deno.test("openRaftLog() refuses another format and says so", async () => {
  const { checksum } = await import("../../src/base/checksum.ts");
  const files = await makeLog("closed");
  const [path, content] = [...files].at(-1) ?? ["", new Uint8Array()];
  const view = new DataView(content.buffer);
  for (const format of [1, 4]) {
    view.setUint32(8, format, true);
    const header = content.subarray(0, view.getUint32(12, true));
    view.setUint32(16, checksum(header.subarray(20), checksum(header.subarray(0, 16))), true);
    await assert.rejects(openLog(diskWith(new Map([...files, [path, content]]))), {
      name: "OtherFormatError",
      message: new RegExp(`Log format ${format} is none that this program reads, 2 to 3`),
    });
  }
});

/** Where the data of an entry begins that makeEntries() has made; -1 where the file does not hold it. */
function dataAt(file: Uint8Array, index: number): number {
  const text = new TextEncoder().encode(`entry ${index}`);
  return file.findIndex((_, i) => text.every((byte, k) => file[i + k] === byte));
}

Deno.test("RaftLog.read() reports an entry that was damaged while the log is open", async () => {
  const disk = new SimulatedDisk({ seed: 1n });
  const { log } = await openLog(disk);
  await log.append({ ...untouched, entries: makeEntries(1, 1, 3) });
  const [path = ""] = disk.paths();
  const content = disk.content(path);
  content[dataAt(content, 2)] = 0x45;
  disk.setContent(path, content);
  await assert.rejects(log.read(1, 3, 1e6), { name: "LogDamageError", message: /entry 2/ });
  await log.close();
});

Deno.test("RaftLog.read() reports an entry in whose place another stands, or what is none", async () => {
  const disk = new SimulatedDisk({ seed: 1n });
  const { log } = await openLog(disk);
  await log.append({ ...untouched, entries: makeEntries(1, 1, 3) });
  const [path = ""] = disk.paths();
  const whole = disk.content(path);
  const [second, third] = [dataAt(whole, 2) - entryHeadLength, dataAt(whole, 3) - entryHeadLength];
  const length = third - second;
  for (let at = second; at < third; at++) {
    const damaged = whole.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    disk.setContent(path, damaged);
    await assert.rejects(log.read(2, 2, 1e6), { name: "LogDamageError", message: /entry 2/ });
  }
  const misplaced = whole.slice();
  misplaced.copyWithin(second, third, third + length);
  disk.setContent(path, misplaced);
  await assert.rejects(log.read(1, 3, 1e6), {
    name: "LogDamageError",
    message: /entry 2: Entry 3 stands there/,
  });
  await log.close();
});

/** Time passes at once where the log waits for room, and never else. */
const impatient: Clock = {
  now: () => 0,
  wallTime: () => 0,
  after: (delayMs, callback) => {
    if (delayMs === 500) queueMicrotask(callback);
    return { cancel: () => {} };
  },
};

Deno.test("RaftLog survives a fault at each call in turn with all that it acknowledged", async () => {
  let calls = Infinity;
  for (const kind of ["failed", "full"] as const) {
    for (let failing = 1; failing <= calls; failing++) {
      const disk = new SimulatedDisk({ seed: BigInt(failing) });
      disk.fault = ({ number }) => number === failing ? kind : undefined;
      let acknowledged = 0;
      let acknowledgedPoint = 0;
      try {
        const { log } = await openLog(disk, sizes, undefined, impatient);
        for (let index = 1; index <= 12; index++) {
          await log.append({ ...untouched, entries: makeEntries(1, index, 1) });
          acknowledged = index;
        }
        await log.compact(makePoint(7, 1));
        acknowledgedPoint = 7;
        await log.append({ ...untouched, entries: makeEntries(1, 13, 1) });
        acknowledged = 13;
        await log.reset(makePoint(20, 1));
        acknowledgedPoint = acknowledged = 20;
        await log.append({ ...untouched, entries: makeEntries(1, 21, 1) });
        acknowledged = 21;
        await log.close();
        calls = Math.min(calls, disk.calls);
      } catch (error) {
        assert.ok(error instanceof DiskError || error instanceof LogFailedError, String(error));
      }
      disk.fault = () => undefined;
      if (failing % 2 === 0) disk.cutPower();
      else disk.killProcess();
      const image = await readImage(disk);
      const context = `${kind} at call ${failing}: ${acknowledged} against ${image.lastIndex}`;
      assert.ok(image.lastIndex >= acknowledged, context);
      assert.ok(image.compaction.index >= acknowledgedPoint, context);
      const first = image.compaction.index + 1;
      assert.deepEqual(image.entries, makeEntries(1, first, image.lastIndex - first + 1), context);
    }
  }
});

/** Batches with a true checksum that no log writes, and what is said of each. */
const falseBatches: readonly (readonly [string, RegExp, (writer: ByteWriter) => void])[] = [
  ["a kind of record that is none", /Unknown record kind 9/, (writer) => writer.uint8(9)],
  [
    "a kind of entry that is none",
    /Unknown entry type 200/,
    (writer) => {
      writer.uint8(1);
      writer.uint8(200);
      writer.raw(new Uint8Array(30));
    },
  ],
  [
    "an entry with others missing before it",
    /Entry 12 follows entry 8/,
    (writer) => makeEntries(2, 12, 1).forEach((entry) => writeEntry(writer, entry)),
  ],
  [
    "a record that is cut",
    /damaged at offset/,
    (writer) => {
      writer.uint8(2);
      writer.uint8(0);
    },
  ],
];

Deno.test("openRaftLog() reports a batch whose checksum is true of what no log writes", async () => {
  const files = await makeLog("crashed");
  const [path, content] = [...files].at(-1) ?? assert.fail("There is no file");
  const { header } = decodeSegmentHeader(content);
  const at = content.findLastIndex((_, i) => batchEnd(content, header.salt, i) !== undefined);
  for (const [what, said, write] of falseBatches) {
    const writer = new ByteWriter(256);
    beginBatch(writer);
    write(writer);
    finishBatch(writer, header.salt, at);
    const changed = content.slice().fill(0, at);
    changed.set(writer.view(), at);
    const result = await outcome(diskWith(new Map([...files, [path, changed]])));
    assert(result instanceof LogDamageError, what);
    assert.match(result.message, said, what);
  }
});

/** Puts another header, with a true checksum, before what the newest file of a log holds. */
async function withHeader(
  change: (header: SegmentHeader) => Partial<SegmentHeader>,
): Promise<LogImage | LogDamageError> {
  const files = await makeLog("closed");
  const [path, content] = [...files].at(-1) ?? assert.fail("There is no file");
  const { header, length } = decodeSegmentHeader(content);
  const changed = encodeSegmentHeader({ ...header, ...change(header) });
  assert.equal(changed.length, length);
  const replaced = content.slice();
  replaced.set(changed);
  return await outcome(diskWith(new Map([...files, [path, replaced]])));
}

Deno.test("openRaftLog() reports a file that does not go on where the one before ends", async () => {
  const result = await withHeader(({ lastIndex }) => ({ lastIndex: lastIndex + 1 }));
  assert(result instanceof LogDamageError);
  assert.match(result.message, /it ends with entry (\d+), the next file begins after (?!\1)\d+;/);
});

Deno.test("openRaftLog() reports a log that lacks the entries right behind its compaction point", async () => {
  const result = await withHeader(({ sequence }) => ({ firstSegment: sequence }));
  assert(result instanceof LogDamageError);
  assert.match(result.message, /does not hold entry \d+$/);
});

Deno.test("openRaftLog() reports a file that has another's name", async () => {
  const files = await makeLog("closed");
  const [first, second] = [...files.keys()];
  assert(first !== undefined && second !== undefined);
  const contents = files.get(first);
  assert(contents !== undefined);
  const result = await outcome(diskWith(new Map([...files, [second, contents]])));
  assert(result instanceof LogDamageError);
  assert.match(result.message, /it holds segment 1, not 2/);
});
