import assert from "node:assert/strict";
import { ServiceError, type ServiceErrorKind } from "../../src/cluster/types.ts";
import { StoreBusyError } from "../../src/store/types.ts";
import { replay } from "../api/replay.ts";
import type { Step } from "../api/step.ts";
import { paths } from "../api/tables/paths.ts";
import { requestErrors } from "../api/tables/request_errors.ts";
import { appWith, FakeService, memberTwo } from "./fake_service.ts";

/** Reads leave a timer behind for a moment, which watches clients that go away. */
function httpTest(name: string, run: () => Promise<void>): void {
  Deno.test({ name, sanitizeOps: false, sanitizeResources: false, fn: run });
}

/** The steps whose answer does not come out of a database. */
function withoutStore(steps: readonly Step[]): Step[] {
  return steps.filter(({ status, answer, type }) =>
    status !== 200 || answer === "" || type.startsWith("text/html")
  );
}

httpTest("createApp() answers malformed requests like rqlite", async () => {
  const { fetch } = appWith(new FakeService());
  const steps = withoutStore(requestErrors);
  assert.ok(steps.length > 90, `only ${steps.length} steps`);
  assert.deepEqual(await replay(steps, fetch, "raftlite"), []);
});

httpTest("createApp() answers methods and paths like rqlite", async () => {
  const { fetch } = appWith(new FakeService());
  const steps = withoutStore(paths);
  assert.ok(steps.length > 60, `only ${steps.length} steps`);
  assert.deepEqual(await replay(steps, fetch, "raftlite"), []);
});

httpTest("/db/execute hands over statements and options and wraps the results", async () => {
  const service = new FakeService();
  const { post } = appWith(service);
  const response = await post(
    "/db/execute?transaction&db_timeout=2s&timeout=1m&associative&blob_array&raft_index",
    '[["INSERT INTO t VALUES(?)", 1]]',
  );
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json; charset=utf-8");
  assert.equal(response.headers.get("x-rqlite-served-by"), "127.0.0.1:4001");
  assert.equal(response.headers.get("x-rqlite-version"), "v10.3.0");
  assert.equal(
    await response.text(),
    '{"results":[{"last_insert_id":1,"rows_affected":1}],"raft_index":7}',
  );
  assert.deepEqual(service.writes.map(({ withdrawal: _, ...rest }) => rest), [{
    statements: [{ sql: "INSERT INTO t VALUES(?)", positional: [1] }],
    transaction: true,
    unified: false,
    format: {
      associative: true,
      timings: false,
      blobArray: true,
      exact: false,
      qualifyColumns: false,
      unified: true,
    },
    statementTimeoutMs: 2000,
    timeoutMs: 60_000,
    rights: undefined,
    key: undefined,
  }]);
});

httpTest("/db/execute names the leader that carried a write out", async () => {
  const service = new FakeService();
  service.servedBy = memberTwo.address;
  const { post } = appWith(service);
  const response = await post("/db/execute", '["DELETE FROM t"]');
  assert.equal(response.headers.get("x-rqlite-served-by"), memberTwo.address);
});

httpTest("/db/execute takes plain text for one statement", async () => {
  const service = new FakeService();
  const { post } = appWith(service);
  await post("/db/execute", "DELETE FROM t", "text/plain; charset=utf-8");
  assert.deepEqual(service.writes[0]?.statements, [{ sql: "DELETE FROM t" }]);
});

httpTest("SQL that is no UTF-8 is refused, not changed", async () => {
  const service = new FakeService();
  const { fetch } = appWith(service);
  const body = new Uint8Array([...new TextEncoder().encode("SELECT 'caf"), 0xe9, 0x27]);
  const plain = "text/plain; charset=utf-8";
  const json = "application/json; charset=utf-8";
  const answers = [
    ["/db/load", plain],
    ["/db/execute", json],
    ["/db/execute?transaction", json],
    ["/db/query", json],
  ] as const;
  for (const [path, type] of answers) {
    const response = await fetch(path, {
      method: "POST",
      body,
      headers: { "content-type": plain },
    });
    assert.equal(response.status, 200, path);
    assert.equal(response.headers.get("content-type"), type, path);
    assert.equal(
      await response.text(),
      '{"results":[],"error":"string field contains invalid UTF-8"}',
      path,
    );
  }
  assert.deepEqual([service.writes, service.reads], [[], []]);
});

httpTest("/db/execute?pretty&timings lays the answer out and tells the time", async () => {
  const { post } = appWith(new FakeService());
  const response = await post("/db/execute?pretty&timings", '["DELETE FROM t"]');
  assert.match(
    await response.text(),
    /^\{\n {4}"results": \[\n {8}\{\n {12}"last_insert_id": 1,\n {12}"rows_affected": 1\n {8}\}\n {4}\],\n {4}"time": \d\S*\n\}$/,
  );
});

httpTest("/db/query hands over level, freshness and timeouts", async () => {
  const service = new FakeService();
  const { fetch } = appWith(service);
  await fetch("/db/query?q=SELECT+1&level=NONE&freshness=1s&freshness_strict&db_timeout=1us");
  await fetch("/db/query?q=SELECT+1&level=linearizable&linearizable_timeout=3s");
  await fetch("/db/query?q=SELECT+1&level=whatever");
  assert.deepEqual(service.reads.map(({ level }) => level), [
    { level: "none", freshnessMs: 1000, freshnessStrict: true, timeoutMs: 30_000 },
    { level: "linearizable", freshnessMs: 0, freshnessStrict: false, timeoutMs: 3000 },
    { level: "weak", freshnessMs: 0, freshnessStrict: false, timeoutMs: 30_000 },
  ]);
  assert.equal(service.reads[0]?.request.timeoutMs, 1, "a limit must never round to none");
});

httpTest("/db/query hands over no timeout that a timer cannot keep", async () => {
  const service = new FakeService();
  const { fetch } = appWith(service);
  await fetch("/db/query?q=SELECT+1&timeout=10000h&db_timeout=10000h&level=none&freshness=10000h");
  await fetch("/db/query?q=SELECT+1&level=linearizable&linearizable_timeout=10000h");
  const timerMsMax = 2 ** 31 - 1;
  for (const { level, request } of service.reads) {
    assert.ok(level.timeoutMs < timerMsMax && request.timeoutMs < timerMsMax);
    assert.ok(level.timeoutMs > 20 * 24 * 3_600_000);
  }
  assert.equal(service.reads[0]?.level.freshnessMs, 10_000 * 3_600_000, "no timer keeps this one");
});

httpTest("/db/query streams results that come as a stream", async () => {
  const service = new FakeService();
  const encoder = new TextEncoder();
  const pieces = ['{"columns":["a"],"ty', 'pes":["text"],"values":[["x"]]}'];
  service.read = () =>
    Promise.resolve({
      results: ReadableStream.from(pieces.map((piece) => encoder.encode(piece))),
      raftIndex: 0,
    });
  const { fetch } = appWith(service);
  const plain = await (await fetch("/db/query?q=SELECT+1")).text();
  assert.equal(plain, `{"results":[${pieces.join("")}]}`);
  const pretty = await (await fetch("/db/query?q=SELECT+1&pretty")).text();
  assert.equal(pretty, JSON.stringify(JSON.parse(plain), null, 4));
});

httpTest("/db/query refuses a body over the limit whatever its length says", async () => {
  const service = new FakeService();
  const { app, post } = appWith(service, { bodyBytesMax: 20 });
  assert.equal((await post("/db/query", '["SELECT 1","SELECT 2"]')).status, 413);
  const pieceBytes = 64 * 1024;
  let pulled = 0;
  const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => {
      pulled++;
      controller.enqueue(new Uint8Array(pieceBytes).fill(0x20));
    },
  });
  const response = await app.request("/db/query", { method: "POST", body: endless });
  assert.equal(response.status, 413);
  // Some of it is read in vain, so that the answer arrives; unread_body.ts says how much.
  assert.ok(pulled * pieceBytes < 17 * 1024 * 1024, `pulled ${pulled} times`);
  assert.equal((await post("/db/query", '["SELECT 1"]')).status, 200);
});

httpTest("/db/request reads at its level, and writes all when one statement writes", async () => {
  const service = new FakeService();
  const { post } = appWith(service);
  await post("/db/request?level=none", '["SELECT 1","SELECT 2"]');
  assert.equal(service.reads[0]?.level.level, "none");
  assert.equal(service.reads[0]?.request.format.unified, true);
  await post("/db/request?transaction", '["SELECT 1","DELETE FROM t"]');
  assert.equal(service.writes[0]?.unified, true);
  assert.equal(service.writes[0]?.transaction, true);
  await post("/db/request", '["BAD"]');
  assert.equal(service.writes.length, 2, "what cannot be prepared goes the way of writes");
});

httpTest("A PRAGMA that would break the store refuses the whole request", async () => {
  const service = new FakeService();
  const { fetch, post } = appWith(service);
  const refused = '{"results":[],"error":"disallowed pragma"}';
  const body = '["SELECT 1","PRAGMA main.journal_mode = DELETE"]';
  for (const path of ["/db/execute", "/db/query", "/db/request"]) {
    assert.equal(await (await post(path, body)).text(), refused, path);
  }
  assert.equal(await (await fetch("/db/query?q=pragma+wal_checkpoint")).text(), refused);
  assert.notEqual(await (await fetch("/db/query?q=PRAGMA+journal_mode")).text(), refused);
  assert.equal(service.writes.length, 0);
});

httpTest("?redirect on a follower sends the client to the leader, query and all", async () => {
  const service = new FakeService();
  service.members = [...service.members, memberTwo];
  service.leadingId = "2";
  const { fetch, post } = appWith(service);
  const response = await post("/db/execute?redirect&timings", '["DELETE FROM t"]');
  assert.equal(response.status, 301);
  assert.equal(
    response.headers.get("location"),
    "http://127.0.0.1:4003/db/execute?redirect&timings",
  );
  assert.equal(await response.text(), "");
  assert.equal((await fetch("/db/query?redirect&q=SELECT+1")).status, 301);
  assert.equal((await fetch("/db/backup?redirect")).status, 301);
  assert.equal((await fetch("/db/query?redirect&level=none&q=SELECT+1")).status, 200);
  service.leadingId = undefined;
  assert.equal((await fetch("/db/query?redirect&q=SELECT+1")).status, 500);
  service.leadingId = "1";
  assert.equal((await fetch("/db/query?redirect&q=SELECT+1")).status, 200);
});

httpTest("Every kind of ServiceError has its status", async () => {
  const service = new FakeService();
  const { post } = appWith(service);
  const expected: Record<ServiceErrorKind, [number, string]> = {
    no_leader: [503, "leader not found\n"],
    too_large: [413, "why\n"],
    overloaded: [503, "why\n"],
    unavailable: [503, "why\n"],
    unknown_outcome: [503, "why\n"],
    stale: [503, "why\n"],
    behind: [503, "why\n"],
    key_reused: [422, "why\n"],
    key_unknown: [404, "why\n"],
    conflict: [409, "why\n"],
    no_transaction: [404, "why\n"],
    transaction_over: [410, "why\n"],
    timeout: [504, "why\n"],
    invalid: [400, "why\n"],
    failed: [500, "why\n"],
  };
  for (const [kind, [status, body]] of Object.entries(expected)) {
    service.failure = new ServiceError(kind as ServiceErrorKind, "why");
    const response = await post("/db/execute", '["DELETE FROM t"]');
    assert.equal(response.status, status, kind);
    assert.equal(await response.text(), body, kind);
    assert.equal(response.headers.get("x-raftlite-error"), kind);
  }
  service.failure = new StoreBusyError("All readers are busy");
  const busy = await post("/db/query", '["SELECT 1"]');
  assert.deepEqual([busy.status, busy.headers.get("x-raftlite-error")], [503, "overloaded"]);
  service.failure = new Error("boom");
  const broken = await post("/db/query", '["SELECT 1"]');
  assert.deepEqual([broken.status, broken.headers.get("x-raftlite-error")], [500, null]);
  const refused = await post("/db/query", "[");
  assert.deepEqual([refused.status, refused.headers.get("x-raftlite-error")], [400, "refused"]);
});

httpTest("A stale read is refused in rqlite's form", async () => {
  const service = new FakeService();
  service.failure = new ServiceError("stale", "last heard of the leader 5 s ago");
  const { fetch } = appWith(service);
  const response = await fetch("/db/query?q=SELECT+1&level=none&freshness=1s");
  assert.equal(response.status, 200);
  assert.equal(await response.text(), '{"results":[],"error":"stale read"}');
});

httpTest("/boot needs a leader that is alone", async () => {
  const service = new FakeService();
  const { post } = appWith(service);
  const file = "SQLite format 3\0" + "x".repeat(84);
  assert.equal((await post("/boot", file)).status, 200);
  service.members = [...service.members, memberTwo];
  assert.equal(await (await post("/boot", file)).text(), "not single-node\n");
  service.leadingId = "2";
  assert.equal(await (await post("/boot", file)).text(), "not leader\n");
  assert.equal(service.loads.length, 1);
});

httpTest(
  "/db/load streams a SQLite file and takes anything else for SQL text, as it is",
  async () => {
    const service = new FakeService();
    const { fetch, post } = appWith(service);
    const encoder = new TextEncoder();
    const pieces = ["SQL", "ite for", "mat 3\0", "the rest"];
    const response = await fetch("/db/load", {
      method: "POST",
      body: ReadableStream.from(pieces.map((piece) => encoder.encode(piece))),
    });
    assert.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
    assert.equal(await response.text(), '{"results":[]}');
    assert.equal(new TextDecoder().decode(service.loads[0]), pieces.join(""));
    const texts = [
      "BEGIN TRANSACTION;\nCREATE TABLE t(x);\nCOMMIT;\n",
      // Nothing may look at these one by one and again: that took twice as long with each.
      `/*${"c".repeat(239)}*/`.repeat(2000) + "CREATE TABLE t(x)",
      "PRAGMA journal_mode=WAL; CREATE TABLE u(x)",
    ];
    for (const text of texts) await post("/db/load", text);
    assert.deepEqual(service.texts, texts);
  },
);

httpTest("/db/backup streams, compresses and hands over its options", async () => {
  const service = new FakeService();
  const { fetch } = appWith(service);
  const plain = await fetch("/db/backup?noleader&tables=a,%20b,,&fmt=sql");
  assert.equal(plain.headers.get("content-type"), "application/sql");
  assert.equal(plain.headers.get("x-rqlite-served-by"), null);
  assert.equal(plain.headers.get("x-raftlite-index"), "17");
  assert.equal(await plain.text(), "SQLite format 3");
  const compressed = await fetch("/db/backup?compress&vacuum");
  assert.equal(compressed.headers.get("content-type"), "application/octet-stream");
  const unpacked = compressed.body?.pipeThrough(new DecompressionStream("gzip"));
  assert.equal(await new Response(unpacked ?? null).text(), "SQLite format 3");
  assert.deepEqual(service.backups, [
    { format: "sql", vacuum: false, tables: ["a", "b"], noLeader: true },
    { format: "binary", vacuum: true, tables: [], noLeader: false },
  ]);
});

httpTest("/readyz names the first check that fails", async () => {
  const service = new FakeService();
  service.results = '{"columns":["1"],"types":["integer"],"values":[[1]]}';
  const { fetch } = appWith(service);
  const lines = async (path: string) => {
    const response = await fetch(path);
    return [response.status, await response.text()];
  };
  assert.deepEqual(await lines("/readyz"), [
    200,
    "[+]node ok\n[+]leader ok\n[+]store ok\n[+]db ok",
  ]);
  assert.deepEqual(await lines("/readyz?sync"), [
    200,
    "[+]node ok\n[+]leader ok\n[+]store ok\n[+]sync ok\n[+]db ok",
  ]);
  service.failure = new ServiceError("timeout", "not in sync");
  assert.deepEqual(await lines("/readyz?sync"), [
    503,
    "[+]node ok\n[+]leader ok\n[+]store ok\n[+]sync not in sync",
  ]);
  service.health = "disk full";
  assert.deepEqual(await lines("/readyz"), [
    503,
    "[+]node ok\n[+]leader ok\n[+]store not ready: disk full",
  ]);
  service.leadingId = undefined;
  assert.deepEqual(await lines("/readyz"), [503, "[+]node ok\n[+]leader does not exist"]);
  assert.deepEqual(await lines("/readyz?noleader"), [200, "[+]node ok"]);
});

httpTest("/readyz and /status name the members whose SQLite is another", async () => {
  const service = new FakeService();
  service.results = '{"columns":["1"],"types":["integer"],"values":[[1]]}';
  const differences = ["version 3.53.2 here, 3.40.1 there", "other results in JSON"];
  const { id, address } = memberTwo;
  service.mismatches = [{ id, address, refused: false, differences }];
  const { fetch } = appWith(service);
  const permitted = await fetch("/readyz");
  assert.equal(permitted.status, 200);
  assert.equal(
    await permitted.text(),
    `[+]node ok\n[-]sqlite of node ${id} at ${address} is another, permitted: ` +
      "version 3.53.2 here, 3.40.1 there; other results in JSON\n" +
      "[+]leader ok\n[+]store ok\n[+]db ok",
  );
  const status = await (await fetch("/status?key=store.sqlite3.mismatches")).json();
  assert.deepEqual(status, [{ addr: address, differences, node_id: id, refused: false }]);

  service.mismatches = [];
  service.mismatchPermitted = true;
  const line = "[+]sqlite may differ by -allow-sqlite-mismatch, and does not";
  assert((await (await fetch("/readyz")).text()).includes(line));
  assert.equal(await (await fetch("/status?key=store.sqlite3.mismatch_allowed")).json(), true);

  // One that is cut off is not ready, as it has no leader, and says why.
  service.mismatches = [{ id, address, refused: true, differences }];
  service.leadingId = undefined;
  const refused = await fetch("/readyz");
  assert.equal(refused.status, 503);
  assert.match(await refused.text(), /is another, refused: version/);
});

httpTest("/nodes shows voters by id, and who cannot be reached", async () => {
  const service = new FakeService();
  const down = { ...memberTwo, id: "3", address: "127.0.0.1:4006" };
  const learner = { ...memberTwo, id: "10", suffrage: "learner" as const };
  service.members = [...service.members, memberTwo, down, learner];
  const { fetch } = appWith(service);
  const up = (id: string, leader: boolean, http: string, raft: string, voter = true) =>
    `{"id":"${id}","api_addr":"http://127.0.0.1:${http}","addr":"127.0.0.1:${raft}",` +
    `"version":"v10.3.0","voter":${voter},"reachable":true,"leader":${leader},` +
    `"time":0.0005,"time_s":"500µs"}`;
  const one = up("1", true, "4001", "4002");
  const two = up("2", false, "4003", "4004");
  const three = '{"id":"3","addr":"127.0.0.1:4006","version":"","voter":true,' +
    '"reachable":false,"leader":false,"error":"connection refused"}';
  const ten = up("10", false, "4003", "4004", false);
  assert.equal(await (await fetch("/nodes")).text(), `{"1":${one},"2":${two},"3":${three}}`);
  assert.equal(
    await (await fetch("/nodes?ver=2&nonvoters")).text(),
    `{"nodes":[${one},${ten},${two},${three}]}`,
  );
  assert.equal(
    await (await fetch("/nodes?nonvoters")).text(),
    `{"1":${one},"10":${ten},"2":${two},"3":${three}}`,
    "ids sort as text, not as numbers",
  );
});

httpTest("/leader steps down to a member only", async () => {
  const service = new FakeService();
  service.members = [...service.members, memberTwo];
  const { post } = appWith(service);
  assert.equal((await post("/leader", '{"id":"2"}')).status, 200);
  assert.deepEqual(service.stepDowns, ["2"]);
  const unknown = await post("/leader", '{"id":"9"}');
  assert.equal(unknown.status, 500);
  assert.equal(await unknown.text(), "stepdown: node not found in cluster\n");
  assert.equal((await post("/leader", "{")).status, 400);
  assert.deepEqual(service.stepDowns, ["2"]);
  // As curl sends it by default: what is named counts, and what is no JSON names nobody.
  const form = "application/x-www-form-urlencoded";
  assert.equal((await post("/leader", '{"id":"9"}', form)).status, 500);
  assert.equal((await post("/leader", "id=9", form)).status, 200);
  assert.deepEqual(service.stepDowns, ["2", undefined]);
});

httpTest(
  "/leader reads its body as Go does, and hands over to nobody else than was said",
  async () => {
    const service = new FakeService();
    service.members = [...service.members, memberTwo];
    const { post } = appWith(service);
    const structType = 'Go value of type struct { ID string "json:\\"id\\"" }';
    const cases: [body: string, status: number, answer: string][] = [
      ["[]", 400, `invalid JSON: json: cannot unmarshal array into ${structType}\n`],
      ["1", 400, `invalid JSON: json: cannot unmarshal number into ${structType}\n`],
      ['"2"', 400, `invalid JSON: json: cannot unmarshal string into ${structType}\n`],
      ["true", 400, `invalid JSON: json: cannot unmarshal bool into ${structType}\n`],
      [
        '{"id":2}',
        400,
        "invalid JSON: json: cannot unmarshal number into Go struct field .id of type string\n",
      ],
      ['{"ID":"zz"}', 500, "stepdown: node not found in cluster\n"],
      ['{"id":"2","Id":"zz"}', 500, "stepdown: node not found in cluster\n"],
      ['{"id":"zz","ID":null}', 500, "stepdown: node not found in cluster\n"],
      [' {"id":"zz"} and more', 500, "stepdown: node not found in cluster\n"],
    ];
    for (const [body, status, answer] of cases) {
      const response = await post("/leader", body);
      assert.deepEqual([response.status, await response.text()], [status, answer], body);
    }
    assert.deepEqual(service.stepDowns, []);
    for (const body of ["null", "{}", '{"id":null}', '{"ıd":"zz"}', '{"id":"zz","ID":""}']) {
      assert.equal((await post("/leader", body)).status, 200, body);
    }
    assert.deepEqual(service.stepDowns, new Array(5).fill(undefined));
  },
);

httpTest("/leader?redirect&wait on a follower sends the client to the leader", async () => {
  const service = new FakeService();
  service.members = [...service.members, memberTwo];
  service.leadingId = "2";
  const { post } = appWith(service);
  const response = await post("/leader?redirect&wait", '{"id":"1"}');
  assert.equal(response.status, 301);
  assert.equal(response.headers.get("location"), "http://127.0.0.1:4003/leader?redirect&wait");
  assert.equal((await post("/leader?redirect&wait", '{"id":"zz"}')).status, 500);
  assert.deepEqual(service.stepDowns, []);
  assert.equal((await post("/leader?redirect", "")).status, 200);
  assert.deepEqual(service.stepDowns, [undefined]);
});

httpTest(
  "/remove removes members, and leaves it to the leader whether there are such",
  async () => {
    const service = new FakeService();
    service.members = [...service.members, memberTwo];
    const { fetch } = appWith(service);
    const remove = async (body: string) =>
      (await fetch("/remove", { method: "DELETE", body })).status;
    assert.equal(await remove('{"id":"2"}'), 200);
    assert.equal(await remove('{"id":"9"}'), 200);
    assert.equal(await remove('{"id":2}'), 400);
    assert.equal(await remove('{"id":null}'), 200);
    assert.equal(await remove('{"x":null}'), 400);
    assert.deepEqual(service.removed, ["2", "9"]);
  },
);

httpTest("/snapshot answers 204 when nothing was new", async () => {
  const service = new FakeService();
  const { post } = appWith(service);
  assert.equal((await post("/snapshot", "")).status, 200);
  service.nothingToSnapshot = true;
  assert.equal((await post("/snapshot", "")).status, 204);
});

httpTest("/status gives {} for what there is not yet", async () => {
  const { fetch } = appWith(new FakeService());
  for (const key of ["last_backup_time", "http.allow_origin", "nothing", "node.nothing.more"]) {
    assert.equal(await (await fetch(`/status?key=${key}`)).text(), "{}", key);
  }
});

httpTest("a path with a broken escape is a bad request, as to Go's server", async () => {
  const { fetch } = appWith(new FakeService());
  for (const path of ["/%zz", "/%", "/db/query%4?q=SELECT+1", "/nowhere%"]) {
    const response = await fetch(path);
    assert.equal(response.status, 400, path);
    assert.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
    assert.equal(await response.text(), "400 Bad Request");
  }
  for (const path of ["/nowhere%20", "/%ff", "/nowhere?q=%20"]) {
    const { status, body } = await fetch(path);
    assert.equal(status, 404, path);
    await body?.cancel();
  }
});

httpTest("/status gives the part that key names", async () => {
  const { fetch } = appWith(new FakeService());
  const part = async (query: string) => await (await fetch(`/status?${query}`)).text();
  assert.equal(await part("key=store.leader"), '{"addr":"127.0.0.1:4002","node_id":"1"}');
  assert.equal(await part("key=store.leader.node_id.deeper"), '"1"');
  assert.equal(await part("key=nosuch"), "{}");
  assert.equal(await part("q[useLeader]=true&key=store.sqlite3.version"), '"3.53.2"');
  // rqlite's shell fails with anything but a text here.
  assert.equal(await part("key=store.sqlite3.fk_constraints"), '"disabled"');
  const whole = JSON.parse(await part("pretty"));
  assert.equal(whole.store.raft.state, "Leader");
  assert.equal(whole.http.queue._default.max_size, 1024);
});

httpTest("/debug/vars counts requests", async () => {
  const { fetch, post } = appWith(new FakeService());
  await post("/db/execute", '["DELETE FROM t","DELETE FROM t"]');
  const variables = JSON.parse(await (await fetch("/debug/vars")).text());
  assert.equal(variables.http.executions, 1);
  assert.equal(variables.http.execute_stmts_rx, 2);
  assert.equal(variables.store.num_snapshots, 3);
  assert.equal(variables.queue.objects_rx, 0);
  await post("/db/execute?queue&wait", '["DELETE FROM t","DELETE FROM t"]');
  const { queue } = JSON.parse(await (await fetch("/debug/vars?key=queue")).text());
  assert.deepEqual(queue, { objects_rx: 2, objects_tx: 2 });
  assert.match(
    await (await fetch("/debug/vars?key=cluster")).text(),
    /^\{\n"cluster": \{"num_join_req": 0, "num_remove_node_req": 0, .*\}\n\}\n$/,
  );
});

httpTest("/debug/vars counts what was delivered of changes, by rqlite's names", async () => {
  const service = new FakeService();
  const { parts } = appWith(service);
  const none = { sink: "", nodeId: "", serviceId: "", leads: true, failing: undefined };
  const cdc = () => ({
    ...none,
    ...{ highWatermark: 9, entriesBehind: 0, groupsSent: 5, eventsSent: 7, gaps: 0 },
    ...{ messagesSent: 4, failures: 3, abandoned: 1 },
  });
  const { fetch } = appWith(service, {}, {}, { info: { ...parts.info, cdc } });
  assert.equal(
    await (await fetch("/debug/vars?key=cdc.service")).text(),
    '{\n"cdc.service": {"dropped_failed_to_send": 1, "num_events_tx_failed": 3, ' +
      '"num_events_tx_ok": 4, "retries": 2}\n}\n',
  );
});

httpTest("/db/sql gives statements back as they are", async () => {
  const { post } = appWith(new FakeService());
  assert.equal(
    await (await post("/db/sql", '["SELECT RANDOM()","BAD"]')).text(),
    '{"results":[{"original":"SELECT RANDOM()","rewritten":"SELECT RANDOM()"},' +
      '{"original":"BAD","error":"near \\"BAD\\": syntax error"}]}',
  );
});
