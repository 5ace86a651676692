import assert from "node:assert/strict";
import { parseAnswer } from "../../src/cli/shell/answer.ts";
import type { Table } from "../../src/cli/shell/answer.ts";
import { columnFormat } from "../../src/cli/shell/column_format.ts";
import { csvFormat } from "../../src/cli/shell/csv_format.ts";
import { jsonFormat } from "../../src/cli/shell/json_format.ts";
import { lineFormat } from "../../src/cli/shell/line_format.ts";
import { plainStyle } from "../../src/cli/shell/style.ts";

function tableOf(columns: string[], values: string): Table {
  const result = parseAnswer(
    `{"results":[{"columns":${JSON.stringify(columns)},"values":${values}}]}`,
  );
  assert.equal(result.type, "table");
  return result.table;
}

const mixed = tableOf(
  ["id", "name"],
  '[[9223372036854775807,null],[-9223372036854775808,"NULL"],[1.5e300,"a,\\"b\\"\\r\\nc"],[true,[1,2]]]',
);

Deno.test("csvFormat quotes by RFC 4180 and tells NULL from the text NULL", () => {
  assert.equal(
    [...csvFormat(mixed)].join(""),
    'id,name\n9223372036854775807,NULL\n-9223372036854775808,"NULL"\n' +
      '1.5e300,"a,""b""\r\nc"\ntrue,"[1,2]"\n',
  );
  assert.equal([...csvFormat(tableOf(["a"], '[[""]]'))].join(""), 'a\n""\n');
});

Deno.test("jsonFormat writes numbers digit by digit, and any column name", () => {
  const text = [...jsonFormat(mixed)].join("");
  assert.match(text, /"id": 9223372036854775807,\n {4}"name": null/);
  assert.match(text, /"id": 1\.5e300,/);
  const odd = [...jsonFormat(tableOf(["__proto__", "a\nb"], "[[1,2]]"))].join("");
  assert.deepEqual(Object.entries(JSON.parse(odd)[0]), [["__proto__", 1], ["a\nb", 2]]);
  assert.equal([...jsonFormat(tableOf(["a"], "[]"))].join(""), "[]\n");
});

Deno.test("columnFormat lines up wide characters, several lines, and commands to the terminal", () => {
  const table = tableOf(["größe", "漢字"], '[[1,"a\\nbc"],[null,"\\u001b[31m"],["x\\ty","漢"]]');
  assert.equal(
    [...columnFormat(table, plainStyle)].join(""),
    [
      "+--------+--------+",
      "| größe  | 漢字   |",
      "+--------+--------+",
      "| 1      | a      |",
      "|        | bc     |",
      "| NULL   | ^[[31m |",
      "| x    y | 漢     |",
      "+--------+--------+",
      "",
    ].join("\n"),
  );
});

Deno.test("columnFormat keeps one width over all pieces of a large table", () => {
  const rows = Array.from({ length: 1_000 }, (_, i) => [i, "x".repeat(i % 7)]);
  const lines = [...columnFormat(tableOf(["a", "b"], JSON.stringify(rows)), plainStyle)]
    .join("").trimEnd().split("\n");
  assert.equal(lines.length, 1_004);
  assert.deepEqual([...new Set(lines.map((line) => line.length))], [16]);
});

Deno.test("lineFormat lines names up on the right, with an empty line between rows", () => {
  const table = tableOf(["a", "long"], "[[1,null],[2,3]]");
  assert.equal(
    [...lineFormat(table, plainStyle)].join(""),
    "   a = 1\nlong = NULL\n\n   a = 2\nlong = 3\n",
  );
});
