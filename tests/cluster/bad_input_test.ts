import { strict as assert } from "node:assert";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

const bodyBytesMax = 4096;

/** What a client may send that is wrong: path, body, status, and the answer's text. */
type Case = readonly [
  path: string,
  init: RequestInit,
  status: number,
  answer: RegExp,
];

const headers = { "content-type": "application/json" };
const post = (body: string): RequestInit => ({ method: "POST", headers, body });
/** Without a length: in chunks. */
const chunked = (body: string): RequestInit => ({
  method: "POST",
  headers,
  body: ReadableStream.from([body.slice(0, 1000), body.slice(1000)]).pipeThrough(
    new TextEncoderStream(),
  ),
});
const insert = "INSERT INTO t VALUES (?, ?)";
const large = JSON.stringify([`INSERT INTO t VALUES (7, '${"x".repeat(2 * bodyBytesMax)}')`]);

const cases: readonly Case[] = [
  ["/db/execute", post('["INSERT INTO t VALUES (7, 7)"'), 400, /^invalid JSON body\n$/],
  ["/db/execute", post('{"a": 1}'), 400, /^invalid request\n$/],
  ["/db/execute", post('"INSERT INTO t VALUES (7, 7)"'), 400, /^invalid request\n$/],
  ["/db/execute", post("[1]"), 400, /^invalid request\n$/],
  ["/db/execute", post("[[1]]"), 400, /^invalid request\n$/],
  ["/db/execute", post('["INSERT INTO t VALUES (7, 7)", 1]'), 400, /^invalid request\n$/],
  ["/db/execute", post("[]"), 400, /^no statements\n$/],
  ["/db/execute", post(""), 400, /^invalid JSON body\n$/],
  ["/db/query", post(""), 400, /^invalid JSON body\n$/],
  ["/db/request", post("null"), 400, /^invalid request\n$/],
  [
    "/db/execute",
    post(JSON.stringify([[insert, 7, { x: { y: 1 } }]])),
    400,
    /^unsupported type map/,
  ],
  ["/db/execute", post(JSON.stringify([[insert, 7, ["a"]]])), 400, /^unsupported type string\n$/],
  ["/db/execute", post(JSON.stringify([[insert]])), 200, /not enough args .* want 2 got 0/],
  ["/db/execute", post(JSON.stringify([[insert, 7]])), 200, /not enough args .* want 2 got 1/],
  [
    "/db/execute",
    post(JSON.stringify([["INSERT INTO t VALUES (:a, :b)", { a: 7 }]])),
    200,
    /not enough args .* want 2 got 1/,
  ],
  ["/db/query", post('[["SELECT ?, ?", 1]]'), 200, /not enough args .* want 2 got 1/],
  // rqlite, too, passes over what is too much.
  ["/db/query", post('[["SELECT ?, ?", 1, 2, 3]]'), 200, /"values":\[\[1,2\]\]/],
  ["/db/execute", post(JSON.stringify([[insert, "seven", 7]])), 200, /"error":"datatype mismatch"/],
  ["/db/execute", post('["INSERT INTO nowhere VALUES (7)"]'), 200, /"error":"no such table: now/],
  ["/db/execute", post('["INSRT"]'), 200, /"error":"near \\"INSRT\\": syntax error"/],
  ["/db/execute", post(large), 413, /^request body exceeds 4096 bytes\n$/],
  ["/db/execute", chunked(large), 413, /^request body exceeds 4096 bytes\n$/],
  ["/db/execute?queue", chunked(large), 413, /^request body exceeds 4096 bytes\n$/],
  ["/db/query", chunked(large), 413, /^request body exceeds 4096 bytes\n$/],
  ["/db/request", post(large), 413, /^request body exceeds 4096 bytes\n$/],
  ["/nowhere", post("[]"), 404, /^$/],
  ["/db/execute", { method: "PUT", body: "[]" }, 405, /^$/],
  ["/db/execute", { method: "GET" }, 405, /^$/],
  ["/db/query", { method: "DELETE" }, 405, /^$/],
  ["/db/load", { method: "GET" }, 405, /^$/],
  // rqlite takes a level that it does not know for weak.
  ["/db/query?level=sideways&q=SELECT%201", {}, 200, /"values":\[\[1\]\]/],
  ["/db/query?timeout=soon&q=SELECT%201", {}, 400, /^timeout is not a valid duration\n$/],
  ["/db/query?level=none&freshness=x&q=SELECT%201", {}, 400, /^freshness is not a valid duration/],
  ["/db/query?q=", {}, 400, /^query parameter not set\n$/],
  ["/remove", { method: "DELETE", body: "x" }, 400, /^$/],
  ["/snapshot?trailing_logs=x", { method: "POST" }, 400, /^trailing_logs is not a valid integer/],
];

/** A cluster of one with a table `t` that must stay as it is, whatever it is sent. */
async function single(): Promise<{ cluster: Cluster; node: NodeProcess }> {
  const cluster = await Cluster.start({
    size: 1,
    flags: ["-http-body-limit", String(bodyBytesMax)],
  });
  const node = cluster.nodes[0];
  assert(node);
  await node.execute([
    "CREATE TABLE t (n INTEGER PRIMARY KEY, v)",
    "INSERT INTO t VALUES (1, 'a')",
  ]);
  return { cluster, node };
}

Deno.test("wrong requests are answered with what is wrong, and change nothing", async () => {
  const { cluster, node } = await single();
  await using _ = cluster;
  for (const [path, init, status, answer] of cases) {
    const got = await node.fetch(path, init);
    const what = `${init.method ?? "GET"} ${path} ${init.body ?? ""}: ${got.status} ${got.body}`;
    assert.equal(got.status, status, what);
    assert.match(got.body, answer, what);
    assert.deepEqual(await node.query("SELECT * FROM t"), [[1, "a"]], what);
  }
});

Deno.test("/db/load refuses what is no whole SQLite file, and keeps the database", async () => {
  const { cluster, node } = await single();
  await using _ = cluster;
  await node.execute([
    "INSERT INTO t VALUES (2, zeroblob(100000))",
    "UPDATE t SET v = 'b' WHERE n = 2",
  ]);
  const backup = await fetch(`${node.url}/db/backup`);
  const good = await backup.bytes();
  const junk = crypto.getRandomValues(new Uint8Array(9000));
  junk.set(good.subarray(0, 16));
  const damaged = good.slice();
  damaged.fill(0xee, 100, 300);
  const files: readonly [string, Uint8Array<ArrayBuffer>, RegExp][] = [
    ["junk behind the header", junk, /^Load failed, nothing was changed: .*not a database/],
    ["cut short", good.slice(0, 20_000), /^Load failed, nothing was changed: .*malformed/],
    ["only a header", good.slice(0, 100), /^Load failed, nothing was changed: /],
    ["a damaged schema", damaged, /^Load failed, nothing was changed: /],
  ];
  const rows = await node.query("SELECT * FROM t ORDER BY n");
  for (const [what, body, answer] of files) {
    for (const path of ["/db/load", "/boot"]) {
      const got = await node.fetch(path, { method: "POST", body });
      assert.equal(got.status, 400, `${what}: ${got.body}`);
      assert.match(got.body, answer, what);
      assert.deepEqual(await node.query("SELECT * FROM t ORDER BY n"), rows, what);
    }
  }
  const text = await node.fetch("/db/load", { method: "POST", body: "this is no SQL" });
  assert.match(text.body, /"error":"near \\"this\\": syntax error"/);
  const boot = await node.fetch("/boot", { method: "POST", body: "x".repeat(100) });
  assert.equal(boot.status, 400);
  assert.match(boot.body, /^invalid SQLite data/);
  await node.execute(["INSERT INTO t VALUES (3, 'c')"]);
  const whole = await node.fetch("/db/load", { method: "POST", body: good });
  assert.equal(whole.status, 200, whole.body);
  assert.deepEqual(await node.query("SELECT * FROM t ORDER BY n"), rows);
});

/** Sends bytes and reads until the other end closes. */
async function send(port: number, bytes: Uint8Array): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(bytes);
  const answer: Uint8Array[] = [];
  try {
    for await (const chunk of connection.readable) answer.push(chunk);
  } catch {
    // Cut off: an answer as well.
  }
  return new TextDecoder().decode(new Uint8Array(answer.flatMap((chunk) => [...chunk])));
}

Deno.test("HTTP and garbage at the Raft port are cut off with a line that says so", async () => {
  const { cluster, node } = await single();
  await using _ = cluster;
  await assert.rejects(fetch(`http://127.0.0.1:${node.raftPort}/status`));
  await eventually(
    "a line on HTTP",
    () => /It speaks HTTP, but this is the Raft port/.test(node.log),
  );
  const garbage = new Uint8Array(4096).map((_, i) => (i * 197) & 0xff);
  assert.equal(await send(node.raftPort, garbage), "");
  await eventually(
    "a line on garbage",
    () => node.log.split("Closed the connection from").length > 2,
  );
  await node.execute(["INSERT INTO t VALUES (2, 'b')"]);
});

Deno.test("Raft's bytes and garbage at the HTTP port harm nobody, and a joiner is told", async () => {
  const { cluster, node } = await single();
  await using _ = cluster;
  const garbage = new Uint8Array(4096).map((_, i) => (i * 197) & 0xff);
  const answer = await send(node.httpPort, garbage);
  assert.match(answer, /^$|^HTTP\/1\.1 400 /);
  const joiner = cluster.create(["-join-attempts", "1"]);
  joiner.start(["-join", `127.0.0.1:${node.httpPort}`]);
  assert.equal((await joiner.exited()).code, 1);
  const told = `127.0.0.1:${node.httpPort} speaks HTTP: give the node's Raft address`;
  await joiner.logs(new RegExp(`fatal: .*\\(${told} \\(-raft-addr, 4002 by default\\)\\)`));
  await node.execute(["INSERT INTO t VALUES (2, 'b')"]);
  assert.deepEqual(await node.query("SELECT count(*) FROM t"), [[2]]);
});
