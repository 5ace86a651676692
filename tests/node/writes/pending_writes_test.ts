import assert from "node:assert/strict";
import { PendingWrites } from "../../../src/node/writes/pending_writes.ts";
import type { NodeErrorKind, WriteOutcome } from "../../../src/node/types.ts";

/** Adds a write, and keeps what becomes of it. */
function waiting(writes: PendingWrites, index: number, term: number) {
  const fate: { outcome?: WriteOutcome; kind?: NodeErrorKind } = {};
  writes.add(index, {
    term,
    format: undefined,
    deadline: Infinity,
    resolve: (outcome) => fate.outcome = outcome,
    reject: ({ kind }) => fate.kind = kind,
  });
  return fate;
}

Deno.test("a write is lost for certain only once another term's entry is applied in its place", () => {
  const writes = new PendingWrites();
  const fate = waiting(writes, 5, 2);
  writes.applied(5, 3, undefined);
  assert.equal(fate.kind, "lost");
  assert.equal(writes.size, 0);
});

Deno.test("a write whose place this node gave to a later one may yet be another leader's", () => {
  const writes = new PendingWrites();
  const earlier = waiting(writes, 5, 2);
  const later = waiting(writes, 5, 4);
  assert.equal(earlier.kind, "unknown");
  writes.applied(5, 4, "{}");
  assert.deepEqual(later.outcome, { index: 5, answer: "{}" });
});
