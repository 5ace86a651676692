import { strict as assert } from "node:assert";
import { join } from "node:path";
import { clusterFindings } from "../../src/cli/doctor/cluster_findings.ts";
import {
  freeSpaceFinding,
  gradeSync,
  kindFinding,
} from "../../src/http/findings/machine_findings.ts";
import type { Finding } from "../../src/http/findings/finding.ts";
import { histogramQuantile, type NodeReport } from "../../src/cli/doctor/node_report.ts";
import { StatusTree } from "../../src/http/findings/status_tree.ts";
import { Cluster, eventually } from "../cluster/harness.ts";
import { withDirectory } from "../directory.ts";
import { runProgram } from "./shell_program.ts";

function doctor(...args: string[]) {
  return runProgram(["doctor", ...args], "");
}

/** What a node in good health says, and its exceptions. */
function report(id: string, own: Partial<NodeReport> = {}, status: object = {}): NodeReport {
  const healthy = {
    store: {
      ...{ health: "ok", ready: true, heartbeat_timeout: "1s", cluster_id: "c" },
      raft: { commit_index: 9, applied_index: 9 },
      file_system: { kind: "ext4", free_bytes: 5e10, total_bytes: 1e11 },
    },
    os: { open_files_max: 65536 },
  };
  return {
    ...{ id, address: `http://${id}:4001`, voter: true, leader: id === "a" },
    status: new StatusTree({ ...healthy, ...status }),
    clock: { aheadMs: 1, errorMs: 2 },
    ...own,
  };
}

function faults(findings: readonly Finding[]): string[] {
  return findings.filter(({ grade }) => grade !== "ok").map(({ grade, subject, text, advice }) => {
    assert(advice !== undefined, `${text}: without advice`);
    return `${grade} ${subject}: ${text}`;
  });
}

Deno.test("a cluster in good health gives nothing to change", () => {
  assert.deepEqual(faults(clusterFindings(["a", "b", "c"].map((id) => report(id)))), []);
});

Deno.test("the doctor sees a cluster that would not outlast the next loss", () => {
  const gone = report("c", { failure: "connection refused" });
  assert.deepEqual(faults(clusterFindings([report("a"), report("b"), gone])), [
    "problem : 2 of 3 voters answer, 2 are needed",
    "problem node c: does not answer at http://c:4001: connection refused",
  ]);
  assert.deepEqual(faults(clusterFindings([report("a"), report("b")])), [
    "warning : there are 2 voters",
    "problem : 2 of 2 voters answer, 2 are needed",
  ]);
  assert.deepEqual(faults(clusterFindings([report("a")])), ["warning : there is one voter"]);
  const headless = ["a", "b", "c"].map((id) => report(id, { leader: false }));
  assert.deepEqual(faults(clusterFindings(headless)), ["problem : no node leads"]);
});

Deno.test("the doctor sees clocks that are off, beyond what the network may hide", () => {
  const ofClocks = (...clocks: readonly [aheadMs: number, errorMs: number][]) =>
    faults(
      clusterFindings(clocks.map(([aheadMs, errorMs], place) =>
        report("abc"[place] ?? "", { clock: { aheadMs, errorMs } })
      )),
    );
  assert.deepEqual(ofClocks([-700, 300], [499, 1], [0, 5]), []);
  assert.deepEqual(ofClocks([-700, 100], [20_000, 5], [0, 5]), [
    "warning node a: its clock is 700 ms behind this machine's, give or take 100 ms",
    "problem node b: its clock is 20000 ms ahead of this machine's, give or take 5 ms",
  ]);
});

Deno.test("the doctor sees flags that differ, and what goes on failing", () => {
  const other = report("b", {}, {
    store: { ...{ health: "ok", ready: true, heartbeat_timeout: "3s", cluster_id: "c" } },
    auto_backups: { failing: { times: 3, error: "403 from the store" } },
    http: { tls: { certificate: { ends: "2001-01-01T00:00:00.000Z" } } },
    runtime: { event_loop: { longest_turn_last_minute_ms: 900 } },
  });
  assert.deepEqual(faults(clusterFindings([report("a"), other, report("c")])), [
    'warning : the heartbeat timeout differs: "1s" on a, c; "3s" on b',
    "warning node b: its main thread was busy for 900 ms at most within the last minute",
    "problem node b: its certificate for HTTPS ends 2001-01-01T00:00:00.000Z",
    "problem node b: backups fail: 403 from the store",
  ]);
});

Deno.test("the doctor warns of a certificate that nobody has renewed in time, however short it is", () => {
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
  const ofCertificate = (begins: number | undefined, ends: number) => {
    const certificate = {
      ends: inDays(ends),
      ...(begins === undefined ? {} : { begins: inDays(begins) }),
    };
    const nodes = ["a", "b", "c"].map((id) => report(id, {}, { mux: { certificate } }));
    return clusterFindings(nodes).filter(({ grade }) => grade !== "ok").length / nodes.length;
  };
  // Those of -node-auto-tls live 30 days, and are made again when 10 are left.
  assert.deepEqual([29.9, 11, 9].map((left) => ofCertificate(left - 31, left)), [0, 0, 0]);
  assert.equal(ofCertificate(-25, 6), 1);
  assert.deepEqual([31, 29].map((left) => ofCertificate(left - 398, left)), [0, 1]);
  // A release that does not say when it began.
  assert.deepEqual([31, 29].map((left) => ofCertificate(undefined, left)), [0, 1]);
});

Deno.test("the doctor knows disks that do not keep what they take, are full, or slow", () => {
  const grade = (finding: Finding | undefined) => finding?.grade;
  assert.deepEqual(
    ["ext4", "xfs", "nfs4", "cifs", "fuse.sshfs", "tmpfs", "overlay"]
      .map((kind) => grade(kindFinding("d", kind))),
    ["ok", "ok", "problem", "problem", "problem", "problem", "warning"],
  );
  assert.equal(kindFinding("d", undefined), undefined);
  const free = (freeBytes: number, databaseBytes: number) =>
    freeSpaceFinding("d", { freeBytes, totalBytes: 1e12, databaseBytes }).grade;
  assert.deepEqual([free(2e9, 0), free(2e9, 3e9), free(2e8, 3e9)], ["ok", "warning", "problem"]);
  assert.deepEqual([1, 10, 11, 101].map((ms) => gradeSync("d", ms, "").grade), [
    ...["ok", "ok", "warning", "problem"],
  ]);
});

Deno.test("a quantile is the bound of the bucket that it lies in, and needs enough counts", () => {
  const text = (counts: readonly number[]) =>
    ["0.001", "0.01", "+Inf"].map((le, place) =>
      `x_seconds_bucket{stage="sync",le="${le}"} ${counts[place]}`
    ).join("\n");
  const p99 = (...counts: number[]) =>
    histogramQuantile(text(counts), { name: "x_seconds", labels: 'stage="sync"', fraction: 0.99 });
  assert.deepEqual([p99(199, 200, 200), p99(100, 200, 200), p99(0, 0, 200), p99(9, 9, 9)], [
    ...[0.001, 0.01, Infinity, undefined],
  ]);
});

Deno.test("doctor looks at a directory, and leaves nothing behind", () =>
  withDirectory(async (directory) => {
    const all = await doctor(directory, join(directory, "not", "there"));
    assert.match(all.stdout, / holds no node's data\n/, all.stderr);
    assert.match(all.stdout, new RegExp(` is not there yet: looked at ${directory}\n`));
    assert.match(all.stdout, / a sync takes [\d.]+ ms in the middle, [\d.]+ ms at p99/);
    assert.match(all.stdout, / of [\d.]+ .B are free\n/);
    assert.match(all.stdout, /\d+ ok, \d+ warnings?, \d+ problems?\n$/);
    assert.deepEqual([...Deno.readDirSync(directory)], []);
    const file = join(directory, "file");
    await Deno.writeTextFile(file, "");
    const ofFile = await doctor("-json", file);
    assert.equal(ofFile.code, 1);
    assert.equal(JSON.parse(ofFile.stdout)[0].text, `${file} is a file`);
    await Deno.writeTextFile(join(directory, "raft.db"), "rqlite's log");
    const ofOther = await doctor("-json", directory);
    assert.equal(JSON.parse(ofOther.stdout)[0].text, `${directory} is rqlite's data directory`);
  }));

Deno.test("doctor asks all nodes of a cluster by any of them, and says which is gone", async () => {
  await using cluster = await Cluster.start({ size: 3 });
  const leader = await cluster.leader();
  await leader.execute(["CREATE TABLE t (a)"]);
  const [first, last] = cluster.nodes.filter((node) => node !== leader);
  assert(first && last);
  await eventually("three voters", async () => {
    const { nodes } = JSON.parse((await leader.fetch("/nodes?ver=2")).body);
    return nodes.filter(({ voter }: { voter: boolean }) => voter).length === 3;
  });
  const all = await doctor("-json", first.url);
  const findings: Finding[] = JSON.parse(all.stdout);
  const texts = findings.map(({ subject, text }) => `${subject}: ${text}`);
  assert(texts.includes(`: node ${leader.id} leads`), texts.join("\n"));
  assert(texts.includes(": 3 of 3 voters answer, 2 are needed"));
  assert(texts.some((text) => text.startsWith(": all nodes that answer agree on: raftlite's")));
  for (const { id } of cluster.nodes) {
    for (
      const what of [/ is ready$/, / its clock is this machine's, /, / are free$/, / files may be/]
    ) {
      assert(
        texts.some((text) => text.startsWith(`node ${id}: `) && what.test(text)),
        String(what),
      );
    }
  }
  await last.kill();
  const less = await doctor("-quiet", first.url);
  assert.equal(less.code, 1);
  assert.match(less.stdout, /problem 2 of 3 voters answer, 2 are needed/);
  assert.match(
    less.stdout,
    new RegExp(`node ${last.id}\n  problem does not answer at ${last.raftAddress}: the node that`),
  );
});

Deno.test("doctor explains itself, and says what is wrong with what it is given", async () => {
  const help = await doctor("-help");
  assert.equal(help.code, 0);
  assert.match(help.stdout, /^Usage: raftlite doctor \[flags\] DIR\|URL/);
  assert.equal((await doctor()).code, 2);
  const secret = await doctor("http://ops:hidden@127.0.0.1:1");
  assert.equal(secret.code, 2);
  assert.match(secret.stderr, /holds a user or password/);
  assert.doesNotMatch(secret.stderr, /hidden/);
  const nobody = await doctor("http://127.0.0.1:1");
  assert.equal(nobody.code, 1);
  assert.match(nobody.stdout, /problem /);
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  const wrongPath = await doctor(`${node?.url}/db/query?q=SELECT+1`);
  assert.match(wrongPath.stdout, /there is one voter/);
});
