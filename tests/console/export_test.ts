import assert from "node:assert/strict";
import { parseExact } from "../../console/api/exact.ts";
import { type Format, formats } from "../../console/sql/export.ts";

const result = {
  columns: ["a", "a", 'b"'],
  types: ["integer", "text", "blob"],
  values: parseExact('[[9007199254740993,"",[0,255]],[null,"x,\\"y\\"\\n\'","z\\u0000"]]') as never,
};

function text(format: Format): string {
  return formats[format].text(result);
}

Deno.test("a result as CSV tells NULL from an empty text, and quotes what it must", () => {
  assert.equal(
    text("csv"),
    'a,a,"b"""\r\n9007199254740993,"",00ff\r\n,"x,""y""\n\'",z\0\r\n',
  );
});

Deno.test("a result as JSON has every digit, and every column of those with one name", () => {
  assert.equal(
    text("json"),
    '[{"a":9007199254740993,"a_2":"","b\\"":[0,255]},\n' +
      '{"a":null,"a_2":"x,\\"y\\"\\n\'","b\\"":"z\\u0000"}]\n',
  );
});

Deno.test("a result as SQL says the same values in SQLite's words", () => {
  assert.equal(
    text("sql"),
    `INSERT INTO "table" ("a", "a", "b""") VALUES (9007199254740993, '', X'00ff');\n` +
      `INSERT INTO "table" ("a", "a", "b""") VALUES (NULL, 'x,"y"\n''', CAST(X'7a00' AS TEXT));\n`,
  );
});
