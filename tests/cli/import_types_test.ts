import { strict as assert } from "node:assert";
import { Real } from "@raftlite/client";
import { openNdjson } from "../../src/cli/import/ndjson_source.ts";
import { withDirectory } from "../directory.ts";
import { stored, TypeGuess } from "../../src/cli/import/column_types.ts";

Deno.test("The type of a column is the narrowest that gives all its texts back", () => {
  const cases: readonly (readonly [texts: readonly string[], type: string])[] = [
    [[], "TEXT"],
    [["0", "-1", "9223372036854775807"], "INTEGER"],
    [["9223372036854775808"], "TEXT"],
    [["1", "2.5", "1e-5", ".5"], "REAL"],
    [["007"], "TEXT"],
    [["-0"], "REAL"],
    [["+1"], "TEXT"],
    [["1 "], "TEXT"],
    [["1", ""], "TEXT"],
    [["1", "x"], "TEXT"],
    [["0x10"], "TEXT"],
    [["NaN"], "TEXT"],
    [["E1", "e14"], "TEXT"],
    [["3.14159265358979323846"], "TEXT"],
    [["0.1", "0.30000000000000004"], "REAL"],
    [["9007199254740993", "0.5"], "TEXT"],
  ];
  for (const [texts, type] of cases) {
    const guess = new TypeGuess();
    for (const text of texts) guess.addText(text);
    assert.equal(guess.type(true), type, texts.join());
  }
});

Deno.test("Values that have a type of their own keep it", () => {
  const cases: readonly (readonly [
    values: readonly (bigint | string | boolean | Real | null)[],
    type: string,
  ])[] = [
    [[1n, null, true], "INTEGER"],
    [[1n, new Real(1)], "REAL"],
    [[2n ** 53n + 1n, new Real(1)], ""],
    [["1", null], "TEXT"],
    [["1", 1n], ""],
    [[null], "TEXT"],
  ];
  for (const [values, type] of cases) {
    const guess = new TypeGuess();
    for (const value of values) guess.add(value);
    assert.equal(guess.type(false), type, values.map(String).join());
  }
});

Deno.test("A text that a column would make another of does not fit it", () => {
  assert.equal(stored("INTEGER", "12"), 12);
  assert.equal(stored("INTEGER", "-999999999999999"), -999999999999999);
  assert.equal(stored("INTEGER", "-9223372036854775808"), -9223372036854775808n);
  assert.equal(stored("INTEGER", "9223372036854775808"), undefined);
  assert.equal(stored("INTEGER", null), null);
  assert.equal(stored("TEXT", "007"), "007");
  for (const text of ["007", "1.0", "n/a", "-0", "", "+1", " 1"]) {
    assert.equal(stored("INTEGER", text), undefined, text);
  }
  assert.deepEqual(stored("REAL", "1.50"), new Real(1.5));
  assert.deepEqual(stored("REAL", "9007199254740992"), new Real(9007199254740992));
  for (const text of ["9007199254740993", "1,5", "", ".", "e1"]) {
    assert.equal(stored("REAL", text), undefined, text);
  }
  assert.equal(stored("REAL", 9007199254740993n), undefined);
  assert.equal(stored("INTEGER", 9007199254740993n), 9007199254740993n);
});

Deno.test("A number of a JSON line is what it is written as, however the line is read", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/a.ndjson`;
    const numbers = [
      ...["0", "1", "-7", "100", "999999999999999", "1.5", "-0.5", "1.005", "0.1", "10.01"],
      ...["1.0", "10.00", "-0", "-0.0", "1e2", "1E-2", "1.5e3", "9007199254740993", "1.50"],
      ...["12345678901234567890", "0.30000000000000004", "1234567890123456"],
      ...["123456789.000000000000001", "99999999.99999999999999"],
    ];
    // Beside what has the line looked at closely, and beside nothing of the kind.
    for (const other of ['"x"', '"1.0 1e5 -0"', "true", "null", "[1.0]"]) {
      await Deno.writeTextFile(
        path,
        numbers.map((text) => `{"n": ${text}, "other":${other}}\n`).join(""),
      );
      using source = await openNdjson(path, []);
      const found: unknown[] = [];
      for await (const group of source.rows()) found.push(...group.map(({ values }) => values[0]));
      assert.deepEqual(found.map(numeral), numbers.map(numeralOf));
    }
  }));

/** A value as "integer" or "real", and what it is. */
function numeral(value: unknown): string {
  if (value instanceof Real) return `real ${value.value}`;
  if (typeof value === "bigint") return `integer ${value}`;
  return Number.isInteger(value) ? `integer ${value}` : `real ${value}`;
}

function numeralOf(text: string): string {
  const isInteger = /^-?\d+$/.test(text) && BigInt(text) < 2n ** 63n;
  return isInteger ? `integer ${BigInt(text)}` : `real ${Number(text)}`;
}
