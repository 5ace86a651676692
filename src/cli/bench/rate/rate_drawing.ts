import { sortedPercentile } from "../measure.ts";
import type { RateMeasurement } from "./rate_plan.ts";

const width = 900;
const plotHeight = 300;
const left = 60;
const right = 20;
const top = 40;
const between = 60;
const colours = ["#1f6feb", "#d1242f", "#1a7f37", "#8250df", "#bf8700", "#57606a"];
/** Of the lower picture: one point for each of so many parts of the time. */
const slices = 300;
const percentiles = [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999];

/** From where to where an axis of latencies goes, in ms; logarithmic. */
const leastMs = 0.1;

/** Two pictures in one SVG: latency by percentile, and the longest of each moment with the events. */
export function rateSvg(measurements: readonly RateMeasurement[]): string {
  const mostMs = 2 * Math.max(10, ...measurements.map(({ row }) => row.maxMs));
  const height = top + 2 * plotHeight + between + 40;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...legend(measurements),
    ...latencyAxis(top, mostMs),
    ...percentileAxis(),
    ...measurements.map((measurement, i) => byPercentile(measurement, colourOf(i), mostMs)),
    ...latencyAxis(top + plotHeight + between, mostMs),
    ...timeAxis(measurements),
    ...measurements.map((measurement, i) =>
      byTime(measurement, { colour: colourOf(i), mostMs, spanMs: spanOf(measurements) })
    ),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

function colourOf(i: number): string {
  return colours[i % colours.length] ?? "#000";
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

function text(x: number, y: number, words: string, attributes = ""): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escape(words)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, colour = "#d0d7de"): string {
  const at = [x1, y1, x2, y2].map((value) => value.toFixed(1));
  return `<line x1="${at[0]}" y1="${at[1]}" x2="${at[2]}" y2="${at[3]}" stroke="${colour}"/>`;
}

function legend(measurements: readonly RateMeasurement[]): string[] {
  return measurements.map(({ row }, i) =>
    text(
      left + (i % 3) * 280,
      14 + Math.floor(i / 3) * 14,
      `■ ${row.scenario}, ${row.target}, ${row.perSecond.toFixed(0)}/s`,
      `fill="${colourOf(i)}"`,
    )
  );
}

function y(plotTop: number, latencyMs: number, mostMs: number): number {
  const share = Math.log(Math.max(latencyMs, leastMs) / leastMs) / Math.log(mostMs / leastMs);
  return plotTop + plotHeight * (1 - share);
}

function latencyAxis(plotTop: number, mostMs: number): string[] {
  const lines: string[] = [];
  for (let latency = leastMs; latency <= mostMs; latency *= 10) {
    const at = y(plotTop, latency, mostMs);
    lines.push(line(left, at, width - right, at));
    lines.push(text(left - 6, at + 4, `${Number(latency.toPrecision(1))} ms`, `text-anchor="end"`));
  }
  return lines;
}

/** Equal room for each nine. */
function xOfPercentile(fraction: number): number {
  const nines = Math.log10(1 / (1 - fraction));
  return left + (width - left - right) * Math.min(1, nines / 5);
}

function percentileAxis(): string[] {
  const bottom = top + plotHeight;
  return percentiles.flatMap((fraction) => {
    const at = xOfPercentile(fraction);
    const label = `p${Number((fraction * 100).toFixed(3))}`;
    return [line(at, top, at, bottom), text(at, bottom + 16, label, `text-anchor="middle"`)];
  });
}

function byPercentile({ rounds }: RateMeasurement, colour: string, mostMs: number): string {
  const sorted = Float64Array.from(rounds.flatMap(({ latenciesMs }) => latenciesMs)).sort();
  const points: string[] = [];
  for (let nines = 0; nines <= 5; nines += 0.02) {
    const fraction = 1 - 10 ** -nines;
    // Beyond the last request there is nothing that could be told.
    if (sorted.length * (1 - fraction) < 1) break;
    const at = y(top, sortedPercentile(sorted, fraction), mostMs);
    points.push(`${xOfPercentile(fraction).toFixed(1)},${at.toFixed(1)}`);
  }
  return `<polyline points="${
    points.join(" ")
  }" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
}

function spanOf(measurements: readonly RateMeasurement[]): number {
  const ends = measurements.flatMap(({ rounds }) => rounds.map(({ elapsedMs }) => elapsedMs));
  return Math.max(1, ...ends);
}

function timeAxis(measurements: readonly RateMeasurement[]): string[] {
  const bottom = top + 2 * plotHeight + between;
  const spanMs = spanOf(measurements);
  const events = measurements[0]?.row.events ?? [];
  const x = (atMs: number) => left + (width - left - right) * Math.min(1, atMs / spanMs);
  return [
    text(left, bottom + 16, "0 s: longest request of each moment, of all rounds"),
    text(width - right, bottom + 16, `${(spanMs / 1000).toFixed(0)} s`, `text-anchor="end"`),
    ...events.flatMap(({ name, atMs }) => [
      line(x(atMs), bottom - plotHeight, x(atMs), bottom, "#8c959f"),
      text(x(atMs) + 3, bottom - plotHeight + 10, name, `fill="#57606a"`),
    ]),
  ];
}

function byTime(
  { rounds }: RateMeasurement,
  { colour, mostMs, spanMs }: { colour: string; mostMs: number; spanMs: number },
): string {
  const plotTop = top + plotHeight + between;
  const longest = new Float64Array(slices);
  for (const { dueMs, latenciesMs } of rounds) {
    dueMs.forEach((due, i) => {
      const slice = Math.min(slices - 1, Math.floor(due / spanMs * slices));
      longest[slice] = Math.max(longest[slice] ?? 0, latenciesMs[i] ?? 0);
    });
  }
  const points = [...longest].map((latency, i) => {
    const at = left + (width - left - right) * (i + 0.5) / slices;
    return `${at.toFixed(1)},${y(plotTop, latency, mostMs).toFixed(1)}`;
  });
  return `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}"/>`;
}
