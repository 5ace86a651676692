import assert from "node:assert/strict";
import { timeFromInteger, timeFromText } from "../../src/store/column_time.ts";

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
    ["", zero],
    ["yesterday", zero],
    [" 2024-01-02", zero],
  ];
  for (const [given, expected] of cases) assert.equal(timeFromText(given), expected, given);
});

Deno.test("timeFromInteger takes seconds, and milliseconds when large", () => {
  assert.equal(timeFromInteger(0), "1970-01-01T00:00:00Z");
  assert.equal(timeFromInteger(1_700_000_000), "2023-11-14T22:13:20Z");
  assert.equal(timeFromInteger(1_700_000_000_120), "2023-11-14T22:13:20.12Z");
  assert.equal(timeFromInteger(-1), "1969-12-31T23:59:59Z");
  assert.equal(timeFromInteger(2n ** 62n), undefined);
});
