import assert from "node:assert/strict";
import { Histogram } from "../../src/base/histogram.ts";
import type { Family } from "../../src/metrics/families.ts";
import { metricData } from "../../src/metrics/otlp/metric_data.ts";

const help = "What it is";

function named(name: string, type: "counter" | "gauge" = "gauge"): string[] {
  const family: Family = { name, help, type, samples: [] };
  const [data] = metricData([family], 0, 0);
  return [data?.descriptor.name ?? "", data?.descriptor.unit ?? ""];
}

Deno.test("metricData() gives names from which Prometheus' own come out again", () => {
  assert.deepEqual(named("raftlite_raft_term"), ["raftlite.raft_term", ""]);
  assert.deepEqual(named("raftlite_wal_size_bytes"), ["raftlite.wal_size", "By"]);
  assert.deepEqual(named("process_cpu_seconds_total", "counter"), ["process.cpu", "s"]);
  assert.deepEqual(named("raftlite_http_requests_total", "counter"), [
    "raftlite.http_requests",
    "",
  ]);
});

Deno.test("metricData() gives counters, gauges and histograms with their times", () => {
  const histogram = new Histogram([1, 2]);
  histogram.observe(1.5, 3);
  const labels = { route: "/x" };
  const families: Family[] = [
    { name: "a_total", help, type: "counter", samples: [{ labels, value: 5 }] },
    { name: "b", help, type: "gauge", samples: [{ value: 7 }] },
    { name: "c_seconds", help, type: "histogram", samples: [{ labels, value: histogram }] },
  ];
  const times = { startTime: [1, 500_000_000], endTime: [2, 0] };
  const [a, b, c] = metricData(families, 1500, 2000);
  assert.deepEqual(a?.dataPoints, [{ ...times, attributes: labels, value: 5 }]);
  assert.deepEqual(a, { ...a, isMonotonic: true, aggregationTemporality: 1 });
  assert.deepEqual(b?.dataPoints, [{ ...times, attributes: {}, value: 7 }]);
  assert.deepEqual(c?.dataPoints, [{
    ...times,
    attributes: labels,
    value: { buckets: { boundaries: [1, 2], counts: [0, 3, 0] }, sum: 4.5, count: 3 },
  }]);
});
