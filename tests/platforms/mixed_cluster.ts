import { strict as assert } from "node:assert";
import { Prng } from "../../src/base/prng.ts";
import { Cluster, eventually, type ForeignDeno, type NodeProcess } from "../cluster/harness.ts";

/** How long an emulated node may take for anything. */
const patienceMs = 600_000;
/** Its processor is ten to thirty times slower: it must not lose its leader for that alone. */
const flags = ["-raft-heartbeat-timeout", "15s", "-raft-apply-timeout", "120s"];

/** In a row, before all nodes are compared. */
const writes = 15;

/** What processors and C libraries answer differently where nobody sees to it. */
const schema = [
  "CREATE TABLE reals (id INTEGER PRIMARY KEY, x REAL, y REAL, t TEXT)",
  "CREATE TABLE drawn (id INTEGER PRIMARY KEY, r DEFAULT (random()), b DEFAULT (hex(randomblob(9))), at DEFAULT (julianday('now')))",
  "CREATE VIRTUAL TABLE texts USING fts5(body)",
  "CREATE TABLE ranked AS SELECT 0 AS id, 0.0 AS rank LIMIT 0",
  "CREATE VIRTUAL TABLE boxes USING rtree(id, x1, x2, y1, y2)",
  "CREATE TABLE sums (id INTEGER PRIMARY KEY, total, mean, product)",
  "CREATE TRIGGER noted AFTER INSERT ON drawn BEGIN INSERT INTO texts VALUES (new.r || ' ' || new.b || ' ' || strftime('%f', new.at)); END",
];

const mathematics = ["sin", "cos", "tan", "atan", "exp", "ln", "sqrt", "asinh", "tanh", "log2"];

/** One write, drawn from the seed. */
function statements(random: Prng): string[] {
  const real = () =>
    `${random.below(2) ? "-" : ""}${random.below(1e9)}.${random.below(1e9)}e${
      random.below(40) - 20
    }`;
  const name = mathematics[random.below(mathematics.length)];
  const word = () => ["log", "raft", "leader", "term", "vote"][random.below(5)];
  const pick = [
    () =>
      `INSERT INTO reals (x, y, t) VALUES (${real()}, ${name}(abs(${real()})), printf('%.17g %s', '${real()}' + 0, ${name}(${real()})))`,
    () =>
      `INSERT INTO reals (x, y) VALUES (pow(abs(${real()}), 0.37), CAST('${real()}' AS REAL) / ${real()})`,
    () => "INSERT INTO drawn DEFAULT VALUES",
    () => `INSERT INTO texts VALUES ('${word()} ${word()} ${word()} ${word()}')`,
    () =>
      `INSERT INTO ranked SELECT rowid, bm25(texts) FROM texts('${word()}') ORDER BY rank LIMIT 5`,
    () =>
      `INSERT INTO boxes SELECT max(id) + 1, ${real()}, 1e30, x, 1e30 FROM (SELECT id, 0.1 AS x FROM boxes UNION ALL SELECT 0, 0.3)`,
    () => "INSERT INTO sums (total, mean, product) SELECT total(x), avg(y), sum(x * y) FROM reals",
    () =>
      "UPDATE reals SET y = y * 1.1, t = json_object('x', x, 'y', y) WHERE id % 7 = abs(random()) % 7",
    () => "DELETE FROM reals WHERE id IN (SELECT id FROM reals ORDER BY random() LIMIT 1)",
  ];
  return Array.from({ length: 4 }, () => pick[random.below(pick.length)]?.() ?? "");
}

/** SHA-256 of a node's own database, packed anew so that only what is in it counts. */
async function hashOf(node: NodeProcess): Promise<string> {
  const response = await fetch(`${node.url}/db/backup?noleader&vacuum`, {
    signal: AbortSignal.timeout(patienceMs),
  });
  const bytes = await response.arrayBuffer();
  assert.equal(response.status, 200, new TextDecoder().decode(bytes));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function ready(node: NodeProcess): Promise<void> {
  await eventually(() => `${node.id} to be ready\n${node.log}`, async () => {
    return (await node.fetch("/readyz", { timeoutMs: 20_000 })).status === 200;
  }, patienceMs);
}

/** A cluster of this system and another goes through writes, crashes and a change of leader, and stays one. */
export async function runMixedCluster(foreign: ForeignDeno): Promise<void> {
  const seed = BigInt(Deno.env.get("RAFTLITE_SEED") ?? Date.now());
  console.log(`seed ${seed}`);
  const random = new Prng(seed);
  await using cluster = await Cluster.start({ size: 0, flags });
  const [first, second, other] = [cluster.create(), cluster.create(), cluster.create()];
  assert.ok(first && second && other);
  other.foreign = foreign;
  first.start();
  await ready(first);
  second.start(["-join", first.raftAddress]);
  other.start(["-join", first.raftAddress]);
  await Promise.all([ready(second), ready(other)]);
  await first.execute(schema, "", patienceMs);
  const nodes = [first, second, other];
  const someWrites = async () => {
    for (let i = 0; i < writes; i++) {
      const node = nodes[random.below(nodes.length)];
      await node?.execute(statements(random), "transaction&timeout=60s", patienceMs);
    }
  };
  const equal = async (when: string) => {
    const results = await first.query("SELECT count(*) FROM reals", "strong", patienceMs);
    await eventually(() => `the same database on all nodes ${when}`, async () => {
      const hashes = await Promise.all(nodes.map(hashOf));
      assert.deepEqual(new Set(hashes).size, 1, hashes.join(" "));
      return true;
    }, patienceMs);
    console.log(`${when}: ${results[0]?.[0]} rows, one hash`);
  };
  await someWrites();
  await equal("after writes at all nodes");
  await other.kill();
  for (let i = 0; i < writes; i++) await first.execute(statements(random), "transaction");
  other.start();
  await ready(other);
  await equal("after a crash of the other system's node");
  // On a busy machine it may have lost the lead by the time that it is looked.
  await eventually("the other system's node to lead", async () => {
    if (await first.leaderId() === other.id) return true;
    const body = JSON.stringify({ id: other.id });
    await first.fetch("/leader", { method: "POST", body, timeoutMs: patienceMs });
    return false;
  }, patienceMs);
  await someWrites();
  await equal("after it led");
  // What it missed is in no log any more: it gets the database as a file.
  await other.kill();
  const leader = await cluster.leader();
  await leader.execute(statements(random), "transaction");
  for (const node of [first, second]) {
    const { status } = await node.fetch("/snapshot?trailing_logs=0", { method: "POST" });
    assert.equal(status, 200);
  }
  await leader.execute(statements(random), "transaction");
  other.start();
  await ready(other);
  await equal("after a snapshot for it");
  const variables = JSON.parse((await other.fetch("/debug/vars", { timeoutMs: patienceMs })).body);
  assert.equal(variables.store.num_restores, 1, "It came by the log");
  const backup = await fetch(`${first.url}/db/backup`, { signal: AbortSignal.timeout(patienceMs) });
  const loaded = await first.fetch("/db/load", {
    method: "POST",
    headers: { "content-type": "application/octet-stream" },
    body: await backup.arrayBuffer(),
    timeoutMs: patienceMs,
  });
  assert.equal(loaded.status, 200, loaded.body);
  await someWrites();
  await equal("after a load of a whole database");
  if (foreign.endsOnSignal) {
    const { code } = await other.kill("SIGTERM");
    assert.equal(code, 0, other.log);
  }
}
