import Table from "cli-table3";
import type { RateMeasurement, RateRow } from "./rate_plan.ts";

/** Upper bounds of the drawn bars, in ms. */
const bounds = [
  ...[0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 125, 250, 500],
  ...[1_000, 2_000, 4_000, 8_000, 16_000, Infinity],
];

const barWidth = 50;

const style = { head: [], border: [], compact: true };

/** Everything that was measured at a fixed rate, for people. */
export function rateText(measurements: readonly RateMeasurement[]): string {
  const rows = measurements.map(({ row }) => row);
  const errors = rows.filter(({ firstError }) => firstError !== undefined).map((row) =>
    `${row.scenario}, ${row.target}: ${row.firstError}`
  );
  return [
    percentileTable(rows),
    "Latencies in ms, from when each request should have been sent.",
    ...(rows.some(({ events }) => events.length > 0) ? ["", eventTable(rows)] : []),
    ...errors,
    ...measurements.map((measurement) => `\n${bars(measurement)}`),
  ].join("\n");
}

function percentileTable(rows: readonly RateRow[]): string {
  const table = new Table({
    head: [
      ...["Scenario", "Target", "Asked/s", "Done/s", "p50", "p90", "p99", "p99.9", "p99.99", "max"],
      ...["Again", "Errors"],
    ],
    colAligns: ["left", "left", ...Array(10).fill("right")],
    style,
  });
  for (const row of rows) {
    table.push([
      row.scenario,
      row.target,
      row.perSecond.toFixed(0),
      row.answeredPerSecond.toFixed(0),
      ...[row.p50Ms, row.p90Ms, row.p99Ms, row.p999Ms, row.p9999Ms, row.maxMs].map(ms),
      row.again,
      row.errors,
    ]);
  }
  return table.toString();
}

function eventTable(rows: readonly RateRow[]): string {
  const table = new Table({
    head: ["Scenario", "Target", "Event", "at s", "lasted s", "p50 ms", "p99 ms", "longest ms"],
    colAligns: ["left", "left", "left", ...Array(5).fill("right")],
    style,
  });
  for (const { scenario, target, events, quietMaxMs } of rows) {
    for (const { name, atMs, lastedMs, p50Ms, p99Ms, longestMs, error } of events) {
      const what = error === undefined ? name : `${name}: ${error.slice(0, 60)}`;
      const seconds = [atMs, lastedMs].map((duration) => (duration / 1000).toFixed(2));
      const took = [p50Ms, p99Ms, longestMs].map(ms);
      table.push([scenario, target, what, ...seconds, ...took]);
    }
    table.push([scenario, target, "none", "", "", "", "", ms(quietMaxMs)]);
  }
  return table.toString();
}

function ms(duration: number): string {
  return duration.toFixed(duration < 100 ? 2 : 0);
}

/** How many requests took how long; the bars are logarithms, so that a single slow one is seen. */
function bars({ row, rounds }: RateMeasurement): string {
  const counts = bounds.map(() => 0);
  for (const { latenciesMs } of rounds) {
    for (const latency of latenciesMs) {
      const at = bounds.findIndex((bound) => latency <= bound);
      counts[at] = (counts[at] ?? 0) + 1;
    }
  }
  const first = counts.findIndex((count) => count > 0);
  const last = counts.findLastIndex((count) => count > 0);
  const scale = barWidth / Math.log1p(Math.max(1, ...counts));
  const lines = counts.slice(first, last + 1).map((count, i) => {
    const bound = bounds[first + i] ?? Infinity;
    const label = bound === Infinity ? "more" : `${bound} ms`;
    const bar = "█".repeat(Math.round(Math.log1p(count) * scale));
    return `${label.padStart(10)} ${bar.padEnd(barWidth)} ${count}`;
  });
  return [`${row.scenario}, ${row.target}: requests by the time they took`, ...lines].join("\n");
}
