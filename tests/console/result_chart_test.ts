import assert from "node:assert/strict";
import { parseExact } from "../../console/api/exact.ts";
import { drawn } from "../../console/sql/result_chart.ts";

const rows = (text: string) => parseExact(text) as never;

Deno.test("drawn takes columns of numbers, by the first that is none", () => {
  const values = rows('[[1,"a",null],[9007199254740993,null,2.5]]');
  assert.deepEqual(drawn({ columns: ["n", "word", "m"], values }), {
    labels: ["a", "NULL"],
    series: [{ name: "n", values: [1, 9007199254740992] }, { name: "m", values: [null, 2.5] }],
  });
});

Deno.test("drawn takes the first column for names where all are numbers, and nothing of the rest", () => {
  const one = drawn({ columns: ["y", "n"], values: rows("[[2024,1],[2025,2]]") });
  assert.deepEqual(one, { labels: ["2024", "2025"], series: [{ name: "n", values: [1, 2] }] });
  assert.equal(drawn({ columns: ["n"], values: rows("[[1],[2]]") }), undefined);
  assert.equal(drawn({ columns: ["a", "b"], values: rows('[["x","y"],["x","y"]]') }), undefined);
  assert.equal(drawn({ columns: ["a", "b"], values: rows("[[1,2]]") }), undefined);
});
