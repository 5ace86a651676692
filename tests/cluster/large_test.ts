import { strict as assert } from "node:assert";
import { Database, findLibrary, openLibrary } from "../../src/sqlite/mod.ts";
import { background } from "../background.ts";
import { Cluster, type NodeProcess } from "./harness.ts";
import { residentMiB } from "./resident_memory.ts";

const MiB = 1024 * 1024;
const library = await findLibrary();
/** Statements this large take the machine a while. */
const timeoutMs = 1_200_000;
/**
 * However slow the machine is, a write may take as long as its client says; and nobody takes a node
 * that waits for its turn of the processor for one that is gone.
 */
const patient = [
  ...["-raft-apply-timeout", "1200s"],
  ...["-raft-heartbeat-timeout", "20s"],
];

/** Rows 1 to `count`, without a table. */
function rows(count: number): string {
  return `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;
}

Deno.test("a statement of 1 MB and 10,000 statements in a request go through a follower", async () => {
  await using cluster = await Cluster.start({ flags: patient });
  const follower = await cluster.follower();
  await follower.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
  const long = "x".repeat(MiB);
  await follower.execute([`INSERT INTO t (v) VALUES ('${long}')`], "", timeoutMs);
  const many = Array.from({ length: 10_000 }, (_, i) => ["INSERT INTO t (v) VALUES (?)", i]);
  const results = await follower.execute(many, "", timeoutMs);
  assert.equal(results.length, 10_000);
  assert.equal(results.at(-1)?.last_insert_id, 10_001);
  const again = await follower.execute(many, "transaction", timeoutMs);
  assert.equal(again.at(-1)?.last_insert_id, 20_001);
  const [[read] = []] = await follower.query("SELECT v FROM t WHERE id = 1");
  assert.equal(read, long);
  await cluster.converged(["SELECT id, v FROM t WHERE id > 1 ORDER BY id"]);
});

/** What a node says of its cluster's leader. */
async function lead(node: NodeProcess): Promise<{ term: unknown; leader: string }> {
  const { store } = await node.status() as { store: { raft: { term: unknown } } };
  return { term: store.raft.term, leader: await node.leaderId() };
}

/** Does something that must not cost the leader its lead, however long it takes the machine. */
async function keepingTheLead(cluster: Cluster, work: () => Promise<void>): Promise<void> {
  const before = await lead(await cluster.leader());
  await work();
  for (const node of cluster.nodes) {
    const after = await lead(node);
    assert(
      after.leader === before.leader && after.term === before.term,
      `${node.id} follows ${after.leader} of term ${after.term}, not ${before.leader} of term ${before.term}:\n` +
        cluster.nodes.map((each) => `${each.id}\n${each.log}`).join("\n"),
    );
  }
}

Deno.test("a row of 50 MB is written through a follower and read from every node", async () => {
  await using cluster = await Cluster.start({ flags: patient });
  const follower = await cluster.follower();
  await follower.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)"]);
  const huge = "0123456789".repeat(5_000_000);
  await keepingTheLead(cluster, async () => {
    await follower.execute([["INSERT INTO t (v) VALUES (?)", huge]], "timeout=1200s", timeoutMs);
    for (const node of cluster.nodes) {
      const [[read] = []] = await node.query("SELECT v FROM t", "linearizable", timeoutMs);
      // Not assert.equal, whose message would hold both texts.
      assert(read === huge, `${node.id} read ${String(read).length} characters`);
    }
  });
});

Deno.test("16 MB of numbers are written, read and asked about on a leader that goes on leading", async () => {
  await using cluster = await Cluster.start({ flags: patient });
  const leader = await cluster.leader();
  await leader.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
  await keepingTheLead(cluster, async () => {
    // In rows, since a statement has 32,766 parameters at most: 5.6 million take 62 MB in the log.
    const row = ["INSERT INTO t (v) VALUES (?)", ...new Array(28_000).fill(1)];
    const rows = new Array(200).fill(row);
    const results = await leader.execute(rows, "timeout=1200s&transaction", timeoutMs);
    assert.equal(results.length, 200);
    const numbers = new Array(8_000_000).fill(7);
    for (const path of ["query?level=none", "request?level=none", "sql"]) {
      const { status, body } = await leader.fetch(`/db/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify([["SELECT count(*) FROM t", ...numbers]]),
        timeoutMs,
      });
      assert.equal(status, 200, body);
      assert.match(body, path === "sql" ? /"rewritten":"SELECT/ : /\[\[200\]\]/);
    }
  });
});

Deno.test("a write too large for an entry of the log is refused, and writes go on", async () => {
  await using cluster = await Cluster.start({ flags: patient });
  const leader = await cluster.leader();
  const [follower, other] = cluster.nodes.filter((node) => node !== leader);
  assert(follower && other);
  await leader.execute(["CREATE TABLE t (v)"]);
  // With one of three away, an entry that the other cannot take would stop the cluster for good.
  await other.kill();
  // A number takes nine bytes in the log, whatever it takes in JSON.
  const numbers = `[["INSERT INTO t VALUES (?)"${",1".repeat(8_000_000)}]]`;
  for (const node of [leader, follower]) {
    const { status, body } = await node.fetch("/db/execute", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: numbers,
      timeoutMs,
    });
    assert.equal(status, 413, body);
    assert.match(body, /takes 72\d+ bytes as an entry of the log, the limit is 67108864/);
  }
  await follower.execute(["INSERT INTO t VALUES (1)"]);
});

Deno.test("a result of millions of rows is streamed in flat memory", async () => {
  await using cluster = await Cluster.start({ size: 1, flags: patient });
  const [node] = cluster.nodes;
  assert(node);
  await node.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)"]);
  await node.execute(
    [`INSERT INTO t ${rows(1_000_000)} SELECT i, 'a text of some length, number ' || i FROM n`],
    "timeout=1200s",
    timeoutMs,
  );
  // Ten times over: some memory is taken as garbage comes, but no more for a longer answer.
  const sql = `SELECT t.* FROM t, (${rows(10)} SELECT i FROM n)`;
  for (const parameters of ["", "associative&"]) {
    await growingBy(280, node, async () => {
      const { bytes, tail } = await readAll(node, `${parameters}q=${encodeURIComponent(sql)}`);
      assert(bytes > 400 * MiB, `${bytes} bytes`);
      assert.match(tail, /number 1000000"[\]}\s]*$/);
    });
  }
});

/**
 * Does something that must not make a node grow by as much as those MiB. When it comes to look for
 * what is dead is the machine's affair: a node that grows once is started anew and tried again, for
 * one that has to hold so much does each time.
 */
async function growingBy(mibMax: number, node: NodeProcess, work: () => Promise<void>) {
  const tries: string[] = [];
  for (;;) {
    const before = await residentMiB(node.pid);
    const watch = watchMemory(node);
    await work();
    const most = await watch.end();
    if (most < before + mibMax) return;
    tries.push(`${before} MiB before, ${most} MiB at most`);
    assert(tries.length < 3, `It may grow by ${mibMax} MiB, and had ${tries.join("; ")}`);
    await node.kill("SIGTERM");
    node.start();
    await node.ready();
  }
}

/** Reads a whole answer: how long it is, and how it ends. */
async function readAll(
  node: NodeProcess,
  parameters: string,
): Promise<{ bytes: number; tail: string }> {
  const response = await fetch(`${node.url}/db/query?${parameters}`);
  assert(response.body);
  let bytes = 0;
  let tail = "";
  for await (const chunk of response.body) {
    bytes += chunk.length;
    tail = (tail + new TextDecoder().decode(chunk.subarray(-200))).slice(-200);
  }
  return { bytes, tail };
}

Deno.test("1,000 connections at once are served", async () => {
  await using cluster = await Cluster.start({ size: 1, flags: patient });
  const [node] = cluster.nodes;
  assert(node);
  await node.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)"]);
  const body = JSON.stringify([["INSERT INTO t (v) VALUES (?)", 1]]);
  const request = new TextEncoder().encode(
    `POST /db/execute HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  const connections = await Promise.all(
    Array.from(
      { length: 1000 },
      () => Deno.connect({ hostname: "127.0.0.1", port: node.httpPort }),
    ),
  );
  try {
    // All are open before the first one is used.
    await Promise.all(connections.map(async (connection) => {
      await connection.write(request);
      const buffer = new Uint8Array(4096);
      const count = await connection.read(buffer) ?? 0;
      const answer = new TextDecoder().decode(buffer.subarray(0, count));
      assert.match(answer, /^HTTP\/1\.1 200 [^]*"rows_affected":1/);
    }));
  } finally {
    for (const connection of connections) connection.close();
  }
  assert.deepEqual(await node.query("SELECT count(*), sum(v) FROM t"), [[1000, 1000]]);
});

Deno.test("a load and a backup of 500 MB are streamed in bounded memory, and writes go on", async () => {
  await using cluster = await Cluster.start({ size: 1, flags: patient });
  const [node] = cluster.nodes;
  assert(node);
  const path = await Deno.makeTempFile({ prefix: "raftlite-test-" });
  try {
    makeDatabase(path, 500);
    await growingBy(300, node, async () => {
      const loaded = await node.fetch("/db/load", {
        method: "POST",
        headers: { "content-type": "application/octet-stream" },
        body: ReadableStream.from(pieces(path)),
        timeoutMs: 2_400_000,
      });
      assert.equal(loaded.status, 200, loaded.body);
    });
    let writes = 0;
    await growingBy(250, node, async () => {
      const response = await fetch(`${node.url}/db/backup`);
      assert(response.ok && response.body);
      const before = writes;
      let bytes = 0;
      for await (const chunk of response.body) {
        bytes += chunk.length;
        if (bytes < (writes - before) * 50 * MiB) continue;
        await node.execute(["INSERT INTO meanwhile DEFAULT VALUES"]);
        writes++;
      }
      assert(bytes > 500 * MiB, `${bytes} bytes`);
      assert(writes - before >= 10, `${writes - before} writes`);
    });
    const sums = await node.query(
      "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM meanwhile)",
      "strong",
      timeoutMs,
    );
    assert.deepEqual(sums, [[500, writes]]);
  } finally {
    await Deno.remove(path);
  }
});

/** A database in WAL mode of that many rows of a mebibyte. */
function makeDatabase(path: string, count: number): void {
  using database = new Database(path, { library: openLibrary(library) });
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)");
  database.exec("CREATE TABLE meanwhile (id INTEGER PRIMARY KEY)");
  database.exec(`INSERT INTO t ${rows(count)} SELECT i, zeroblob(${MiB}) FROM n`);
}

/** A file in pieces that are larger than what Deno 2.9's server reads at once: it hoards smaller ones. */
async function* pieces(path: string): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path);
  for (;;) {
    const piece = new Uint8Array(256 * 1024);
    const length = await file.read(piece);
    if (length === null) return;
    yield piece.subarray(0, length);
  }
}

/** Looks at a node's memory now and then; `end` gives the most that was seen, in MiB. */
function watchMemory(node: NodeProcess): { end(): Promise<number> } {
  let over = false;
  const watching = background(async () => {
    let most = 0;
    while (!over && node.running) {
      most = Math.max(most, await residentMiB(node.pid));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return most;
  });
  return {
    end: () => {
      over = true;
      return watching;
    },
  };
}
