import assert from "node:assert/strict";
import { Histogram } from "../../src/base/histogram.ts";
import type { Family } from "../../src/metrics/families.ts";
import { prometheusText } from "../../src/metrics/prometheus_text.ts";

function families(): Family[] {
  const histogram = new Histogram([0.5, 1]);
  histogram.observe(0.25, 2);
  histogram.observe(3);
  return [
    { name: "x_total", help: "How often", type: "counter", samples: [{ value: 2 }] },
    {
      name: "y_bytes",
      help: "How much",
      type: "gauge",
      samples: [{ labels: { of: 'a"\\\n' }, value: 1.5 }],
    },
    {
      name: "z_seconds",
      help: "How long",
      type: "histogram",
      samples: [{ labels: { of: "a" }, value: histogram }],
    },
  ];
}

const rest = `# HELP y_bytes How much
# TYPE y_bytes gauge
y_bytes{of="a\\"\\\\\\n"} 1.5
# HELP z_seconds How long
# TYPE z_seconds histogram
z_seconds_bucket{of="a",le="0.5"} 2
z_seconds_bucket{of="a",le="1"} 2
z_seconds_bucket{of="a",le="+Inf"} 3
z_seconds_sum{of="a"} 3.5
z_seconds_count{of="a"} 3
`;

Deno.test("prometheusText() writes Prometheus' text format", async () => {
  const { contentType, text } = await prometheusText(families(), null);
  assert.equal(contentType, "text/plain; version=0.0.4; charset=utf-8");
  const first = "# HELP x_total How often\n# TYPE x_total counter\nx_total 2\n";
  assert.equal(text.replaceAll("\n\n", "\n"), first + rest);
});

Deno.test("prometheusText() writes OpenMetrics", async () => {
  const { contentType, text } = await prometheusText(families(), "application/openmetrics-text");
  assert.equal(contentType, "application/openmetrics-text; version=1.0.0; charset=utf-8");
  const first = "# HELP x How often\n# TYPE x counter\nx_total 2\n";
  assert.equal(text, first + rest + "# EOF\n");
});

Deno.test("prometheusText() gives OpenMetrics to who would rather have it", async () => {
  const plain = [
    null,
    "",
    "*/*",
    "text/plain",
    "application/openmetrics-text;q=0.4,text/plain;q=0.5",
    "application/openmetrics-text;q=0",
    "application/openmetrics-text;version=2.0.0",
  ];
  // The second is Prometheus' own.
  const open = [
    "application/openmetrics-text; version=1.0.0",
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75," +
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
  ];
  for (const accept of plain) {
    const { contentType } = await prometheusText([], accept);
    assert.match(contentType, /^text\/plain/, String(accept));
  }
  for (const accept of open) {
    const { contentType } = await prometheusText([], accept);
    assert.match(contentType, /^application\/openmetrics-text/, accept);
  }
});
