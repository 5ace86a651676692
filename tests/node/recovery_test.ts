import { strict as assert } from "node:assert";
import { recover, RecoveryError } from "../../src/node/recovery.ts";
import type { LogContents } from "../../src/raft_log/types.ts";

const configuration = { members: [] };

/** A log that was compacted at 10 (term 2) and goes on to 20: term 3 from index 15. */
const log: LogContents = {
  hardState: { term: 3, votedFor: "", promiseMs: 0 },
  compaction: { index: 10, term: 2, configuration },
  log: {
    lastIndex: 20,
    termStarts: [{ term: 2, index: 11 }, { term: 3, index: 15 }],
    configurations: [],
    entries: [],
  },
};
const empty: LogContents = {
  hardState: { term: 0, votedFor: "", promiseMs: 0 },
  compaction: { index: 0, term: 0, configuration },
  log: { lastIndex: 0, termStarts: [], configurations: [], entries: [] },
};

function recovery(
  contents: LogContents,
  index: number,
  term: number,
  marker?: { index: number; term: number },
) {
  return recover({
    contents,
    applied: { index, term },
    marker: marker && { ...marker, configuration },
  }, "/data");
}

Deno.test("recover() takes an empty directory for a fresh node", () => {
  assert.deepEqual(recovery(empty, 0, 0), { type: "fresh" });
});

Deno.test("recover() refuses a database without its log", () => {
  assert.throws(() => recovery(empty, 5, 1), RecoveryError);
});

Deno.test("recover() continues anywhere inside the log, its borders included", () => {
  for (const [index, term] of [[10, 2], [11, 2], [14, 2], [15, 3], [20, 3]] as const) {
    assert.deepEqual(recovery(log, index, term), { type: "continue" }, `index ${index}`);
  }
});

Deno.test("recover() refuses a database that ends before the log begins", () => {
  assert.throws(() => recovery(log, 9, 2), /ends at index 9 but the Raft log begins after 10/);
});

Deno.test("recover() refuses a database that is ahead of the log", () => {
  assert.throws(() => recovery(log, 21, 3), /applied index 21 but the Raft log ends at 20/);
});

Deno.test("recover() refuses a database of another term than the log's at its index", () => {
  assert.throws(() => recovery(log, 15, 2), /they are of different nodes/);
});

Deno.test("recover() finishes an installation whose state was swapped in", () => {
  const recovered = recovery(log, 50, 7, { index: 50, term: 7 });
  assert.deepEqual(recovered, { type: "reset", point: { index: 50, term: 7, configuration } });
});

Deno.test("recover() finishes an installation on a node that had no log", () => {
  assert.equal(recovery(empty, 50, 7, { index: 50, term: 7 }).type, "reset");
});

Deno.test("recover() passes over a marker whose state was never swapped in", () => {
  assert.deepEqual(recovery(log, 20, 3, { index: 50, term: 7 }), { type: "continue" });
  assert.deepEqual(recovery(empty, 0, 0, { index: 50, term: 7 }), { type: "fresh" });
});

Deno.test("recover() keeps a log that goes on from the installed state", () => {
  assert.deepEqual(recovery(log, 15, 3, { index: 15, term: 3 }), { type: "continue" });
});
