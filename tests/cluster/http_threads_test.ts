import assert from "node:assert/strict";
import type { RawAnswer, RawConnection } from "../http/raw_connection.ts";
import { withDirectory } from "../directory.ts";
import { Authority } from "../tls/authority.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";
import {
  ask,
  type Asked,
  bytesOf,
  served,
  sum,
  threadsTest,
  type TlsOptions,
  TwoConnections,
} from "./two_connections.ts";

const flags = ["-http-threads=2", "-http-body-limit=1MiB"];
const rows =
  "WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < 5000) INSERT INTO t SELECT i, 'value ' || i FROM c";

const update = '[["UPDATE t SET v = ? WHERE id = 7", "other"]]';
/** Writes that a thread reads itself: each leaves the same behind however often it is carried out. */
const handedOver: readonly Asked[] = [
  { path: "/db/execute", body: update },
  {
    path: "/db/execute?transaction&associative&pretty&level=strong",
    body: '["REPLACE INTO t VALUES(9001, 1) RETURNING *", "UPDATE t SET v = 2 WHERE id = 9001"]',
  },
  {
    path: "/db/execute?blob_array&qualify_columns",
    body: `["REPLACE INTO t VALUES(9002, x'0102') RETURNING id, v"]`,
  },
  {
    path: "/db/execute?exact&timeout=20s&db_timeout=10s",
    body: '[["REPLACE INTO t VALUES(:id, :v) RETURNING v", {"id": 9003, "v": "x\'01\'"}]]',
  },
  { path: "/db/execute?raft_index&timings", body: update },
  {
    path: "/db/execute",
    body: '[["REPLACE INTO t VALUES(9005, ?) RETURNING v", 12345678901234567890]]',
  },
  { path: "/db/execute", body: '["INSERT INTO t VALUES(7, 1)", "INSERT INTO nowhere VALUES(1)"]' },
  { path: "/db/execute?transaction", body: '["DELETE FROM t WHERE id = 8", "no SQL"]' },
  { path: "/db/execute", body: '["BEGIN"]' },
  { path: "/db/execute", body: `["REPLACE INTO t VALUES(9006, '${"é😀".repeat(4000)}')"]` },
  {
    path: "/db/execute?db_timeout=1ms",
    body:
      '["WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) INSERT INTO t SELECT 9999, max(i) FROM c"]',
  },
  { path: "/db/execute", body: update, headers: "X-Raftlite-Index: nonsense\r\n" },
  { path: "/db/execute", body: update, headers: "Idempotency-Key: k-{connection}\r\n" },
  { path: "/db/execute", body: update, headers: "Idempotency-Key: k-{connection}\r\n" },
  { path: "/db/execute", body: '["no SQL"]', headers: "Idempotency-Key: k-{connection}\r\n" },
  { path: "/db/execute", body: update, headers: 'Idempotency-Key: "no key\r\n' },
  { path: "/db/execute", body: update, headers: "Idempotency-Key: \r\n" },
];

/** Writes that it passes on as they are. */
const writes: readonly Asked[] = [
  ...handedOver,
  { path: "/db/execute?redirect", body: update },
  { path: "/db/execute?tx=none", body: update },
  { path: "/db/execute?timeout=x", body: update },
  { path: "/db/execute?%zz", body: update },
  { path: "/db/execute", body: '[["REPLACE INTO t VALUES(9004, ?)", 1e999]]' },
  { path: "/db/execute", body: '["PRAGMA journal_mode=DELETE"]' },
  { path: "/db/execute", body: '{"sql": 1}' },
  { path: "/db/execute", body: "[]" },
  { path: "/db/execute", body: '["SELECT 1"' },
  { path: "/db/execute", body: '[["SELECT ?", {"": {"a": 1}}]]' },
  { path: "/db/execute", body: "UPDATE t SET v = 1", headers: "Content-Type: text/plain\r\n" },
  { path: "/db/executemany", body: update },
  { method: "GET", path: "/db/execute?q=SELECT%201" },
  { method: "PUT", path: "/db/execute", body: update },
  { path: "/db/execute" },
];

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
  { path: "/db/execute", body: `["CREATE TABLE IF NOT EXISTS t (x) -- ${"x".repeat(300_000)}"]` },
  { path: "/db/execute", body: `["-- ${"x".repeat(1_100_000)}"]` },
  { path: "/db/request?level=none", body: '["SELECT * FROM t WHERE id = 8"]' },
  ...writes,
  { method: "GET", path: "/nowhere" },
  { method: "GET", path: "/db/%zz" },
  { method: "GET", path: "/readyz" },
  { method: "PROPFIND", path: "/db/query" },
];

threadsTest(
  "-http-threads: every answer is the same, whichever thread has the connection",
  async () => {
    await using cluster = await Cluster.start({ size: 1, flags });
    await answerTheSame(cluster);
  },
);

threadsTest(
  "-http-threads: every answer over HTTPS is the same, whichever thread has the connection",
  () =>
    withDirectory(async (directory) => {
      const authority = await Authority.create(directory);
      const { certPath, keyPath } = await authority.issue({ name: "node" });
      const caCerts = [await Deno.readTextFile(authority.caPath)];
      using client = Deno.createHttpClient({ caCerts });
      const secure = [...flags, "-http-cert", certPath, "-http-key", keyPath];
      await using cluster = await Cluster.start({ size: 1, flags: secure, client });
      await answerTheSame(cluster, { caCerts });
    }),
);

threadsTest(
  "-http-threads: every answer to a client with a certificate is the same, whichever thread has the connection",
  () =>
    withDirectory(async (directory) => {
      const authority = await Authority.create(directory);
      const { certPath, keyPath } = await authority.issue({ name: "node" });
      const own = await authority.issue({ name: "client" });
      const [ca = "", cert = "", key = ""] = await Promise.all(
        [authority.caPath, own.certPath, own.keyPath].map((path) => Deno.readTextFile(path)),
      );
      const tls = { caCerts: [ca], cert, key };
      using client = Deno.createHttpClient(tls);
      const secure = [
        ...[...flags, "-http-cert", certPath, "-http-key", keyPath],
        ...["-http-ca-cert", authority.caPath, "-http-verify-client"],
      ];
      await using cluster = await Cluster.start({ size: 1, flags: secure, client });
      await answerTheSame(cluster, tls);
    }),
  true,
);

async function answerTheSame({ nodes: [node] }: Cluster, tls?: TlsOptions): Promise<void> {
  assert.ok(node);
  await node.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", rows]);
  using connections = await TwoConnections.open(node, tls);
  const readBefore = await sum(node, "writes_read");
  const seen = ({ status, headers, body }: RawAnswer) => {
    // How a body is cut into pieces is no part of it, nor the time of day.
    for (const name of ["date", "content-length", "transfer-encoding"]) headers.delete(name);
    // Each write has an index of its own.
    if (headers.has("x-raftlite-index")) headers.set("x-raftlite-index", "some");
    const same = body.replaceAll(/"(time|raft_index)": ?[\d.e-]+/g, '"$1":0');
    return { status, headers: [...headers], body: same };
  };
  const askOver = (connection: "main" | "other", asked: Asked) => {
    const headers = asked.headers?.replace("{connection}", connection) ?? "";
    return ask(connections[connection], { ...asked, headers });
  };
  for (const asked of requests.filter(({ method }) => method !== "HEAD")) {
    const expected = seen(await askOver("main", asked));
    const found = seen(await askOver("other", asked));
    assert.deepEqual(found, expected, `${asked.method ?? "POST"} ${asked.path}`);
  }
  assert.equal(await sum(node, "writes_read") - readBefore, handedOver.length);
  const vars = JSON.parse((await node.fetch("/debug/vars?key=http")).body).http;
  const metrics = (await node.fetch("/metrics")).body;
  const counted = (route: string) =>
    Array.from(
      metrics.matchAll(/^raftlite_http_requests_total\{route="(.+)",code="\d+"\} (\d+)$/gm),
      ([, of, count]) => of === route ? Number(count) : 0,
    ).reduce((sum, count) => sum + count, 0);
  // OPTIONS, and what has parameters that cannot be, are no queries and no writes; as without other
  // threads.
  assert.equal(counted("/db/query"), vars.queries + 2 * 4);
  assert.equal(counted("/db/execute"), vars.executions + 2 * 2);
}

interface Running {
  readonly id: number;
  readonly sql: readonly string[];
}

async function running(node: NodeProcess): Promise<readonly Running[]> {
  return JSON.parse((await node.fetch("/debug/requests")).body).requests;
}

/** Begins requests, each of twice as many rows, until one is seen to be under way. */
function slowRequests(
  node: NodeProcess,
  connection: RawConnection,
  request: (select: string) => Asked,
) {
  let rows = 50_000;
  return async () => {
    rows *= 2;
    const select =
      `WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < ${rows}) SELECT max(i) FROM c`;
    let isOver = false;
    const slow = ask(connection, request(select)).finally(() => isOver = true);
    slow.catch(() => {});
    while (!isOver) {
      if ((await running(node)).length > 0) return { slow, rows };
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
    const read = (select: string) => ({
      path: "/db/query?level=none",
      body: JSON.stringify([select]),
    });
    await endDuring(node, connections.other, read);
  },
);

/** Ends the node while such a request is under way, which is answered all the same. */
async function endDuring(
  node: NodeProcess,
  connection: RawConnection,
  request: (select: string) => Asked,
): Promise<void> {
  // One that lasts until it is seen, however fast the machine.
  const begin = slowRequests(node, connection, request);
  const { slow, rows } = await eventually("a slow request to be seen", begin);
  await Promise.all([
    slow.then(({ body }) => assert.ok(body.includes(`[[${rows}]]`), body)),
    node.kill("SIGTERM").then(({ code }) => assert.equal(code, 0)),
  ]);
}

threadsTest("-http-threads: a write that a node ends during is answered", async () => {
  await using cluster = await Cluster.start({ size: 1, flags });
  const [node] = cluster.nodes;
  assert.ok(node);
  await node.execute(["CREATE TABLE t (v INTEGER)"]);
  using connections = await TwoConnections.open(node);
  await endDuring(node, connections.other, (select) => ({
    path: "/db/execute",
    body: JSON.stringify([`INSERT INTO t SELECT * FROM (${select}) RETURNING v`]),
  }));
});

threadsTest(
  "-http-threads: a write that waits is seen, gives up, is ended and outlives its client, whichever thread has read it",
  async () => {
    const patient = ["-tx-idle-timeout=10m", "-tx-max-open=10m"];
    await using cluster = await Cluster.start({ size: 1, flags: [...flags, ...patient] });
    const [node] = cluster.nodes;
    assert.ok(node);
    await node.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY)"]);
    using connections = await TwoConnections.open(node);
    const both = [connections.main, connections.other];
    // It has the turn to write: all others wait.
    const begin = async () => {
      const body = '{"mode": "immediate"}';
      const begun = await node.fetch("/db/begin", { method: "POST", body });
      return JSON.parse(begun.body).tx;
    };
    const tx = await begin();

    const late = { path: "/db/execute?timeout=50ms", body: '["INSERT INTO t VALUES(1)"]' };
    const answers = await Promise.all(both.map((connection) => ask(connection, late)));
    assert.deepEqual(
      answers.map(({ status, body }) => ({ status, body })),
      Array(2).fill({ status: 503, body: answers[0]?.body }),
    );
    assert.match(answers[0]?.body ?? "", /database is locked/);
    for (const { headers } of answers) assert.equal(headers.get("x-raftlite-error"), "overloaded");

    const waiting = both.map((connection) =>
      ask(connection, { path: "/db/execute", body: '["INSERT INTO t VALUES(2)"]' })
    );
    const bothSeen = () =>
      eventually("both writes to be seen", async () => {
        const all = await running(node);
        return all.length === 2 && all;
      });
    const seen = await bothSeen();
    const [first, second] = seen.map((each) => ({ ...each, id: 0, age_ms: 0 }));
    assert.deepEqual(first, second);
    assert.deepEqual(seen[0]?.sql, ["INSERT INTO t VALUES(?)"]);
    for (const { id } of seen) {
      assert.equal((await node.fetch(`/debug/requests/${id}`, { method: "DELETE" })).status, 200);
    }
    await node.fetch(`/db/rollback?tx=${tx}`, { method: "POST" });
    for (const { status, body } of await Promise.all(waiting)) {
      assert.equal(status, 500);
      assert.match(body, /^ended by DELETE/);
    }
    assert.deepEqual(await node.query("SELECT count(*) FROM t"), [[0]]);

    const next = await begin();
    for (const [i, connection] of both.entries()) {
      await connection.send(
        bytesOf({ path: "/db/execute", body: `["INSERT INTO t VALUES(${3 + i})"]` }),
      );
    }
    await bothSeen();
    connections[Symbol.dispose]();
    await node.fetch(`/db/rollback?tx=${next}`, { method: "POST" });
    await eventually(
      "the writes of clients that have gone",
      async () => JSON.stringify(await node.query("SELECT id FROM t")) === "[[3],[4]]",
    );
  },
);

/** A linearizable read gets no answer in time, or there is no leader any more. */
async function answersNobody({ main, other }: TwoConnections): Promise<void> {
  for (const connection of [main, other]) {
    const { status } = await ask(connection, {
      path: "/db/query?level=linearizable&linearizable_timeout=100ms",
      body: '["SELECT count(*) FROM t"]',
    });
    assert.ok(status === 504 || status === 503, String(status));
  }
}

threadsTest(
  "-http-threads: a linearizable read is answered by nobody's leave in a cluster of one only",
  async () => {
    await using cluster = await Cluster.start({ size: 2, flags });
    const node = await cluster.leader();
    const [killed] = cluster.nodes.filter((other) => other !== node);
    assert.ok(killed !== undefined);
    await node.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY)"]);
    using connections = await TwoConnections.open(node);
    await killed.kill();
    await answersNobody(connections);
  },
);

threadsTest(
  "-http-threads: a leader that has taken itself out of a cluster of two is none of one",
  async () => {
    // It leads for seconds after the other has gone.
    const patient = ["-raft-heartbeat-timeout=5s"];
    await using cluster = await Cluster.start({ size: 2, flags: [...flags, ...patient] });
    const node = await cluster.leader();
    const [killed] = cluster.nodes.filter((other) => other !== node);
    assert.ok(killed !== undefined);
    await node.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY)"]);
    using connections = await TwoConnections.open(node);
    await killed.kill();
    const removal = node.fetch("/remove", {
      method: "DELETE",
      body: JSON.stringify({ id: node.id }),
      timeoutMs: 60_000,
    }).catch(() => {});
    await eventually("the removal to be in the log", async () => {
      const { body } = await node.fetch("/nodes?nonvoters");
      return Object.keys(JSON.parse(body)).length === 1;
    });
    await answersNobody(connections);
    await node.kill();
    await removal;
  },
);
