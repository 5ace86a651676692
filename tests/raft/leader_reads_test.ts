import assert from "node:assert/strict";
import { ReadRounds } from "../../src/raft/leader_reads.ts";

const read = (context: number) => ({ from: "a", context });

Deno.test({
  name: "ReadRounds gives the reads that wait to the next round, and answers all before it",
  permissions: "none",
  fn() {
    const rounds = new ReadRounds();
    assert(!rounds.due);
    rounds.add(read(1));
    rounds.add(read(2));
    assert(rounds.due);
    rounds.begin(10);
    rounds.add(read(3));
    assert(!rounds.due, "a round is under way");
    rounds.begin(20);
    assert.equal(rounds.unanswered, 3);
    assert.deepEqual(rounds.confirm(2), [
      { index: 10, reads: [read(1), read(2)] },
      { index: 20, reads: [read(3)] },
    ]);
    assert.equal(rounds.unanswered, 0);
    assert.deepEqual(rounds.confirm(1), []);
  },
});

Deno.test({
  name: "ReadRounds answers no read by a round that began before it, or without a read index",
  permissions: "none",
  fn() {
    const rounds = new ReadRounds();
    rounds.begin(10);
    rounds.add(read(1));
    assert.deepEqual(rounds.confirm(1), []);
    rounds.begin(undefined);
    assert.deepEqual(rounds.confirm(2), []);
    rounds.begin(30);
    assert.deepEqual(rounds.confirm(3), [{ index: 30, reads: [read(1)] }]);
  },
});

Deno.test({
  name: "ReadRounds loses no read when rounds without an answer are forgotten",
  permissions: "none",
  fn() {
    const rounds = new ReadRounds();
    rounds.add(read(1));
    for (let now = 0; now < 200; now++) rounds.begin(10 + now);
    assert.equal(rounds.unanswered, 1);
    const confirmed = rounds.confirm(200).flatMap((each) => each.reads);
    assert.deepEqual(confirmed, [read(1)]);
    rounds.add(read(2));
    rounds.begin(5);
    rounds.add(read(3));
    assert.deepEqual(rounds.abandon(), [read(2), read(3)]);
    assert.equal(rounds.unanswered, 0);
  },
});
