import { strict as assert } from "node:assert";
import { type Clock, DiskError, type Logger } from "../../src/io/types.ts";
import { LogWriter } from "../../src/node/log_writer.ts";
import type { LogWrite, RaftLog } from "../../src/raft_log/types.ts";
import { type Entry, EntryType } from "../../src/raft/types.ts";

const quiet: Logger = { log: () => {} };
/** Timers of this clock fire at once, after what is waiting. */
const clock: Clock = {
  now: () => 7,
  wallTime: () => 0,
  after: (_delay, callback) => {
    setTimeout(callback, 0);
    return { cancel: () => {} };
  },
};

/** A log whose appends end when the test says so. */
class HeldLog {
  readonly writes: { write: LogWrite; done: PromiseWithResolvers<void> }[] = [];

  append(write: LogWrite): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.writes.push({ write, done });
    return done.promise;
  }

  indexes(at: number): number[] | undefined {
    return this.writes[at]?.write.entries.map((entry) => entry.index);
  }

  async finish(at: number, error?: Error): Promise<void> {
    if (error === undefined) this.writes[at]?.done.resolve();
    else this.writes[at]?.done.reject(error);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function writer(log: HeldLog, onFatal: (error: Error) => void = (error) => assert.fail(error)) {
  return new LogWriter(log as unknown as RaftLog, clock, quiet, onFatal);
}

function entries(from: number, to: number, term = 1): Entry[] {
  return Array.from({ length: to - from + 1 }, (_, i) => ({
    term,
    index: from + i,
    type: EntryType.noop,
    data: new Uint8Array(),
    checksum: 0,
  }));
}

const none = { hardState: undefined };

Deno.test("LogWriter gathers what arrives while a write runs into the next one", async () => {
  const log = new HeldLog();
  const subject = writer(log);
  const durable: string[] = [];
  subject.write({ ...none, entries: entries(1, 2) }, () => durable.push("a"));
  subject.write({ ...none, entries: entries(3, 3) }, () => durable.push("b"));
  subject.write(
    { hardState: { term: 2, votedFor: "x", promiseMs: 0 }, entries: entries(4, 4) },
    () => {
      durable.push("c");
    },
  );
  assert.deepEqual(log.indexes(0), [1, 2]);
  await log.finish(0);
  assert.deepEqual(durable, ["a"]);
  assert.deepEqual(log.indexes(1), [3, 4]);
  assert.deepEqual(log.writes[1]?.write.hardState, { term: 2, votedFor: "x", promiseMs: 0 });
  await log.finish(1);
  assert.deepEqual(durable, ["a", "b", "c"]);
  assert.equal(subject.busy, false);
});

Deno.test("LogWriter lets later entries replace those of a waiting write", async () => {
  const log = new HeldLog();
  const subject = writer(log);
  subject.write({ ...none, entries: entries(1, 1) }, () => {});
  subject.write({ ...none, entries: entries(2, 5) }, () => {});
  subject.write({ ...none, entries: entries(4, 4, 2) }, () => {});
  await log.finish(0);
  const write = log.writes[1]?.write.entries.map(({ index, term }) => [index, term]);
  assert.deepEqual(write, [[2, 1], [3, 1], [4, 2]]);
  subject.stop();
  await log.finish(1);
});

Deno.test("LogWriter holds messages back until every write before them is durable", async () => {
  const log = new HeldLog();
  const subject = writer(log);
  const durable: string[] = [];
  subject.write({ ...none, entries: [] }, () => durable.push("nothing under way"));
  assert.deepEqual(durable, ["nothing under way"]);
  subject.write({ ...none, entries: entries(1, 1) }, () => durable.push("entry"));
  subject.write({ ...none, entries: [] }, () => durable.push("behind it"));
  assert.equal(durable.length, 1);
  await log.finish(0);
  assert.deepEqual(durable.slice(1), ["entry", "behind it"]);
});

Deno.test("LogWriter waits out a full disk and reports nothing as durable meanwhile", async () => {
  const log = new HeldLog();
  const subject = writer(log);
  let durable = false;
  subject.write({ ...none, entries: entries(1, 1) }, () => durable = true);
  await log.finish(0, new DiskError("full", "/data/raft/1", "No space left"));
  assert.equal(subject.full, true);
  assert.equal(durable, false);
  assert.deepEqual(log.indexes(1), [1]);
  await log.finish(1);
  assert.equal(durable, true);
  assert.equal(subject.full, false);
});

Deno.test("LogWriter tells what write the disk has not answered, and since when", async () => {
  const log = new HeldLog();
  const subject = writer(log);
  assert.equal(subject.underWay, undefined);
  const data = new Uint8Array(10);
  const sized = entries(1, 3).map((entry) => ({ ...entry, data }));
  subject.write({ ...none, entries: sized }, () => {});
  assert.deepEqual(subject.underWay, { since: 7, bytes: 30 });
  await log.finish(0, new DiskError("full", "/data/raft/1", "No space left"));
  assert.deepEqual(subject.underWay, { since: 7, bytes: 30 });
  await log.finish(1);
  assert.equal(subject.underWay, undefined);
});

Deno.test("LogWriter ends at any other failure and reports nothing more as durable", async () => {
  const log = new HeldLog();
  const failures: Error[] = [];
  const subject = writer(log, (error) => failures.push(error));
  const durable: string[] = [];
  subject.write({ ...none, entries: entries(1, 1) }, () => durable.push("a"));
  subject.write({ ...none, entries: entries(2, 2) }, () => durable.push("b"));
  await log.finish(0, new DiskError("failed", "/data/raft/1", "Input/output error"));
  subject.write({ ...none, entries: [] }, () => durable.push("c"));
  assert.equal(failures.length, 1);
  assert.deepEqual(durable, []);
  assert.equal(log.writes.length, 1);
});

Deno.test("LogWriter makes several writes of much data, and one of an entry however large", async () => {
  const log = new HeldLog();
  const subject = writer(log);
  const MiB = 1024 * 1024;
  const sized = (sizes: number[]) =>
    entries(1, sizes.length).map((entry, i) => ({
      ...entry,
      data: new Uint8Array((sizes[i] ?? 0) * MiB),
    }));
  const hardState = { term: 1, votedFor: "a", promiseMs: 0 };
  let durable = 0;
  subject.write({ hardState, entries: sized([1, 2, 1, 1, 9, 3, 1]) }, () => durable++);
  for (let at = 0; at < 4; at++) {
    assert.equal(log.writes.length, at + 1, "one after the other");
    assert.equal(durable, 0);
    assert.deepEqual(log.writes[at]?.write.hardState, at === 0 ? hardState : undefined);
    await log.finish(at);
  }
  assert.deepEqual([0, 1, 2, 3].map((at) => log.indexes(at)), [[1, 2, 3], [4], [5], [6, 7]]);
  assert.equal(durable, 1);
});
