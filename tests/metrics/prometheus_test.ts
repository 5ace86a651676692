import { strict as assert } from "node:assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Cluster, eventually, type NodeProcess } from "../cluster/harness.ts";
import { takePort } from "../ports.ts";
import { run, testWith } from "./outside_program.ts";

const rules = fileURLToPath(new URL("../../docs/monitoring/alerts.yml", import.meta.url));
const ruleTests = fileURLToPath(new URL("alerts_test.yml", import.meta.url));

testWith("promtool", "promtool finds nothing wrong with the alert rules", async () => {
  const { success, output } = await run("promtool", ["check", "rules", rules]);
  assert.ok(success, output);
});

testWith("promtool", "promtool sees the alerts come, and not come, when they should", async () => {
  const { success, output } = await run("promtool", ["test", "rules", ruleTests]);
  assert.ok(success, output);
});

/** A real Prometheus that looks at the nodes every second; ends it when the work is done. */
async function withPrometheus(
  nodes: readonly NodeProcess[],
  work: (ask: (path: string) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "raftlite-test-" });
  const targets = nodes.map(({ httpPort }) => `"127.0.0.1:${httpPort}"`).join(", ");
  const configuration = `
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: ["${rules}"]
scrape_configs:
  - job_name: raftlite
    basic_auth: { username: watcher, password: secret }
    static_configs: [{ targets: [${targets}] }]
`;
  await Deno.writeTextFile(join(directory, "prometheus.yml"), configuration);
  const address = `127.0.0.1:${takePort()}`;
  const child = new Deno.Command("prometheus", {
    args: [
      `--config.file=${join(directory, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(directory, "data")}`,
      `--web.listen-address=${address}`,
    ],
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await work(async (path) => {
      const response = await fetch(`http://${address}/api/v1/${path}`);
      const text = await response.text();
      assert.equal(response.status, 200, text);
      return JSON.parse(text).data;
    });
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await Deno.remove(directory, { recursive: true });
  }
}

interface Vector {
  readonly result: readonly { readonly value: readonly [number, string] }[];
}

interface RuleGroups {
  readonly groups: readonly { readonly rules: readonly { readonly health: string }[] }[];
}

testWith(
  "prometheus",
  "a real Prometheus reads a cluster's metrics, as a user who may",
  async () => {
    const users = await Deno.makeTempFile({ prefix: "raftlite-test-" });
    await Deno.writeTextFile(
      users,
      JSON.stringify([
        { username: "watcher", password: "secret", perms: ["status"] },
        { username: "*", perms: ["execute", "query", "ready", "join", "leader-ops"] },
      ]),
    );
    await using cluster = await Cluster.start({ size: 3, flags: ["-auth", users] });
    const [node] = cluster.nodes;
    assert(node !== undefined);
    await node.execute(["CREATE TABLE t (x)"]);
    await node.execute(["INSERT INTO t VALUES (1)"]);
    assert.equal((await node.fetch("/metrics")).status, 401);
    await withPrometheus(cluster.nodes, async (ask) => {
      const value = async (query: string) => {
        const { result } = await ask(`query?query=${encodeURIComponent(query)}`) as Vector;
        return result[0] === undefined ? undefined : Number(result[0].value[1]);
      };
      const becomes = (query: string, wanted: number) =>
        eventually(`${query} to be ${wanted}`, async () => await value(query) === wanted);
      await becomes('sum(up{job="raftlite"})', 3);
      await becomes("count(raftlite_raft_role{role='leader'} == 1)", 1);
      await becomes("count(raftlite_raft_peer_lag_entries == 0)", 2);
      await becomes("max(raftlite_raft_commit_index) == bool min(raftlite_raft_applied_index)", 1);
      await becomes("sum(raftlite_http_requests_total{route='/db/execute',code='200'})", 2);
      const applied = "sum(raftlite_write_stage_duration_seconds_count{stage='apply'})";
      await becomes(`${applied} > bool 5`, 1);
      await eventually("Prometheus to have looked at every rule", async () => {
        const { groups } = await ask("rules") as RuleGroups;
        return groups[0]?.rules.every(({ health }) => health === "ok");
      });
    });
    await Deno.remove(users);
  },
);
