import { strict as assert } from "node:assert";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

const endless =
  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
const long = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";

/** Asks, and reads nothing of the answer. */
async function ask(node: NodeProcess, sql: string): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: node.httpPort });
  const path = `/db/query?level=none&q=${encodeURIComponent(sql)}`;
  await connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`));
  return connection;
}

interface ReadPool {
  readonly busy: number;
  readonly streaming: number;
  readonly queued: number;
}

async function readPool(node: NodeProcess): Promise<ReadPool> {
  const { store } = await node.status() as { store: { sqlite3: { read_pool: ReadPool } } };
  return store.sqlite3.read_pool;
}

async function untilFree(node: NodeProcess): Promise<void> {
  await eventually("all readers to be free", async () => {
    const { busy, streaming, queued } = await readPool(node);
    return busy + streaming + queued === 0;
  });
}

Deno.test("clients that read slowly hold up nobody, and cost nothing once they are gone", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  await node.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY)"]);
  const slow = await Promise.all(Array.from({ length: 10 }, () => ask(node, long)));
  await eventually("all to be streaming", async () => (await readPool(node)).streaming === 10);
  await node.execute(["INSERT INTO t DEFAULT VALUES"]);
  assert.deepEqual(await node.query("SELECT count(*) FROM t"), [[1]]);
  for (const connection of slow) connection.close();
  await untilFree(node);
});

Deno.test("queries whose clients are gone are interrupted", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  const connections = await Promise.all(Array.from({ length: 8 }, () => ask(node, endless)));
  await eventually("all readers to be busy", async () => (await readPool(node)).busy > 0);
  for (const connection of connections) connection.close();
  await untilFree(node);
  assert.deepEqual(await node.query("SELECT count(*) FROM (SELECT 1)"), [[1]]);
});

Deno.test("a client that leaves in the middle of its upload leaves nothing behind", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  await node.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY)"]);
  const framings = ["Transfer-Encoding: chunked", "Content-Length: 1000000"];
  for (const [i, framing] of framings.entries()) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: node.httpPort });
    const head = `POST /db/load HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n`;
    const body = "SQLite format 3\0".padEnd(4096, "x");
    const framed = framing.startsWith("T") ? `1000\r\n${body}\r\n` : body;
    await connection.write(new TextEncoder().encode(head + framed));
    const begun = () => node.log.split("detected as load data").length - 1;
    await eventually("the load to begin", () => begun() > i);
    connection.close();
  }
  await eventually("no upload to be left", async () => {
    const names = await Array.fromAsync(Deno.readDir(node.directory), ({ name }) => name);
    return !names.some((name) => name.includes(".tmp-"));
  });
  await node.execute(["INSERT INTO t DEFAULT VALUES"]);
  assert.deepEqual(await node.query("SELECT count(*) FROM t"), [[1]]);
});
