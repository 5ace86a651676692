import assert from "node:assert/strict";
import fc from "fast-check";
import { difference } from "../../src/http/watch/difference.ts";

function applied(before: readonly string[], after: readonly string[]): string[] {
  const rows = [...before];
  for (const { at, removed, added } of difference(before, after)) {
    assert.ok(removed > 0 || added.length > 0, "A splice does nothing");
    assert.ok(at + removed <= rows.length, "A splice is beyond the rows");
    rows.splice(at, removed, ...added);
  }
  return rows;
}

Deno.test("difference() makes one list of another, with rows that come more than once", () => {
  const rows = fc.array(fc.constantFrom("a", "b", "c", "d", "e"), { maxLength: 12 });
  fc.assert(fc.property(rows, rows, (before, after) => {
    assert.deepEqual(applied(before, after), after);
  }));
});

Deno.test("difference() leaves the longest run of single rows as it is", () => {
  const cases: [string, string, [number, number, string][]][] = [
    ["abc", "abc", []],
    ["", "ab", [[0, 0, "ab"]]],
    ["abc", "", [[0, 3, ""]]],
    ["abcde", "abxde", [[2, 1, "x"]]],
    ["abcde", "eabcd", [[0, 0, "e"], [5, 1, ""]]],
    ["abcdef", "xbcyef", [[0, 1, "x"], [3, 1, "y"]]],
    ["abc", "xabcy", [[0, 0, "x"], [4, 0, "y"]]],
  ];
  for (const [before, after, expected] of cases) {
    const found = difference([...before], [...after]);
    const told = found.map(({ at, removed, added }) => [at, removed, added.join("")]);
    assert.deepEqual(told, expected, `${before} ${after}`);
  }
});
