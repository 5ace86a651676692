const millisecondsPerUnit: ReadonlyMap<string, number> = new Map([
  ["ns", 1e-6],
  ["us", 1e-3],
  ["µs", 1e-3], // U+00B5, micro sign
  ["μs", 1e-3], // U+03BC, Greek letter mu
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
]);

/** What Go keeps in 64 bits of nanoseconds: about 292 years. */
const durationMsMax = 2 ** 63 / 1e6;

// Digits must have one way only to be matched: with two, time grows by the square of their number.
const wholeDuration = /^[-+]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;
const onePart = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

/**
 * Reads a duration as Go's time.ParseDuration does (`300ms`, `1m30s`, `0`) and returns milliseconds,
 * or undefined for any other text.
 */
export function parseGoDuration(text: string): number | undefined {
  if (!wholeDuration.test(text)) return undefined;
  let milliseconds = 0;
  for (const [, amount, unit] of text.matchAll(onePart)) {
    milliseconds += Number(amount) * (millisecondsPerUnit.get(unit ?? "") ?? 0);
  }
  if (milliseconds >= durationMsMax) return undefined;
  return text.startsWith("-") ? -milliseconds : milliseconds;
}

/** Writes a duration, given in milliseconds, as Go's Duration.String does: `1m30s`, `23.035µs`, `0s`. */
export function formatGoDuration(milliseconds: number): string {
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
