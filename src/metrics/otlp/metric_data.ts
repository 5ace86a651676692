import { AggregationTemporality, DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";
import type { Histogram } from "../../base/histogram.ts";
import type { Family } from "../families.ts";

/** OpenTelemetry's ValueType.DOUBLE. */
const double = 1;

/**
 * Families as OpenTelemetry has metrics. A name loses what there is a place of its own for, the unit
 * and `_total`, and its first `_` is a point: where a collector hands them on to Prometheus, the
 * names of /metrics come out again.
 */
export function metricData(
  families: readonly Family[],
  startedAtMs: number,
  nowMs: number,
): MetricData[] {
  const times = { startTime: timeOf(startedAtMs), endTime: timeOf(nowMs) };
  return families.map((family): MetricData => {
    const descriptor = { ...nameOf(family.name), description: family.help, valueType: double };
    const common = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE };
    if (family.type === "histogram") {
      const dataPoints = family.samples.map(({ labels = {}, value }) => {
        return { ...times, attributes: labels, value: histogramValue(value) };
      });
      return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints };
    }
    const dataPoints = family.samples.map(({ labels = {}, value }) => {
      return { ...times, attributes: labels, value };
    });
    return family.type === "counter"
      ? { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
      : { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
  });
}

function histogramValue({ bounds, counts, sum, count }: Histogram) {
  return { buckets: { boundaries: [...bounds], counts: [...counts] }, sum, count };
}

const units = { _seconds: "s", _bytes: "By" } as const;

function nameOf(name: string): { readonly name: string; readonly unit: string } {
  const plain = name.replace(/_total$/, "").replace("_", ".");
  for (const [ending, unit] of Object.entries(units)) {
    if (plain.endsWith(ending)) return { name: plain.slice(0, -ending.length), unit };
  }
  return { name: plain, unit: "" };
}

function timeOf(ms: number): [seconds: number, nanoseconds: number] {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
