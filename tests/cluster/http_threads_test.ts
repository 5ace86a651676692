import assert from "node:assert/strict";
import { whyAlone } from "../../src/http/shared_port.ts";
import { type RawAnswer, RawConnection } from "../http/raw_connection.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

/** Where this Deno, or system, can have several. */
function threadsTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: whyAlone() !== undefined, fn });
}

interface ThreadStatus {
  readonly connections: number;
  readonly reads_served: number;
  readonly requests_passed_on: number;
}

async function threads(node: NodeProcess): Promise<readonly ThreadStatus[]> {
  const { body } = await node.fetch("/status?key=http.threads");
  return JSON.parse(body).beside;
}

async function served(node: NodeProcess): Promise<number> {
  return (await threads(node)).reduce((sum, { reads_served }) => sum + reads_served, 0);
}

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly body?: string;
  readonly headers?: string;
}

function bytesOf({ method = "POST", path, body = "", headers = "" }: Asked): string {
  const length = body === "" ? "" : `Content-Length: ${body.length}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nHost: x\r\n${headers}${length}\r\n${body}`;
}

async function ask(connection: RawConnection, asked: Asked): Promise<RawAnswer> {
  await connection.send(bytesOf(asked));
  return await connection.answer();
}

const pointRead: Asked = { path: "/db/query?level=none", body: '["SELECT 1"]' };

/** Two connections, of which the main thread has the one, and another thread the other. */
class TwoConnections implements Disposable {
  private constructor(readonly main: RawConnection, readonly other: RawConnection) {}

  static async open(node: NodeProcess): Promise<TwoConnections> {
    let main: RawConnection | undefined;
    let other: RawConnection | undefined;
    const address = `127.0.0.1:${node.httpPort}`;
    // The system gives each connection to one of them by chance.
    const both = await eventually("connections to two threads", async () => {
      const connection = await RawConnection.open(address);
      const before = await served(node);
      await ask(connection, pointRead);
      const isOther = await served(node) > before;
      if (isOther && other === undefined) other = connection;
      else if (!isOther && main === undefined) main = connection;
      else connection[Symbol.dispose]();
      return main !== undefined && other !== undefined ? { main, other } : undefined;
    });
    return new TwoConnections(both.main, both.other);
  }

  [Symbol.dispose](): void {
    this.main[Symbol.dispose]();
    this.other[Symbol.dispose]();
  }
}

const flags = ["-http-threads=2", "-http-body-limit=1MiB"];
const rows =
  "WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < 5000) INSERT INTO t SELECT i, 'value ' || i FROM c";

/** What a client of either thread must see the same of. */
const requests: readonly Asked[] = [
  ...["none", "weak", "linearizable", "strong", "auto", "nonsense"].map((level) => ({
    path: `/db/query?level=${level}`,
    body: '[["SELECT * FROM t WHERE id = ?", 7]]',
  })),
  { path: "/db/query?level=none&associative&pretty", body: '["SELECT * FROM t WHERE id < 4"]' },
  { path: "/db/query?level=none", body: '["SELECT * FROM t"]' },
  { path: "/db/query?level=none", body: '["SELECT count(*) FROM t", "SELECT * FROM nowhere"]' },
  { path: "/db/query?level=none", body: '["INSERT INTO t VALUES(9999, 1)"]' },
  { path: "/db/query?level=none", body: '["PRAGMA journal_mode=DELETE"]' },
  { path: "/db/query?level=none", body: "[" },
  { path: "/db/query?level=none", body: "[]" },
  { path: "/db/query?level=none;", body: '["SELECT 1"]' },
  { path: "/db/query?level=none&timeout=x", body: '["SELECT 1"]' },
  { path: "/db/query?level=none&raft_index", body: '["SELECT 1"]' },
  { path: "/db/query?level=none", body: '["SELECT 1"]', headers: "X-Raftlite-Index: 1\r\n" },
  { path: "/db/query", body: "SELECT id FROM t LIMIT 2", headers: "Content-Type: text/plain\r\n" },
  { method: "GET", path: "/db/query?q=SELECT%20id%20FROM%20t%20LIMIT%202&level=none" },
  { method: "GET", path: "/db/query" },
  { method: "GET", path: "/db/query?q=" },
  { method: "HEAD", path: "/db/query?q=SELECT%201" },
  { method: "DELETE", path: "/db/query?q=SELECT%201" },
  { method: "OPTIONS", path: "/db/query" },
  { path: "/db/querymore?level=none", body: '["SELECT 1"]' },
  { path: "/db/execute", body: '[["UPDATE t SET v = ? WHERE id = 7", "other"]]' },
  { path: "/db/execute", body: `["CREATE TABLE IF NOT EXISTS t (x) -- ${"x".repeat(300_000)}"]` },
  { path: "/db/execute", body: `["-- ${"x".repeat(1_100_000)}"]` },
  { path: "/db/request?level=none", body: '["SELECT * FROM t WHERE id = 8"]' },
  { method: "GET", path: "/nowhere" },
  { method: "GET", path: "/db/%zz" },
  { method: "GET", path: "/readyz" },
  { method: "PROPFIND", path: "/db/query" },
];

threadsTest(
  "-http-threads: every answer is the same, whichever thread has the connection",
  async () => {
    await using cluster = await Cluster.start({ size: 1, flags });
    const [node] = cluster.nodes;
    assert.ok(node);
    await node.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", rows]);
    using connections = await TwoConnections.open(node);
    const seen = ({ status, headers, body }: RawAnswer) => {
      // How a body is cut into pieces is no part of it, nor the time of day.
      for (const name of ["date", "content-length", "transfer-encoding"]) headers.delete(name);
      // Each write has an index of its own.
      if (headers.has("x-raftlite-index")) headers.set("x-raftlite-index", "some");
      return { status, headers: [...headers], body };
    };
    for (const asked of requests.filter(({ method }) => method !== "HEAD")) {
      const expected = seen(await ask(connections.main, asked));
      const found = seen(await ask(connections.other, asked));
      assert.deepEqual(found, expected, `${asked.method ?? "POST"} ${asked.path}`);
    }
    const vars = JSON.parse((await node.fetch("/debug/vars?key=http")).body).http;
    const metrics = (await node.fetch("/metrics")).body;
    const counted = Array.from(
      metrics.matchAll(/^raftlite_http_requests_total\{route="\/db\/query",code="\d+"\} (\d+)$/gm),
      ([, count]) => Number(count),
    ).reduce((sum, count) => sum + count, 0);
    // OPTIONS, and what has parameters that cannot be, are no queries; as without other threads.
    const uncounted = 2 * 4;
    assert.equal(counted, vars.queries + uncounted);
  },
);

/** Begins reads, each of twice as many rows, until one is seen to be under way. */
function slowReads(node: NodeProcess, connection: RawConnection) {
  let rows = 50_000;
  return async () => {
    rows *= 2;
    const sql =
      `WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < ${rows}) SELECT max(i) FROM c`;
    let isOver = false;
    const slow = ask(connection, { path: "/db/query?level=none", body: JSON.stringify([sql]) })
      .finally(() => isOver = true);
    slow.catch(() => {});
    while (!isOver) {
      const { requests } = JSON.parse((await node.fetch("/debug/requests")).body);
      if (requests.length > 0) return { slow, rows };
    }
    await slow;
    return undefined;
  };
}

threadsTest(
  "-http-threads: what was written is read at once, at each level and by each thread",
  async () => {
    await using cluster = await Cluster.start({ size: 1, flags });
    const [node] = cluster.nodes;
    assert.ok(node);
    await node.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)"]);
    await node.execute(["INSERT INTO t VALUES(1, 0)"]);
    using connections = await TwoConnections.open(node);
    const both = [connections.main, connections.other];
    const before = await served(node);
    for (let i = 1; i <= 60; i++) {
      const written = await ask(both[i % 2] ?? connections.main, {
        path: "/db/execute",
        body: `[["UPDATE t SET v = ? WHERE id = 1", ${i}]]`,
      });
      assert.equal(JSON.parse(written.body).results[0].rows_affected, 1);
      for (const level of ["none", "weak", "linearizable", "strong"]) {
        const body = '["SELECT v FROM t WHERE id = 1"]';
        const answers = await Promise.all(
          both.map((connection) => ask(connection, { path: `/db/query?level=${level}`, body })),
        );
        for (const answer of answers) {
          assert.equal(JSON.parse(answer.body).results[0].values[0][0], i);
        }
      }
    }
    // The strong ones are for the main thread; each other kind is not, unless the machine is so busy
    // that a read takes too long for a moment.
    assert.ok(await served(node) - before <= 60 * 3);
    for (const level of ["none", "weak", "linearizable"]) {
      await eventually(`a read at level ${level} that is not passed on`, async () => {
        const before = await served(node);
        const body = '["SELECT v FROM t WHERE id = 1"]';
        await ask(connections.other, { path: `/db/query?level=${level}`, body });
        return await served(node) > before;
      });
    }

    // Another database takes the place of this one, and the threads let go of the old file.
    const backup = await fetch(`http://127.0.0.1:${node.httpPort}/db/backup`);
    const file = await backup.bytes();
    await node.execute(["UPDATE t SET v = -1"]);
    const loaded = await fetch(`http://127.0.0.1:${node.httpPort}/db/load`, {
      method: "POST",
      headers: { "content-type": "application/octet-stream" },
      body: file,
    });
    assert.equal(loaded.status, 200, await loaded.text());
    for (const connection of both) {
      const asked = { path: "/db/query?level=none", body: '["SELECT v FROM t WHERE id = 1"]' };
      assert.equal(JSON.parse((await ask(connection, asked)).body).results[0].values[0][0], 60);
    }
    // A read that lasts until it is seen, however fast the machine, and is under way when the node ends.
    const { slow, rows } = await eventually(
      "a slow read to be seen",
      slowReads(node, connections.other),
    );
    await Promise.all([
      slow.then(({ body }) => assert.ok(body.includes(`[[${rows}]]`), body)),
      node.kill("SIGTERM").then(({ code }) => assert.equal(code, 0)),
    ]);
  },
);
