import { strict as assert } from "node:assert";
import { findLibrary, openLibrary, takeProfile } from "../../src/sqlite/mod.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

const location = await findLibrary();
const here = await takeProfile(openLibrary(location));
const flag = "-allow-sqlite-mismatch";

/** What a node is started with to have another SQLite than the rest; undefined where there is no other. */
const other = await (async () => {
  const env = { DENO_SQLITE_PATH: "libsqlite3.so.0" };
  try {
    const theirs = await takeProfile(openLibrary({ path: env.DENO_SQLITE_PATH, origin: "system" }));
    return theirs.version === here.version ? undefined : { env, version: theirs.version };
  } catch {
    return undefined;
  }
})();

interface Mismatch {
  readonly node_id: string;
  readonly refused: boolean;
  readonly differences: readonly string[];
}

async function mismatches(node: NodeProcess): Promise<Mismatch[]> {
  return JSON.parse((await node.fetch("/status?key=store.sqlite3.mismatches")).body);
}

/** A test that needs two versions of SQLite on this machine. */
function test(name: string, body: (other: { env: Record<string, string> }) => Promise<void>): void {
  Deno.test(name, () => {
    if (other !== undefined) return body(other);
    console.log(`Not tried: no SQLite but ${here.version} is on this machine (libsqlite3.so.0)`);
    return Promise.resolve();
  });
}

test("a node with another SQLite is not let in, and ends saying why; a learner neither", async ({ env }) => {
  await using cluster = await Cluster.start({ size: 1 });
  const [first] = cluster.nodes;
  assert(first);
  for (const flags of [[], ["-raft-non-voter"]]) {
    const node = cluster.create(flags);
    node.start(["-join", first.raftAddress], env);
    assert.equal((await node.exited()).code, 1);
    await node.logs(
      new RegExp(
        `fatal: Join refused: .*node ${node.id} \\(here\\) and of node ${first.id} at .* differ.*` +
          `version ${other?.version} here, ${here.version} there.*other results in .*text to number.*${flag}`,
      ),
    );
    assert.doesNotMatch(node.log, /other results in .*mathematical functions/);
    await first.logs(new RegExp(`ERROR \\[sqlite\\] .*node ${node.id} at .* differ`));
  }
  const members = JSON.parse((await first.fetch("/nodes?nonvoters")).body);
  assert.deepEqual(Object.keys(members), [first.id]);
  assert.deepEqual(await mismatches(first), []);
});

test("a member that comes back with another SQLite takes no part, and says so; the flag permits it", async ({ env }) => {
  await using cluster = await Cluster.start();
  await cluster.nodes[0]?.execute(["CREATE TABLE t(x)", "INSERT INTO t VALUES (1)"]);
  await cluster.converged(["SELECT x FROM t"]);
  const node = await cluster.follower();
  const rest = cluster.nodes.filter((each) => each !== node);
  await node.kill("SIGTERM");
  node.start([], env);
  await eventually("the node to say that it is cut off", async () => {
    const { status, body } = await node.fetch("/readyz");
    return status === 503 &&
      rest.every(({ id }) =>
        body.includes(`[-]sqlite of node ${id} at`) && /is another, refused: version/.test(body)
      );
  });
  await rest[0]?.execute(["INSERT INTO t VALUES (2)"]);
  assert.deepEqual(await node.query("SELECT x FROM t", "none"), [[1]]);
  for (const each of rest) {
    await eventually("the others to name it", async () => {
      const [mismatch] = await mismatches(each);
      return mismatch?.node_id === node.id && mismatch.refused;
    });
    assert.equal((await each.fetch("/readyz")).status, 200);
  }
  const write = await node.fetch("/db/execute?timeout=1s", {
    method: "POST",
    body: '["INSERT INTO t VALUES (3)"]',
  });
  assert.equal(write.status, 503);

  // The flag of one end is enough: the others need not be started anew before an upgrade.
  await node.kill("SIGTERM");
  node.start([flag], env);
  await node.ready();
  assert.deepEqual(await node.query("SELECT x FROM t"), [[1], [2]]);
  await node.execute(["INSERT INTO t VALUES (4)"]);
  assert.match((await node.fetch("/readyz")).body, /\[-\]sqlite of node .* is another, permitted/);
  await node.logs(new RegExp(`WARN {2}\\[sqlite\\] .* differ, which ${flag} permits`));
  for (const each of rest) {
    await eventually(
      "the others to say that it is permitted",
      async () =>
        (await mismatches(each)).some(({ node_id, refused }) => node_id === node.id && !refused),
    );
  }

  // With the same SQLite again nothing of it is left.
  await node.kill("SIGTERM");
  node.start();
  await node.ready();
  await cluster.converged(["SELECT x FROM t ORDER BY x"]);
  for (const each of cluster.nodes) {
    await eventually("no mismatch", async () => (await mismatches(each)).length === 0);
    assert.doesNotMatch((await each.fetch("/readyz")).body, /sqlite/);
  }
});

test("nodes with two versions of SQLite form no cluster, and the log says why", async ({ env }) => {
  await using cluster = await Cluster.start({ size: 0 });
  const nodes = [cluster.create(), cluster.create()] as const;
  const flags = [
    ...["-bootstrap-expect", "2", "-bootstrap-expect-timeout", "20s"],
    ...["-join", nodes.map(({ raftAddress }) => raftAddress).join(",")],
  ];
  nodes[0].start(flags);
  nodes[1].start(flags, env);
  for (const node of nodes) {
    assert.equal((await node.exited()).code, 1);
    await node.logs(/ERROR \[sqlite\] SQLite of node .* differ, so they exchange nothing/);
    await node.logs(/fatal: No cluster of 2 nodes came together/);
  }
});

Deno.test("nodes whose C libraries give other doubles hold the same ones", async () => {
  // glibc has other code for a processor without FMA. The system's SQLite ranks by its logarithm.
  const env = { GLIBC_TUNABLES: "glibc.cpu.hwcaps=-FMA,-AVX2,-FMA4" };
  const pinned = location.origin === "built";
  await using cluster = await Cluster.start({ size: 1, flags: pinned ? [] : [flag] });
  const [first] = cluster.nodes;
  assert(first);
  const node = cluster.create();
  node.start(["-join", first.raftAddress], env);
  await node.ready();
  const functions = "sin(i * 0.37), cos(i * 0.37), tan(i * 0.37), exp(i * 0.0337), ln(i), " +
    "pow(i, 0.37), atan(i * 0.01), sinh(i * 0.01)";
  await first.execute(
    [
      "CREATE TABLE m(x REAL)",
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) " +
      `INSERT INTO m SELECT f.value FROM n, json_each(json_array(${functions})) AS f`,
    ],
    "timeout=60s",
    180_000,
  );
  await cluster.converged(["SELECT printf('%!.17g', x) FROM m ORDER BY rowid"]);
  if (!pinned) return;
  for (const each of cluster.nodes) assert.deepEqual(await mismatches(each), []);
});
