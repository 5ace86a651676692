import assert from "node:assert/strict";
import { encodeGroups } from "../../src/cdc/message.ts";
import type { Change, ChangeGroup } from "../../src/changes/types.ts";

const table = { name: "t", hasRowId: true, columns: [] };
const change: Change = {
  ...{ type: "row", operation: "insert", table, oldRowId: undefined, newRowId: 1n },
  ...{ before: undefined, after: [], transaction: 0 },
};

function idsOf(first: number, count: number, time = 7): string[] {
  const changes = new Array<Change>(count).fill(change);
  const group: ChangeGroup = { index: 5, time, first, changes, complete: true };
  const options = { debezium: undefined, rowIdsOnly: false, tableFilter: undefined };
  return encodeGroups(group, options).map(({ id }) => id);
}

Deno.test("a group that another node has cut elsewhere is not taken for the same", () => {
  assert.deepEqual(idsOf(0, 3), ["5.0.3.7"]);
  assert.deepEqual(idsOf(0, 2), ["5.0.2.7"]);
  assert.deepEqual(idsOf(2, 1), ["5.2.1.7"]);
});

Deno.test("what another history has at an index is not taken for what was lost of it", () => {
  assert.notDeepEqual(idsOf(0, 1, 7), idsOf(0, 1, 8));
});
