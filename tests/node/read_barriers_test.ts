import { strict as assert } from "node:assert";
import { ReadBarriers } from "../../src/node/read_barriers.ts";
import type { RaftCore, ReadMode } from "../../src/raft/types.ts";

/** Records the rounds that are asked for. */
function subject(waitersMax = 100) {
  const rounds: { context: number; mode: ReadMode }[] = [];
  const raft = {
    readIndex: (context: number, mode: ReadMode) => rounds.push({ context, mode }),
  } as unknown as RaftCore;
  return { reads: new ReadBarriers(raft, waitersMax, 200), rounds };
}

const later = 10_000;

Deno.test("ReadBarriers serves all reads that wait by one round, and later ones by the next", async () => {
  const { reads, rounds } = subject();
  const first = [reads.wait("quorum", later), reads.wait("quorum", later)];
  reads.begin(0);
  const second = reads.wait("quorum", later);
  reads.begin(0);
  assert.deepEqual(rounds, [{ context: 1, mode: "quorum" }]);
  reads.confirmed([{ context: 1, index: 7 }], 7);
  assert.deepEqual(await Promise.all(first), [7, 7]);
  reads.begin(0);
  assert.equal(rounds.length, 2);
  reads.confirmed([{ context: 2, index: 9 }], 7);
  let released = false;
  second.then(() => released = true);
  await Promise.resolve();
  assert.equal(released, false, "released before its index was applied");
  reads.applied(9);
  assert.equal(await second, 9);
  assert.equal(reads.size, 0);
});

Deno.test("ReadBarriers never answers a read by a round that began before it", async () => {
  const { reads } = subject();
  const before = reads.wait("lease", later);
  reads.begin(0);
  const after = reads.wait("lease", later);
  reads.confirmed([{ context: 1, index: 3 }], 5);
  assert.equal(await before, 3);
  reads.begin(0);
  reads.confirmed([{ context: 2, index: 5 }], 5);
  assert.equal(await after, 5);
});

Deno.test("ReadBarriers asks a dropped or unanswered round again", async () => {
  const { reads, rounds } = subject();
  const read = reads.wait("quorum", later);
  reads.begin(0);
  reads.dropped([1]);
  reads.begin(10);
  reads.expire(209);
  assert.equal(rounds.length, 2);
  reads.expire(210);
  reads.begin(210);
  assert.equal(rounds.length, 3);
  reads.confirmed([{ context: 1, index: 1 }, { context: 2, index: 1 }], 9);
  reads.confirmed([{ context: 3, index: 4 }], 9);
  assert.equal(await read, 4);
});

Deno.test("ReadBarriers gives up at the deadline and bounds how many wait", async () => {
  const { reads } = subject(1);
  const read = reads.wait("quorum", 100);
  await assert.rejects(reads.wait("quorum", 100), { kind: "overloaded" });
  reads.begin(0);
  reads.expire(100);
  await assert.rejects(read, { kind: "timeout" });
  assert.equal(reads.size, 0);
});
