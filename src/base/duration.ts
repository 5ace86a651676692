import { int64Max } from "./int64.ts";

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

/** Digits behind the point that are looked at: of the ones behind them not even an hour has a nanosecond. */
const fractionDigitsMax = 30;

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
    nanoseconds += wholeNumber(whole) * scale;
    const digits = fraction.slice(0, fractionDigitsMax);
    nanoseconds += BigInt(digits || "0") * scale / 10n ** BigInt(digits.length);
    if (nanoseconds > nanosecondsMax) {
      throw new DurationError(`invalid duration ${JSON.stringify(text)}`);
    }
  }
  return Number(sign === "-" ? -nanoseconds : nanoseconds) / 1_000_000;
}

/** Of digits; of very many only that they are too many, since to read them all would take long. */
function wholeNumber(digits: string): bigint {
  const significant = digits.replace(/^0+/, "");
  return significant.length > 19 ? nanosecondsMax + 1n : BigInt(significant || "0");
}

/** The same for whoever has other words for what is no duration: undefined is that. */
export function durationIn(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof DurationError) return undefined;
    throw error;
  }
}

/** Writes a duration, given in milliseconds, as Go's Duration.String does: `1m30s`, `23.035µs`, `0s`. */
export function formatDuration(milliseconds: number): string {
  const nanoseconds = Math.round(Math.abs(milliseconds) * 1e6);
  const sign = milliseconds < 0 ? "-" : "";
  if (nanoseconds === 0) return "0s";
  if (nanoseconds < 1e3) return `${sign}${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${sign}${nanoseconds / 1e3}µs`;
  if (nanoseconds < 1e9) return `${sign}${nanoseconds / 1e6}ms`;
  const wholeSeconds = Math.floor(nanoseconds / 1e9);
  const fraction = String(nanoseconds % 1e9).padStart(9, "0").replace(/0+$/, "");
  const seconds = `${wholeSeconds % 60}${fraction === "" ? "" : `.${fraction}`}s`;
  const minutes = Math.floor(wholeSeconds / 60);
  if (minutes === 0) return sign + seconds;
  if (minutes < 60) return `${sign}${minutes}m${seconds}`;
  return `${sign}${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}
