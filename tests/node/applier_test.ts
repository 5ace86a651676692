import { strict as assert } from "node:assert";
import { checksum } from "../../src/base/checksum.ts";
import { Applier } from "../../src/node/applier.ts";
import { WriteStages } from "../../src/node/writes/write_stages.ts";
import { type Entry, EntryType } from "../../src/raft/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";

const data = new Uint8Array();

function entry(index: number): Entry {
  return { index, term: 1, type: EntryType.noop, data, checksum: checksum(data) };
}

/** An applier of which the test sees the batches, by the indexes in them. */
function subject({ urgent = false } = {}) {
  const clock = new SimulatedClock();
  const state = {
    urgent,
    batches: [] as number[][],
    advanced: 0,
    /** The state machine's work at a batch. */
    applying: (): Promise<void> => Promise.resolve(),
  };
  const applier = new Applier({
    raft: {
      cached: (from, to) => Array.from({ length: to - from + 1 }, (_, i) => entry(from + i)),
    },
    log: { read: () => assert.fail("all entries are cached") },
    clock,
    stateMachine: {
      applied: { index: 0, term: 0 },
      apply: (entries) => {
        state.batches.push(entries.map((each) => each.entry.index));
        return state.applying().then(() =>
          entries.map(({ entry: { index, term } }) => ({ index, term, answer: undefined }))
        );
      },
    },
    stages: new WriteStages(clock),
    bytesMax: 1024,
    handlers: {
      urgent: () => state.urgent,
      format: () => undefined,
      applied: () => {},
      advanced: (index) => state.advanced = index,
      failed: (error) => assert.fail(error),
    },
  });
  return { applier, clock, state };
}

Deno.test("Applier applies at once what somebody waits for", async () => {
  const { applier, clock, state } = subject({ urgent: true });
  applier.advance(2);
  await clock.settle();
  assert.deepEqual(state.batches, [[1, 2]]);
  assert.equal(state.advanced, 2);
  assert.equal(clock.pending, 0);
});

Deno.test("Applier holds back what nobody waits for, ten milliseconds at most", async () => {
  const { applier, clock, state } = subject();
  applier.advance(1);
  await clock.advance(6);
  applier.advance(3);
  await clock.advance(3.9);
  assert.deepEqual(state.batches, []);
  await clock.advance(0.1);
  assert.deepEqual(state.batches, [[1, 2, 3]]);
});

Deno.test("Applier holds nothing back any more once somebody waits", async () => {
  const { applier, clock, state } = subject();
  applier.advance(1);
  applier.hurry();
  await clock.settle();
  assert.deepEqual(state.batches, [[1]]);
  applier.advance(2);
  state.urgent = true;
  applier.advance(2);
  await clock.settle();
  assert.deepEqual(state.batches, [[1], [2]]);
  assert.equal(clock.pending, 0);
});

Deno.test("Applier holds a bounded number of entries back", async () => {
  const { applier, clock, state } = subject();
  const lengths = () => state.batches.map(({ length }) => length);
  applier.advance(256);
  await clock.settle();
  assert.deepEqual(lengths(), []);
  applier.advance(257);
  await clock.settle();
  assert.deepEqual(lengths(), [257]);
});

Deno.test("Applier hands nothing over while it is paused, and all of it afterwards", async () => {
  const { applier, clock, state } = subject();
  applier.advance(1);
  await applier.pause();
  await clock.advance(20);
  assert.deepEqual(state.batches, []);
  applier.resume();
  await clock.settle();
  assert.deepEqual(state.batches, [[1]]);
});

Deno.test("Applier stops behind the entry that is asked for until what waits for it is done, and goes on by itself", async () => {
  for (const end of ["done", "failed"] as const) {
    const { applier, clock, state } = subject({ urgent: true });
    const work = Promise.withResolvers<void>();
    const reached: number[] = [];
    applier.stopBehind(({ index }) => index === 2, (index) => {
      reached.push(index);
      return work.promise;
    });
    applier.advance(4);
    await clock.settle();
    assert.deepEqual([state.batches, reached], [[[1, 2]], [2]]);
    applier.advance(5);
    await clock.settle();
    assert.deepEqual(state.batches, [[1, 2]]);
    if (end === "done") work.resolve();
    else work.reject(new Error("The disk has gone"));
    await clock.settle();
    assert.deepEqual([state.batches, reached], [[[1, 2], [3, 4, 5]], [2]]);
  }
});

Deno.test("Applier goes past an entry at which nobody wants it to stop any more", async () => {
  const { applier, clock, state } = subject({ urgent: true });
  const stop = (index: number) =>
    applier.stopBehind((entry) => entry.index === index, () => assert.fail(`stopped at ${index}`));
  const first = stop(2);
  const second = stop(3);
  // It was replaced: nothing is left of it to be taken back.
  first();
  second();
  applier.advance(4);
  await clock.settle();
  assert.deepEqual(state.batches, [[1, 2, 3, 4]]);
});

Deno.test("Applier is paused once what the state machine has at hand is applied", async () => {
  const { applier, clock, state } = subject({ urgent: true });
  const work = Promise.withResolvers<void>();
  state.applying = () => work.promise;
  applier.advance(2);
  let paused = false;
  void applier.pause().then(() => paused = true);
  applier.advance(4);
  await clock.settle();
  assert.equal(paused, false);
  work.resolve();
  await clock.settle();
  assert.equal(paused, true);
  assert.deepEqual([state.batches, applier.applied], [[[1, 2]], 2]);
  applier.resume(9);
  assert.equal(applier.applied, 9, "a snapshot has taken the state's place");
  applier.advance(10);
  await clock.settle();
  assert.deepEqual(state.batches, [[1, 2], [10]]);
});

Deno.test("Applier goes on at an entry that it was to stop behind, and meanwhile is not", async () => {
  const { applier, clock, state } = subject({ urgent: true });
  const work = Promise.withResolvers<void>();
  state.applying = () => work.promise;
  const takeBack = applier.stopBehind(
    ({ index }) => index === 2,
    () => assert.fail("nobody waits for it any more"),
  );
  applier.advance(4);
  takeBack();
  work.resolve();
  await clock.settle();
  assert.deepEqual(state.batches, [[1, 2], [3, 4]]);
});
