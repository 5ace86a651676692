import assert from "node:assert/strict";
import { WriteTracker } from "../../src/raft/write_tracker.ts";

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
