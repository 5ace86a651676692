import assert from "node:assert/strict";
import type { ChangedTable, ChangeGroup, RowChange } from "../../src/changes/types.ts";
import { checkChangeLogs, type KeptChanges } from "./change_logs.ts";

const table: ChangedTable = { name: "t", hasRowId: true, columns: [] };

function insert(id: bigint): RowChange {
  const after = [id, "v"];
  const none = { oldRowId: undefined, before: undefined };
  return { type: "row", operation: "insert", table, ...none, newRowId: id, after, transaction: 0 };
}

/** One whole entry, or a part of it. */
function group(index: number, ids: readonly bigint[], first = 0, complete = true): ChangeGroup {
  return { index, time: 0, first, changes: ids.map(insert), complete };
}

function kept(id: string, groups: readonly ChangeGroup[], oldest = 1): KeptChanges {
  const status = { oldest, last: 9, bytes: 0, bytesMax: 0 };
  const read = () => ({ groups, next: { index: 10, change: 0 } });
  return { id, log: { status, read, wait: () => Promise.resolve() } };
}

function contents(...ids: readonly bigint[]) {
  const rows = ids.map((id) => [Number(id), "v"]);
  return { lists: new Map(), hash: 0, tables: new Map([["t", rows]]) };
}

const whole = [group(3, [1n, 2n]), group(5, [3n])];

Deno.test("checkChangeLogs() takes logs that are the same by position, however far back they go", () => {
  const parts = [group(3, [1n], 0, false), group(3, [2n], 1), group(5, [3n])];
  const all = [kept("later", [group(5, [3n])], 4), kept("whole", whole), kept("parts", parts)];
  const checked = checkChangeLogs(all, contents(3n, 1n, 2n));
  assert.deepEqual(checked, { compared: 3, replayed: 3 });
});

Deno.test("checkChangeLogs() finds what is lost, told twice, other, or not in the tables", () => {
  const cases: readonly [readonly KeptChanges[], RegExp][] = [
    [[kept("a", whole), kept("b", [group(3, [1n, 2n])])], /entry 5 two nodes tell other/],
    [[kept("a", whole), kept("b", [group(3, [1n, 4n]), group(5, [3n])])], /entry 3 two nodes/],
    [[kept("a", [...whole, group(5, [3n])])], /change 0 of entry 5 where it does not belong/],
    [[kept("a", [group(3, [1n], 0, false), group(3, [2n], 0)])], /change 0 of entry 3/],
    [[kept("a", [group(3, [1n, 2n])])], /table t has 2 rows/],
    [[kept("a", [...whole, group(6, [1n])])], /row 1 is there already/],
  ];
  for (const [all, error] of cases) {
    assert.throws(() => checkChangeLogs(all, contents(1n, 2n, 3n)), error);
  }
});
