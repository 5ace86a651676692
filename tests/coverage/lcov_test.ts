import assert from "node:assert/strict";
import { branchesOf, linesOf, missedBranches, missedLines, readLcov } from "./lcov.ts";

const report = `SF:/a/src/raft/one.ts
FN:1,f
BRDA:2,1,0,3
BRDA:2,1,1,-
BRDA:5,2,0,0
DA:1,1
DA:2,0
DA:3,0
DA:5,4
DA:6,0
LH:2
LF:5
end_of_record
SF:/a/src/raft/two.ts
DA:1,7
end_of_record
`;

Deno.test("readLcov reads lines and branches of each file, and what was never run of them", () => {
  const files = readLcov(report);
  assert.deepEqual(files.map(({ path }) => path), ["/a/src/raft/one.ts", "/a/src/raft/two.ts"]);
  assert.deepEqual(linesOf(files), { all: 6, run: 3 });
  assert.deepEqual(branchesOf(files), { all: 3, run: 1 });
  assert.deepEqual(files.map(missedLines), ["2-3, 6", ""]);
  assert.deepEqual(files.map(missedBranches), ["2, 5", ""]);
});
