import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { Election } from "../../src/raft/elections.ts";
import { majority, majorityValue } from "../../src/raft/configuration.ts";

Deno.test({
  name: "majorityValue() is the largest value that a majority has reached",
  permissions: "none",
  fn() {
    assert.equal(majorityValue([]), 0);
    assert.equal(majorityValue([7]), 7);
    assert.equal(majorityValue([7, 9]), 7);
    assert.equal(majorityValue([5, 9, 7]), 7);
    assert.equal(majorityValue([1, 2, 3, 4]), 2);
    const prng = new Prng(7n);
    for (let run = 0; run < 500; run++) {
      const values = Array.from({ length: 1 + prng.below(9) }, () => prng.below(20));
      const reached = (value: number) => values.filter((each) => each >= value).length;
      const result = majorityValue([...values]);
      assert(reached(result) >= majority(values.length), `${values}`);
      assert(reached(result + 1) < majority(values.length), `${values}`);
    }
  },
});

Deno.test({
  name: "Election counts each voter once, and nobody else",
  permissions: "none",
  fn() {
    const voters = ["a", "b", "c", "d"];
    const election = new Election(false, 5);
    election.record("a", true);
    election.record("a", true);
    election.record("x", true);
    election.record("y", true);
    assert.equal(election.outcome(voters), "open");
    election.record("b", true);
    assert.equal(election.outcome(voters), "open", "two of four");
    election.record("c", false);
    assert.equal(election.outcome(voters), "open");
    election.record("c", true);
    assert.equal(election.outcome(voters), "open", "the first answer counts");
    election.record("d", true);
    assert.equal(election.outcome(voters), "won");
  },
});

Deno.test({
  name: "Election is lost when no majority is left to win",
  permissions: "none",
  fn() {
    const election = new Election(true, 5);
    election.record("a", true);
    election.record("b", false);
    assert.equal(election.outcome(["a", "b", "c"]), "open");
    assert.equal(election.outcome(["a", "b"]), "lost");
    assert.equal(election.outcome([]), "lost");
  },
});
