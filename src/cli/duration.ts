import { int64Max } from "../base/int64.ts";

const nanosecondsPerUnit: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["µs", 1_000n], // U+00B5, micro sign
  ["μs", 1_000n], // U+03BC, Greek letter mu
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
]);

/** Go counts nanoseconds in 64 bits: up to about 292 years. */
const nanosecondsMax = int64Max;

/** Thrown for text that is no duration; the message is Go's. */
export class DurationError extends Error {
  override name = "DurationError";
}

/**
 * Reads a duration as Go's time.ParseDuration does (`300ms`, `1.5h`, `1m30s`, `0`), exactly: it
 * counts in whole nanoseconds. Returns milliseconds. Throws a DurationError with Go's words.
 *
 * https://pkg.go.dev/time#ParseDuration
 */
export function parseDuration(text: string): number {
  const sign = /^[-+]/.test(text) ? text.charAt(0) : "";
  let rest = text.slice(sign.length);
  if (rest === "0") return 0;
  if (rest === "") throw new DurationError(`invalid duration ${JSON.stringify(text)}`);
  let nanoseconds = 0n;
  while (rest !== "") {
    const match = /^(\d*)(?:\.(\d*))?/.exec(rest);
    const whole = match?.[1] ?? "";
    const fraction = match?.[2] ?? "";
    if (match === null || whole + fraction === "") {
      throw new DurationError(`invalid duration ${JSON.stringify(text)}`);
    }
    rest = rest.slice(match[0].length);
    const unit = /^[^.\d]*/.exec(rest)?.[0] ?? "";
    if (unit === "") throw new DurationError(`missing unit in duration ${JSON.stringify(text)}`);
    const scale = nanosecondsPerUnit.get(unit);
    if (scale === undefined) {
      throw new DurationError(
        `unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`,
      );
    }
    rest = rest.slice(unit.length);
    nanoseconds += BigInt(whole || "0") * scale;
    nanoseconds += BigInt(fraction || "0") * scale / 10n ** BigInt(fraction.length);
    if (nanoseconds > nanosecondsMax) {
      throw new DurationError(`invalid duration ${JSON.stringify(text)}`);
    }
  }
  return Number(sign === "-" ? -nanoseconds : nanoseconds) / 1_000_000;
}
