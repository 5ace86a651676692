import { type Metric, Registry, type RegistryContentType } from "prom-client";
import type { Histogram } from "../base/histogram.ts";
import type { Family, Labels, Sample } from "./families.ts";

export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

interface Line {
  readonly labels: Labels;
  readonly value: number;
  readonly metricName?: string;
}

/** The families as a text for Prometheus; as OpenMetrics when whoever asks takes that. */
export async function prometheusText(
  families: readonly Family[],
  accept: string | null,
): Promise<MetricsText> {
  const contentType = takesOpenMetrics(accept)
    ? Registry.OPENMETRICS_CONTENT_TYPE
    : Registry.PROMETHEUS_CONTENT_TYPE;
  const registry = new Registry<RegistryContentType>();
  registry.setContentType(contentType);
  for (const family of families) {
    const { name, help, type } = family;
    const values = type === "histogram"
      ? family.samples.flatMap((sample) => histogramLines(name, sample))
      : family.samples.map(({ labels = {}, value }): Line => ({ labels, value }));
    // All that the registry asks of a metric; but its types name only the library's own classes,
    // which count for themselves.
    // It gives counters their name anew for OpenMetrics.
    const metric = {
      name,
      type,
      get() {
        return Promise.resolve({ name: this.name, help, type, values });
      },
    };
    registry.registerMetric(metric as unknown as Metric);
  }
  return { contentType, text: await registry.metrics() };
}

function histogramLines(name: string, { labels = {}, value }: Sample<Histogram>): Line[] {
  const lines: Line[] = [];
  let count = 0;
  value.bounds.forEach((bound, at) => {
    count += value.counts[at] ?? 0;
    lines.push({
      labels: { ...labels, le: String(bound) },
      value: count,
      metricName: `${name}_bucket`,
    });
  });
  count += value.counts[value.bounds.length] ?? 0;
  lines.push({ labels: { ...labels, le: "+Inf" }, value: count, metricName: `${name}_bucket` });
  lines.push({ labels, value: value.sum, metricName: `${name}_sum` });
  lines.push({ labels, value: count, metricName: `${name}_count` });
  return lines;
}

/** Whether OpenMetrics is named with a weight, and not a lower one than the plain text's. */
function takesOpenMetrics(accept: string | null): boolean {
  const weights = new Map<string, number>();
  for (const part of (accept ?? "").split(",")) {
    const [type = "", ...parameters] = part.split(";").map((each) => each.trim());
    const weight = parameters.find((each) => each.startsWith("q="))?.slice(2) ?? "1";
    const version = parameters.find((each) => each.startsWith("version="))?.slice(8);
    if (type === openMetrics && version !== undefined && version !== "1.0.0") continue;
    weights.set(type, Math.max(weights.get(type) ?? 0, Number(weight)));
  }
  const wanted = weights.get(openMetrics) ?? 0;
  return wanted > 0 && wanted >= (weights.get("text/plain") ?? 0);
}

const openMetrics = "application/openmetrics-text";
