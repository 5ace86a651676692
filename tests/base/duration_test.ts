import assert from "node:assert/strict";
import { DurationError, parseDuration } from "../../src/base/duration.ts";

const valid: readonly [text: string, milliseconds: number][] = [
  ["0", 0],
  ["0s", 0],
  ["5s", 5000],
  ["500ms", 500],
  ["1m30s", 90_000],
  ["1h2m3s4ms5us6ns", 3_723_004.005006],
  ["1.5h", 5_400_000],
  [".5s", 500],
  ["1.s", 1000],
  ["+5s", 5000],
  ["-1.5s", -1500],
  ["-0", 0],
  ["1µs", 0.001],
  ["1μs", 0.001],
  ["0.1ns", 0],
  ["9223372036854775807ns", 9_223_372_036_854.775807],
];

for (const [text, milliseconds] of valid) {
  Deno.test(`parseDuration reads ${text}`, () => assert.equal(parseDuration(text), milliseconds));
}

const invalid: readonly [text: string, message: string][] = [
  ["", 'invalid duration ""'],
  ["5", 'missing unit in duration "5"'],
  ["1m5", 'missing unit in duration "1m5"'],
  ["5x", 'unknown unit "x" in duration "5x"'],
  ["5 s", 'unknown unit " s" in duration "5 s"'],
  ["1d", 'unknown unit "d" in duration "1d"'],
  ["s", 'invalid duration "s"'],
  [".s", 'invalid duration ".s"'],
  ["-", 'invalid duration "-"'],
  ["--5s", 'invalid duration "--5s"'],
  ["1e3s", 'unknown unit "e" in duration "1e3s"'],
  ["9223372036854775808ns", 'invalid duration "9223372036854775808ns"'],
  ["3000000h", 'invalid duration "3000000h"'],
];

for (const [text, message] of invalid) {
  Deno.test(`parseDuration refuses ${JSON.stringify(text)} in Go's words`, () => {
    assert.throws(() => parseDuration(text), (error) => {
      assert.ok(error instanceof DurationError);
      assert.equal(error.message, message);
      return true;
    });
  });
}

Deno.test("parseDuration reads a million digits in time that grows with their number", () => {
  const ones = "1".repeat(1_000_000);
  assert.throws(() => parseDuration(`${ones}ns`), DurationError);
  assert.equal(parseDuration(`${"0".repeat(1_000_000)}1s`), 1000);
  assert.equal(parseDuration(`0.5${ones}s`), 511.111111);
  assert.equal(parseDuration("1ns".repeat(300_000)), 0.3);
});
