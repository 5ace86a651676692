import { strict as assert } from "node:assert";
import { clearImmediate, setImmediate } from "node:timers";
import { type Clock, DiskError } from "../../src/io/types.ts";
import { LogQueue } from "../../src/raft_log/log_queue.ts";
import { LogFailedError, type LogStore, type LogWrite } from "../../src/raft_log/types.ts";
import { type Entry, EntryType } from "../../src/raft/types.ts";
import { makePoint, RecordingLogger } from "./fixtures.ts";

/** Timers of this clock fire in the next turn of the event loop, after what is waiting. */
const clock: Clock = {
  now: () => 7,
  wallTime: () => 0,
  after: (_delay, callback) => {
    const timer = setImmediate(callback);
    return { cancel: () => clearImmediate(timer) };
  },
};

/** More turns than it takes until everything has happened that is going to. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A store whose calls end when the test says so. */
class HeldStore implements LogStore {
  readonly calls: {
    write: LogWrite | undefined;
    what: string;
    done: PromiseWithResolvers<void>;
  }[] = [];
  readonly unmarked = false;
  readonly sizeBytes = 0;
  readonly firstIndex = 1;
  readonly lastIndex = 0;
  readonly recentFrom = () => 1;

  #call(what: string, write?: LogWrite): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.calls.push({ what, write, done });
    return done.promise;
  }

  write(write: LogWrite): Promise<void> {
    return this.#call("write", write);
  }

  compact(): Promise<void> {
    return this.#call("compact");
  }

  reset(): Promise<void> {
    return this.#call("reset");
  }

  mark(): Promise<void> {
    return this.#call("mark");
  }

  read(): Promise<Entry[]> {
    return Promise.resolve([]);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  indexes(at: number): number[] | undefined {
    return this.calls[at]?.write?.entries.map((entry) => entry.index);
  }

  async finish(at: number, error?: Error): Promise<void> {
    // A call may be made by a timer, or never.
    await settle();
    if (error === undefined) this.calls[at]?.done.resolve();
    else this.calls[at]?.done.reject(error);
    await settle();
  }
}

function subject() {
  const store = new HeldStore();
  const logger = new RecordingLogger();
  const log = new LogQueue({ store, clock, logger, directory: "/raft" });
  /** In the order in which they became durable. */
  const durable: string[] = [];
  const append = (name: string, entries: Entry[], hardState?: LogWrite["hardState"]) =>
    void log.append({ hardState, entries }).then(
      () => durable.push(name),
      (error) => durable.push(`${name}: ${error.name}`),
    );
  return { store, log, logger, durable, append };
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

const full = new DiskError("full", "/data/raft/1", "No space left");

Deno.test("LogQueue gathers what arrives while a write runs into the next one", async () => {
  const { store, log, durable, append } = subject();
  append("a", entries(1, 2));
  append("b", entries(3, 3));
  append("c", entries(4, 4), { term: 2, votedFor: "x", promiseMs: 0 });
  assert.deepEqual(store.indexes(0), [1, 2]);
  await store.finish(0);
  assert.deepEqual(durable, ["a"]);
  assert.deepEqual(store.indexes(1), [3, 4]);
  assert.deepEqual(store.calls[1]?.write?.hardState, { term: 2, votedFor: "x", promiseMs: 0 });
  await store.finish(1);
  assert.deepEqual(durable, ["a", "b", "c"]);
  assert.equal(log.busy, false);
});

Deno.test("LogQueue writes at once all that those append who are told of a write", async () => {
  const { store, log } = subject();
  let index = 3;
  const again = async (entry: Entry[]) => {
    await log.append({ hardState: undefined, entries: entry });
    index++;
    await log.append({ hardState: undefined, entries: entries(index, index) });
  };
  const done = Promise.all([again(entries(1, 1)), again(entries(2, 2)), again(entries(3, 3))]);
  await store.finish(0);
  await store.finish(1);
  await store.finish(2);
  assert.deepEqual([1, 2].map((at) => store.indexes(at)), [[2, 3, 4], [5, 6]]);
  await done;
});

Deno.test("LogQueue is not busy any more when it tells of its last write", async () => {
  const { store, log } = subject();
  const told = log.append({ hardState: undefined, entries: entries(1, 1) }).then(() => log.busy);
  assert.equal(log.busy, true);
  await store.finish(0);
  assert.equal(await told, false);
});

Deno.test("LogQueue lets later entries replace those of a waiting write", async () => {
  const { store, append } = subject();
  append("a", entries(1, 1));
  append("b", entries(2, 5));
  append("c", entries(4, 4, 2));
  await store.finish(0);
  const write = store.calls[1]?.write?.entries.map(({ index, term }) => [index, term]);
  assert.deepEqual(write, [[2, 1], [3, 1], [4, 2]]);
  await store.finish(1);
});

Deno.test("LogQueue holds an empty write back until every one before it is durable", async () => {
  const { store, durable, append } = subject();
  append("nothing under way", []);
  await store.finish(0);
  assert.deepEqual(durable, ["nothing under way"]);
  append("entry", entries(1, 1));
  append("behind it", []);
  await store.finish(9);
  assert.equal(durable.length, 1);
  await store.finish(0);
  assert.deepEqual(durable.slice(1), ["entry", "behind it"]);
  assert.equal(store.calls.length, 1);
});

Deno.test("LogQueue waits out a full disk, reports nothing as durable meanwhile, and says so once", async () => {
  const { store, log, logger, durable, append } = subject();
  append("a", entries(1, 1));
  await store.finish(0, full);
  assert.equal(log.full, true);
  await store.finish(1, full);
  assert.deepEqual(durable, []);
  assert.deepEqual(store.indexes(2), [1]);
  await store.finish(2);
  assert.deepEqual(durable, ["a"]);
  assert.equal(log.full, false);
  assert.deepEqual(logger.lines.map((line) => line.split(" ")[0]), ["ERROR", "INFO"]);
});

/** A clock on which nothing is due before `held` is resolved. */
function slowClock(held: Promise<void>): Clock {
  return {
    ...clock,
    after: (_delay, callback) => {
      held.then(callback);
      return { cancel: () => {} };
    },
  };
}

Deno.test("LogQueue lets a compaction pass what waits for room, and nothing else", async () => {
  const held = Promise.withResolvers<void>();
  const slow = slowClock(held.promise);
  const store = new HeldStore();
  const logger = new RecordingLogger();
  const log = new LogQueue({ store, clock: slow, logger, directory: "/raft" });
  const appended = log.append({ hardState: undefined, entries: entries(1, 1) });
  await store.finish(0, full);
  const compacted = log.compact(makePoint(1, 1));
  const reset = log.reset(makePoint(9, 1));
  await store.finish(9);
  assert.deepEqual(store.calls.map(({ what }) => what), ["write", "compact"]);
  await store.finish(1);
  await compacted;
  assert.equal(store.calls.length, 2);
  held.resolve();
  await store.finish(9);
  assert.deepEqual(store.indexes(2), [1]);
  await store.finish(2);
  await appended;
  await store.finish(3);
  await reset;
  assert.equal(store.calls[3]?.what, "reset");
});

Deno.test("LogQueue takes nothing more once a compaction has failed that passed what waits for room", async () => {
  const held = Promise.withResolvers<void>();
  const store = new HeldStore();
  const logger = new RecordingLogger();
  const log = new LogQueue({ store, clock: slowClock(held.promise), logger, directory: "/raft" });
  const appended = assert.rejects(
    log.append({ hardState: undefined, entries: entries(1, 1) }),
    LogFailedError,
  );
  await store.finish(0, full);
  const compacted = assert.rejects(log.compact(makePoint(1, 1)), LogFailedError);
  await store.finish(1, new DiskError("failed", "/data/raft/1", "Input/output error"));
  await Promise.all([appended, compacted]);
  held.resolve();
  await store.finish(9);
  assert.deepEqual(store.calls.map(({ what }) => what), ["write", "compact"]);
  await assert.rejects(log.append({ hardState: undefined, entries: [] }), LogFailedError);
  await log.close();
});

Deno.test("LogQueue tells who compacts that there is no room, and goes on", async () => {
  const { store, log, durable, append } = subject();
  const compacted = assert.rejects(log.compact(makePoint(1, 1)), { kind: "full" });
  append("a", entries(1, 1));
  await store.finish(0, full);
  await compacted;
  await store.finish(1);
  assert.deepEqual(durable, ["a"]);
  assert.equal(log.full, false);
});

Deno.test("LogQueue begins anew once there is room, and only then writes what follows", async () => {
  const { store, log, durable, append } = subject();
  const reset = log.reset(makePoint(9, 1)).then(() => durable.push("reset"));
  append("behind", entries(10, 10));
  await store.finish(0, full);
  assert.equal(log.full, true);
  await store.finish(1);
  await reset;
  await store.finish(2);
  assert.deepEqual(durable, ["reset", "behind"]);
  assert.deepEqual(store.calls.map(({ what }) => what), ["reset", "reset", "write"]);
});

Deno.test("LogQueue.close() gives up what waits for room", async () => {
  const { store, log, durable, append } = subject();
  append("a", entries(1, 1));
  append("b", entries(2, 2));
  store.calls[0]?.done.reject(full);
  while (!log.full) await Promise.resolve();
  await log.close();
  await store.finish(9);
  assert.deepEqual(durable, ["a: LogFailedError", "b: LogFailedError"]);
  assert.equal(store.calls.length, 1);
});

Deno.test("LogQueue.close() waits for no room that is missed meanwhile", async () => {
  const { store, log, durable, append } = subject();
  append("a", entries(1, 1));
  const closed = log.close();
  await store.finish(0, full);
  await closed;
  assert.deepEqual(durable, ["a: LogFailedError"]);
  assert.equal(store.calls.length, 1);
});

Deno.test("LogQueue tells what write the disk has not answered, and since when", async () => {
  const { store, log, append } = subject();
  assert.equal(log.underWay, undefined);
  const data = new Uint8Array(10);
  append("a", entries(1, 3).map((entry) => ({ ...entry, data })));
  assert.deepEqual(log.underWay, { since: 7, bytes: 30 });
  await store.finish(0, full);
  assert.deepEqual(log.underWay, { since: 7, bytes: 30 });
  await store.finish(1);
  assert.equal(log.underWay, undefined);
  void log.compact(makePoint(1, 1));
  assert.equal(log.underWay, undefined);
  append("b", entries(1, 3).map((entry) => ({ ...entry, data })));
  assert.deepEqual(log.underWay, { since: 7, bytes: 30 }, "behind a compaction that hangs");
});

Deno.test("LogQueue ends at any other failure and reports nothing more as durable", async () => {
  const { store, log, durable, append } = subject();
  append("a", entries(1, 1));
  append("b", entries(2, 2));
  await store.finish(0, new DiskError("failed", "/data/raft/1", "Input/output error"));
  append("c", []);
  await assert.rejects(log.compact(makePoint(1, 1)), LogFailedError);
  assert.deepEqual(durable, ["a", "b", "c"].map((name) => `${name}: LogFailedError`));
  assert.equal(store.calls.length, 1);
});

Deno.test("LogQueue makes several writes of much data, and one of an entry however large", async () => {
  const { store, durable, append } = subject();
  const MiB = 1024 * 1024;
  const sized = (sizes: number[]) =>
    entries(1, sizes.length).map((entry, i) => ({
      ...entry,
      data: new Uint8Array((sizes[i] ?? 0) * MiB),
    }));
  const hardState = { term: 1, votedFor: "a", promiseMs: 0 };
  append("all", sized([1, 2, 1, 1, 9, 3, 1]), hardState);
  for (let at = 0; at < 4; at++) {
    assert.equal(store.calls.length, at + 1, "one after the other");
    assert.deepEqual(durable, []);
    assert.deepEqual(store.calls[at]?.write?.hardState, at === 0 ? hardState : undefined);
    await store.finish(at);
  }
  assert.deepEqual([0, 1, 2, 3].map((at) => store.indexes(at)), [[1, 2, 3], [4], [5], [6, 7]]);
  assert.deepEqual(durable, ["all"]);
});
