/**
 * Pushes to a real collector of OpenTelemetry, made of its published Go modules: `deno task
 * test:otlp`. Without Go it is left out, and says so. Ends with `N passed, N failed`.
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { print } from "../../../src/cli/output.ts";
import { commandLine } from "../../../tools/command_line.ts";
import { Cluster, eventually } from "../../cluster/harness.ts";
import { takePort } from "../../ports.ts";

const release = "v0.165.0";
const modules = [
  "go.opentelemetry.io/collector/otelcol",
  "go.opentelemetry.io/collector/receiver/otlpreceiver",
  "go.opentelemetry.io/collector/service",
  "github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter",
];
const traceId = "0af7651916cd43dd8448eb211c80319c";

async function go(cwd: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("go", { args, cwd, stdout: "null" }).output();
  if (!success) throw new Error(`go ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

async function build(directory: string): Promise<string> {
  const source = fileURLToPath(new URL("main.go", import.meta.url));
  await Deno.copyFile(source, join(directory, "main.go"));
  await go(directory, "mod", "init", "collector");
  await go(directory, "get", ...modules.map((module) => `${module}@${release}`));
  await go(directory, "build", "-mod=mod", "-o", "collector", ".");
  return join(directory, "collector");
}

interface Spans {
  readonly name: string;
  readonly traceId: string;
}

/** What the collector has taken so far. */
async function taken(path: string): Promise<{ metrics: Set<string>; spans: Spans[] }> {
  const metrics = new Set<string>();
  const spans: Spans[] = [];
  const text = await Deno.readTextFile(path).catch(() => "");
  for (const line of text.split("\n").slice(0, -1)) {
    const { resourceMetrics = [], resourceSpans = [] } = JSON.parse(line);
    for (const { scopeMetrics } of resourceMetrics) {
      for (const { metrics: several } of scopeMetrics) {
        for (const { name } of several) metrics.add(name);
      }
    }
    for (const { scopeSpans } of resourceSpans) {
      for (const { spans: several } of scopeSpans) spans.push(...several);
    }
  }
  return { metrics, spans };
}

async function pushes(collector: string, directory: string, protocol: string): Promise<void> {
  const endpoint = `127.0.0.1:${takePort()}`;
  const out = join(directory, `${protocol}.jsonl`);
  const configuration = join(directory, `${protocol}.yaml`);
  await Deno.writeTextFile(
    configuration,
    `receivers: { otlp: { protocols: { ${protocol}: { endpoint: "${endpoint}" } } } }
exporters: { file: { path: "${out}", flush_interval: 100ms } }
service:
  telemetry: { metrics: { level: none } }
  pipelines:
    metrics: { receivers: [otlp], exporters: [file] }
    traces: { receivers: [otlp], exporters: [file] }
`,
  );
  const child = new Deno.Command(collector, {
    args: ["--config", configuration],
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    const flags = ["-otlp-endpoint", endpoint, `-otlp-protocol=${protocol}`];
    flags.push("-otlp-insecure", "-otlp-interval=1s");
    await using cluster = await Cluster.start({ size: 2, flags });
    const [first] = cluster.nodes;
    const leader = await eventually("a leader", () => first?.leaderId());
    const follower = cluster.nodes.find(({ id }) => id !== leader);
    assert(follower !== undefined);
    await follower.fetch("/db/execute", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "traceparent": `00-${traceId}-b7ad6b7169203331-01`,
      },
      body: '["CREATE TABLE t (x)"]',
    });
    await eventually("metrics and spans of both nodes", async () => {
      const { metrics, spans } = await taken(out);
      const names = spans.filter((span) => span.traceId === traceId).map(({ name }) => name);
      return metrics.has("raftlite.raft_term") && metrics.has("raftlite.write_stage_duration") &&
        ["POST /db/execute", "forward", "write at the leader", "wait", "sync", "replicate", "apply"]
          .every((name) => names.includes(name));
    });
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

const usage = `Usage: deno task test:otlp

Builds a collector of OpenTelemetry, and pushes metrics and traces to it. Needs Go.`;

async function main(): Promise<number> {
  commandLine(usage, {});
  try {
    new Deno.Command("go", { args: ["version"], stdout: "null" }).outputSync();
  } catch {
    print("left out: there is no go\n0 passed, 0 failed\n");
    return 0;
  }
  const directory = await Deno.makeTempDir({ prefix: "raftlite-test-" });
  let failed = 0;
  try {
    const collector = await build(directory);
    for (const protocol of ["grpc", "http"]) {
      try {
        await pushes(collector, directory, protocol);
        print(`a real collector takes metrics and spans by ${protocol}: ok\n`);
      } catch (error) {
        failed++;
        print(`a real collector takes metrics and spans by ${protocol}: ${error}\n`);
      }
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  print(`${2 - failed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

Deno.exit(await main());
