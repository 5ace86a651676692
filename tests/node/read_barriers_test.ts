import { strict as assert } from "node:assert";
import { ReadBarriers } from "../../src/node/read_barriers.ts";
import type { Raft } from "../../src/raft/raft.ts";
import type { ReadMode } from "../../src/raft/types.ts";

/** Records the rounds that are asked for. */
function subject(waitersMax = 100) {
  const rounds: { context: number; mode: ReadMode }[] = [];
  const raft = {
    readIndex(mode: ReadMode) {
      rounds.push({ context: rounds.length + 1, mode });
      return rounds.length;
    },
  } satisfies Pick<Raft, "readIndex">;
  return { reads: new ReadBarriers(raft, waitersMax), rounds };
}

const later = 10_000;

Deno.test("ReadBarriers serves all reads that wait by one round, and later ones by the next", async () => {
  const { reads, rounds } = subject();
  const first = [reads.wait("quorum", later), reads.wait("quorum", later)];
  reads.begin();
  const second = reads.wait("quorum", later);
  reads.begin();
  assert.deepEqual(rounds, [{ context: 1, mode: "quorum" }]);
  reads.confirmed([{ context: 1, index: 7 }], 7);
  assert.deepEqual(await Promise.all(first), [7, 7]);
  reads.begin();
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
  reads.begin();
  const after = reads.wait("lease", later);
  reads.confirmed([{ context: 1, index: 3 }], 5);
  assert.equal(await before, 3);
  reads.begin();
  reads.confirmed([{ context: 2, index: 5 }], 5);
  assert.equal(await after, 5);
});

Deno.test("ReadBarriers asks a dropped round again, and takes no answer to it any more", async () => {
  const { reads, rounds } = subject();
  const read = reads.wait("quorum", later);
  reads.begin();
  reads.dropped([1]);
  reads.begin();
  assert.equal(rounds.length, 2);
  reads.confirmed([{ context: 1, index: 1 }], 9);
  reads.confirmed([{ context: 2, index: 4 }], 9);
  assert.equal(await read, 4);
});

Deno.test("ReadBarriers gives up at the deadline and bounds how many wait", async () => {
  const { reads } = subject(1);
  const read = reads.wait("quorum", 100);
  await assert.rejects(reads.wait("quorum", 100), { kind: "overloaded" });
  reads.begin();
  reads.expire(100);
  await assert.rejects(read, { kind: "timeout" });
  assert.equal(reads.size, 0);
});

Deno.test("ReadBarriers counts those that wait for an index among the reads that wait", async () => {
  const { reads } = subject(1);
  const applied = reads.waitApplied(7, 5, 100);
  await assert.rejects(reads.waitApplied(7, 5, 100), { kind: "overloaded" });
  await assert.rejects(reads.wait("lease", 100), { kind: "overloaded" });
  await reads.waitApplied(5, 5, 100);
  reads.applied(7);
  await applied;
  assert.equal(reads.size, 0);
});

Deno.test("ReadBarriers fails every read that waits when its node ends, wherever it stands", async () => {
  const { reads } = subject();
  const confirmed = reads.wait("quorum", later);
  reads.begin();
  reads.confirmed([{ context: 1, index: 9 }], 7);
  const asked = reads.wait("lease", later);
  reads.begin();
  const waiting = [reads.wait("quorum", later), reads.waitApplied(9, 7, later)];
  const failures = [confirmed, asked, ...waiting].map((read) =>
    assert.rejects(read, { kind: "unavailable", message: "The node stopped" })
  );
  reads.failAll("The node stopped");
  await Promise.all(failures);
  assert.equal(reads.size, 0);
});
