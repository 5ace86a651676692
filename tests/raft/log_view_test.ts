import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { LogView, TermStarts, WriteTracker } from "../../src/raft/log_view.ts";
import { type Entry, EntryType } from "../../src/raft/types.ts";

function entry(index: number, term: number, size = 10): Entry {
  return { index, term, type: EntryType.command, data: new Uint8Array(size), checksum: 0 };
}

/** A log behind the compaction point 10/2 with entries of these terms. */
function log(terms: readonly number[], cacheBytesMax = 1 << 20, applied = 10): LogView {
  const view = new LogView({
    compaction: { index: 10, term: 2, configuration: { members: [] } },
    log: { lastIndex: 10, termStarts: [], configurations: [], entries: [] },
    applied: 10,
    cacheBytesMax,
  });
  terms.forEach((term, i) => view.append(entry(11 + i, term)));
  view.applied(applied);
  return view;
}

Deno.test({
  name: "LogView.termAt() knows the compaction point and what follows it, nothing else",
  permissions: "none",
  fn() {
    const view = log([2, 2, 3, 5, 5]);
    const terms = [9, 10, 11, 12, 13, 14, 15, 16].map((index) => view.termAt(index));
    assert.deepEqual(terms, [undefined, 2, 2, 2, 3, 5, 5, undefined]);
    view.compact(13);
    assert.deepEqual([12, 13, 14].map((index) => view.termAt(index)), [undefined, 3, 5]);
    view.compact(12);
    assert.equal(view.compactionIndex, 13);
    view.compact(99);
    assert.equal(view.compactionIndex, 13);
  },
});

Deno.test({
  name: "LogView.isUpToDate() compares terms before lengths (3.6.1)",
  permissions: "none",
  fn() {
    const view = log([2, 3, 3]);
    assert(view.isUpToDate(13, 3));
    assert(view.isUpToDate(14, 3));
    assert(view.isUpToDate(1, 4));
    assert(!view.isUpToDate(12, 3));
    assert(!view.isUpToDate(99, 2));
  },
});

Deno.test({
  name: "LogView.lastPossibleMatch() passes over whole terms down to the compaction point (5.3)",
  permissions: "none",
  fn() {
    const view = log([2, 3, 3, 5, 5]);
    assert.equal(view.lastPossibleMatch(99, 9), 15);
    assert.equal(view.lastPossibleMatch(15, 4), 13);
    assert.equal(view.lastPossibleMatch(12, 3), 12);
    assert.equal(view.lastPossibleMatch(15, 2), 11);
    assert.equal(view.lastPossibleMatch(15, 1), 10);
    assert.equal(view.lastPossibleMatch(4, 1), 4);
  },
});

Deno.test({
  name: "LogView keeps in memory what is not durable or not applied, whatever the bound",
  permissions: "none",
  fn() {
    const view = log([2, 2, 2, 2, 2, 2], 0);
    assert.equal(view.cached(11, 16, Infinity).length, 6);
    view.applied(14);
    assert.equal(view.cached(11, 16, Infinity).length, 6, "nothing is durable");
    assert.equal(view.takeUnwritten().length, 6);
    assert.deepEqual(view.takeUnwritten(), []);
    view.persisted(16, 2);
    assert.equal(view.durableIndex, 16);
    assert.deepEqual(view.cached(14, 16, Infinity), [], "applied and durable through 14");
    assert.equal(view.cached(15, 16, Infinity).length, 2);
  },
});

Deno.test({
  name: "LogView keeps what a follower lacks within the bound, and nothing that none lacks",
  permissions: "none",
  fn() {
    const view = log([2, 2, 2, 2, 2, 2]);
    view.delivered(12);
    view.takeUnwritten();
    view.persisted(16, 2);
    view.applied(15);
    assert.deepEqual(view.cached(12, 16, Infinity), []);
    assert.equal(view.cached(13, 16, Infinity).length, 4);
    view.delivered(16);
    assert.equal(view.cached(16, 16, Infinity).length, 1, "not applied yet");
    assert.deepEqual(view.cached(15, 16, Infinity), []);
  },
});

Deno.test({
  name: "LogView hands out again what was cut off and replaced",
  permissions: "none",
  fn() {
    const view = log([2, 2, 2]);
    view.takeUnwritten();
    view.persisted(13, 2);
    view.truncate(12);
    assert.equal(view.lastIndex, 11);
    assert.equal(view.durableIndex, 11);
    view.append(entry(12, 4));
    assert.deepEqual(view.takeUnwritten().map(({ index, term }) => [index, term]), [[12, 4]]);
    assert.throws(() => view.truncate(10), /compacted/);
    assert.throws(() => view.append(entry(14, 4)), /does not follow/);
  },
});

Deno.test({
  name: "LogView refuses a state machine that is ahead of the log",
  permissions: "none",
  fn() {
    const start = () =>
      new LogView({
        compaction: { index: 10, term: 2, configuration: { members: [] } },
        log: { lastIndex: 0, termStarts: [], configurations: [], entries: [] },
        applied: 11,
        cacheBytesMax: 0,
      });
    assert.throws(start, /Applied through 11, but the log ends at 10/);
  },
});

Deno.test({
  name: "TermStarts agrees with a list of terms through appends, cuts and compaction",
  permissions: "none",
  fn() {
    for (let seed = 1n; seed <= 200n; seed++) {
      const prng = new Prng(seed);
      const starts = new TermStarts();
      /** The term of each index; the entries before `first` are compacted. */
      const terms = [0];
      let first = 1;
      for (let step = 0; step < 60; step++) {
        const last = terms.length - 1;
        const draw = prng.below(10);
        if (draw < 7) {
          const term = Math.max(1, (terms[last] ?? 0) + (prng.chance(0.3) ? prng.below(4) : 0));
          starts.append(last + 1, term);
          terms.push(term);
        } else if (draw < 9) {
          const from = first + prng.below(last - first + 2);
          if (from === 0 || from > last) continue;
          starts.truncate(from);
          terms.length = from;
        } else {
          const through = first - 1 + prng.below(last - first + 2);
          starts.dropThrough(through);
          first = through + 1;
        }
        for (let index = first; index < terms.length; index++) {
          assert.equal(starts.termAt(index), terms[index], `seed ${seed}: term at ${index}`);
          const term = prng.below(12);
          let expected = index;
          while (expected >= first && (terms[expected] ?? 0) > term) expected--;
          const found = starts.lastIndexWithTermAtMost(index, term);
          assert.equal(Math.max(found, first - 1), expected, `seed ${seed}: ${index} at ${term}`);
        }
      }
    }
  },
});

Deno.test({
  name: "WriteTracker counts what is reported, and all writes before it",
  permissions: "none",
  fn() {
    const writes = new WriteTracker(3);
    writes.started(5, 1);
    writes.started(6, 1);
    writes.started(9, 2);
    assert.equal(writes.durableIndex, 3);
    writes.finished(6, 1);
    assert.equal(writes.durableIndex, 6);
    writes.finished(6, 1);
    writes.finished(9, 1);
    assert.equal(writes.durableIndex, 6);
    writes.finished(9, 2);
    assert.equal(writes.durableIndex, 9);
  },
});

Deno.test({
  name: "WriteTracker does not take the first write of an entry for its second",
  permissions: "none",
  fn() {
    const writes = new WriteTracker(3);
    writes.started(5, 1);
    writes.truncate(4);
    writes.started(4, 2);
    writes.truncate(4);
    writes.started(5, 1);
    writes.finished(5, 1);
    assert.equal(writes.durableIndex, 3, "the first write was cut off at 4");
    writes.finished(4, 2);
    assert.equal(writes.durableIndex, 3);
    writes.finished(5, 1);
    assert.equal(writes.durableIndex, 5);
  },
});

Deno.test({
  name: "WriteTracker.truncate() takes durable entries back and has the rest written again",
  permissions: "none",
  fn() {
    const writes = new WriteTracker(8);
    writes.truncate(6);
    assert.equal(writes.durableIndex, 5);
    assert.equal(writes.nextIndex, 6);
  },
});
