import assert from "node:assert/strict";
import { expandVariables } from "../../src/backup/environment.ts";

const variables: Readonly<Record<string, string>> = { KEY: "k1", A_2: "two" };

function expanded(text: string): string {
  return expandVariables(text, (name) => variables[name]);
}

Deno.test("expandVariables replaces names as rqlite does", () => {
  const cases: [string, string][] = [
    ["$KEY", "k1"],
    ["a${KEY}b", "ak1b"],
    ["$KEY-$A_2", "k1-two"],
    ["$KEYS", ""],
    ["${UNSET}x", "x"],
    ["$$", ""],
    ["$$KEY", "KEY"],
    ["$5", ""],
    ["cost 5$", "cost 5$"],
    ["$ x", "$ x"],
    ["${}", ""],
    ["${KEY", "KEY"],
    ["${5}x", "x"],
    ['"$KEY"', '"k1"'],
    ["", ""],
  ];
  for (const [text, expectation] of cases) assert.equal(expanded(text), expectation, text);
});
