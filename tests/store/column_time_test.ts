import assert from "node:assert/strict";
import { timeFromInteger, timeFromText } from "../../src/store/json/column_time.ts";
import { TestStore } from "./fixture.ts";
import {
  goldenCount,
  goldenSeed,
  goldenUrl,
  refused,
  timeValues,
  toGolden,
} from "./time_values.ts";

const zero = "0001-01-01T00:00:00Z";

Deno.test("timeFromText gives RFC 3339, and the zero time for what is none", () => {
  const cases: [string, string][] = [
    ["2024-02-29", "2024-02-29T00:00:00Z"],
    ["2023-02-29", zero],
    ["2024-01-02 03:04", "2024-01-02T03:04:00Z"],
    ["2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"],
    ["2024-01-02 03:04:05.120", "2024-01-02T03:04:05.12Z"],
    ["2024-01-02 03:04:05.000", "2024-01-02T03:04:05Z"],
    ["2024-01-02 03:04:05+02:00", "2024-01-02T03:04:05+02:00"],
    ["2024-01-02 03:04:05+00:00", "2024-01-02T03:04:05Z"],
    ["2024-01-02 25:00:00", zero],
    ["2024-01-02 3:04:05", "2024-01-02T03:04:05Z"],
    ["2024-01-02   03:04", "2024-01-02T03:04:00Z"],
    ["2024-01-02 03:04:05-01:60", "2024-01-02T03:04:05-02:00"],
    ["", zero],
    ["yesterday", zero],
    [" 2024-01-02", zero],
  ];
  for (const [given, expected] of cases) assert.equal(timeFromText(given), expected, given);
});

Deno.test("timeFromText leaves a time alone whose offset RFC 3339 cannot tell", () => {
  assert.equal(timeFromText("2024-01-02 03:04:05+24:00"), undefined);
  assert.equal(timeFromText("2024-01-02 03:04:05-23:60"), undefined);
});

Deno.test("thousands of values in columns of times are shown as by rqlite", async () => {
  const values = timeValues(goldenSeed, goldenCount);
  const golden = (await Deno.readTextFile(goldenUrl)).trimEnd().split("\n");
  assert.equal(golden.length, values.length);
  await using test = await TestStore.open();
  await test.execute(["CREATE TABLE times (value DATETIME)"]);
  const sql = "INSERT INTO times VALUES (?)";
  await test.execute(values.map((value) => ({ sql, positional: [value] })), { transaction: true });
  const { values: rows } = JSON.parse(await test.query("SELECT value FROM times ORDER BY rowid"));
  for (const [i, value] of values.entries()) {
    // What rqlite refuses to show comes as it was stored.
    const expected = golden[i] === refused ? `${value}` : golden[i];
    assert.equal(toGolden(`${rows[i][0]}`), expected, JSON.stringify(value));
  }
});

Deno.test("timeFromInteger takes seconds, and milliseconds when large", () => {
  assert.equal(timeFromInteger(0), "1970-01-01T00:00:00Z");
  assert.equal(timeFromInteger(1_700_000_000), "2023-11-14T22:13:20Z");
  assert.equal(timeFromInteger(1_700_000_000_120), "2023-11-14T22:13:20.12Z");
  assert.equal(timeFromInteger(-1), "1969-12-31T23:59:59Z");
  assert.equal(timeFromInteger(2n ** 62n), undefined);
});
