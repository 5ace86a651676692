import assert from "node:assert/strict";
import { tailCase, tailCases } from "../../src/raft_log/recovery_table.ts";

Deno.test("tailCase() has exactly one row for all facts that can occur, and uses every row", () => {
  const used = new Set<string>();
  for (let bits = 0; bits < 64; bits++) {
    const fact = (bit: number) => (bits & (1 << bit)) !== 0;
    const facts = {
      newest: fact(0),
      complete: fact(1),
      sealed: fact(2),
      headFollows: fact(3),
      blank: fact(4),
      proven: fact(5),
    };
    used.add(tailCase(facts).name);
  }
  assert.equal(used.size, tailCases.length);
});

Deno.test("tailCase() never accepts a damaged part that a sync has covered", () => {
  const broken = { sealed: false, blank: false, proven: true, complete: false };
  assert.equal(tailCase({ ...broken, newest: false, headFollows: false }).action, "damage");
  assert.equal(tailCase({ ...broken, newest: true, headFollows: true }).action, "damage");
  assert.equal(tailCase({ ...broken, newest: true, headFollows: false }).action, "cut");
});
