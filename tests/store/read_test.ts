import assert from "node:assert/strict";
import { SqlReal } from "../../src/store/types.ts";
import { plain, TestStore, until } from "./fixture.ts";

const endless =
  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

function rows(count: number, columns = "i"): string {
  return `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) ` +
    `SELECT ${columns} FROM n`;
}

Deno.test("Store.read writes values as rqlite does", async () => {
  await using s = await TestStore.open();
  await s.execute([
    "CREATE TABLE v (d DATE, b BOOLEAN, x BLOB, c VARCHAR(10), r REAL, k char(5), j json)",
    "INSERT INTO v VALUES ('2024-01-02', 1, x'00ff', x'61', 1.0, x'61', x'5b5d')",
    "INSERT INTO v VALUES (1700000000, 'yes', 'text', x'ff', 1e300, NULL, '')",
    "INSERT INTO v VALUES (1.5, 0, '', 'é<&>', -0.0, 7, '{}')",
  ]);
  assert.equal(
    await s.query("SELECT * FROM v"),
    '{"columns":["d","b","x","c","r","k","j"],' +
      '"types":["date","boolean","blob","varchar(10)","real","char(5)","json"],"values":[' +
      '["2024-01-02T00:00:00Z",true,"AP8=","a",1,"YQ==","[]"],' +
      '["2023-11-14T22:13:20Z","yes","text","\\ufffd",1e+300,null,""],' +
      '[1.5,false,"","é\\u003c\\u0026\\u003e",-0,"7","{}"]]}'.replace("-0,", "0,"),
  );
  await s.execute(["CREATE TABLE u (t TIMESTAMP)", "INSERT INTO u VALUES (1700000000000000)"]);
  assert.match(await s.query("SELECT t FROM u"), /\[\[1700000000000000\]\]/);
  assert.equal(
    await s.query("SELECT x'00ff', x, 9223372036854775807, NULL FROM v LIMIT 1", [], {
      blobArray: true,
    }),
    `{"columns":["x'00ff'","x","9223372036854775807","NULL"],"types":["text","blob","integer",""],` +
      '"values":[["\\u0000\\ufffd",[0,255],9223372036854775807,null]]}',
  );
  assert.equal(
    await s.query("SELECT r AS b, k AS a, d AS b FROM v LIMIT 1", [], { associative: true }),
    '{"types":{"a":"char(5)","b":"date"},"rows":[{"a":"YQ==","b":"2024-01-02T00:00:00Z"}]}',
  );
  assert.equal(
    await s.query("SELECT o.r, 1 FROM v o LIMIT 1", [], { qualifyColumns: true }),
    '{"columns":["v.r","1"],"types":["real","integer"],"values":[[1,1]]}',
  );
  assert.equal(await s.query("SELECT r FROM v WHERE 0"), '{"columns":["r"],"types":["real"]}');
  assert.equal(
    await s.query("SELECT r FROM v WHERE 0", [], { associative: true }),
    '{"types":{"r":"real"},"rows":[]}',
  );
  assert.match(await s.query("SELECT 1", [], { timings: true }), /,"time":[0-9.e-]+\}$/);
  assert.match(await s.query("SELECT 9e999"), /^\{"error":"Column 9e999 holds Infinity/);
  assert.match(
    await s.query("SELECT typeof(?), typeof(?)", [new SqlReal(1), 1]),
    /\[\["real","integer"\]\]/,
  );
});

Deno.test("Store.read refuses writes, and what would change its connection", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v)"]);
  const refused = '{"error":"attempt to change database via query operation"}';
  for (
    const sql of [
      "INSERT INTO t VALUES (1)",
      "CREATE TABLE x (y)",
      "CREATE TEMP TABLE x (y)",
      "VACUUM",
      "PRAGMA user_version = 5",
      "PRAGMA optimize",
      "PRAGMA incremental_vacuum",
      "PRAGMA foreign_keys = ON",
      "PRAGMA defer_foreign_keys = ON",
      "PRAGMA legacy_alter_table = ON",
    ]
  ) assert.equal(await s.query(sql), refused, sql);
  for (
    const sql of [
      "BEGIN",
      "ATTACH 'x' AS y",
      "PRAGMA query_only = OFF",
      `VACUUM INTO '${s.directory}/x'`,
    ]
  ) assert.match(await s.query(sql), /^\{"error":".* refused/, sql);
  await assert.rejects(Deno.stat(`${s.directory}/x`));
  assert.match(await s.query("PRAGMA table_info(t)"), /"v"/);
  assert.match(await s.query("PRAGMA journal_mode"), /wal/);
  assert.equal(await s.query("PRAGMA foreign_keys = OFF"), "{}");
  assert.equal(await s.query("PRAGMA shrink_memory"), "{}");
});

Deno.test("Store.read answers several statements, and goes on behind an error", async () => {
  await using s = await TestStore.open();
  const statements = ["SELECT 1", "", "SELECT nope", "SELECT 2; SELECT ?", ";"].map((sql) => ({
    sql,
    positional: [3],
  }));
  for (const transaction of [false, true]) {
    const answer = await s.read({ statements, transaction, format: plain, timeoutMs: 0 });
    assert.ok(answer instanceof Uint8Array);
    assert.equal(
      new TextDecoder().decode(answer),
      '{"columns":["1"],"types":["integer"],"values":[[1]]},' +
        '{"error":"no such column: nope"},' +
        '{"columns":["?"],"types":["integer"],"values":[[3]]},{}',
    );
  }
});

Deno.test("Store.read and inspect go by the schema as it is, not as their connection has last seen it", async () => {
  await using s = await TestStore.open({ readers: 1 });
  // count() is a reader's work.
  const look = (table: string) => s.query(`SELECT count(*) FROM ${table}`);
  const write = { error: "attempt to change database via query operation" };
  const there = {
    "DROP TABLE t": write,
    "CREATE TABLE IF NOT EXISTS t (b)": {},
    "CREATE TABLE t (b)": { error: "table t already exists" },
  };
  const gone = {
    "DROP TABLE t": { error: "no such table: t" },
    "CREATE TABLE IF NOT EXISTS t (b)": write,
    "CREATE TABLE t (b)": write,
  };
  for (
    const sql of ["DROP TABLE t", "CREATE TABLE IF NOT EXISTS t (b)", "CREATE TABLE t (b)"] as const
  ) {
    await s.execute(["CREATE TABLE t (a)"]);
    assert.deepEqual(JSON.parse(await s.query(sql)), there[sql], sql);
    await look("t");
    await s.execute(["DROP TABLE t"]);
    assert.deepEqual(JSON.parse(await s.query(sql)), gone[sql], sql);
  }
  await s.execute(["CREATE TABLE u (a)"]);
  await look("u");
  const inspect = async (sql: string) => await s.store.inspect([{ sql }]);
  assert.deepEqual(await inspect("REINDEX u"), [true]);
  await s.execute(["CREATE INDEX u_a ON u (a)"]);
  assert.deepEqual(await inspect("REINDEX u"), [false]);

  const format = { ...plain, typed: true, describes: true } as const;
  const columns = async (sql: string) => JSON.parse(await s.query(sql, [], format)).cols?.length;
  for (
    const [sql, before, after] of [
      ["SELECT * FROM u", { readonly: true, columns: 1 }, { readonly: true, columns: 2 }],
      ["SELECT * FROM u UNION SELECT 1, 2", {
        readonly:
          "SELECTs to the left and right of UNION do not have the same number of result columns",
        columns: undefined,
      }, { readonly: true, columns: 2 }],
      ["INSERT INTO u VALUES(1, 2)", {
        readonly: "table u has 1 columns but 2 values were supplied",
        columns: undefined,
      }, { readonly: false, columns: 0 }],
    ] as const
  ) {
    for (const judge of ["columns", "readonly"] as const) {
      const found = async () => judge === "columns" ? await columns(sql) : (await inspect(sql))[0];
      await look("u");
      assert.deepEqual(await found(), before[judge], sql);
      await s.execute(["ALTER TABLE u ADD COLUMN b"]);
      assert.deepEqual(await found(), after[judge], sql);
      await s.execute(["ALTER TABLE u DROP COLUMN b"]);
    }
  }

  await look("u");
  await s.execute(["ALTER TABLE u ADD COLUMN b"]);
  const { columns: watched } = await s.store.liveRead({
    statement: { sql: "SELECT * FROM u UNION SELECT 1, 2" },
    format: plain,
    timeoutMs: 0,
  });
  assert.deepEqual(watched, ["a", "b"]);
});

Deno.test("Store.inspect tells whether all of a text is read-only", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v)"]);
  const texts = [
    "SELECT 1",
    "SELECT 1; DELETE FROM t",
    "DELETE FROM t",
    "SELECT x FROM t",
    "",
    "BEGIN",
    "PRAGMA case_sensitive_like = ON",
    "PRAGMA user_version = 5",
    "PRAGMA table_info(t)",
    "EXPLAIN DELETE FROM t",
  ];
  assert.deepEqual(await s.store.inspect(texts.map((sql) => ({ sql }))), [
    true,
    false,
    false,
    "no such column: x",
    true,
    false,
    false,
    false,
    true,
    true,
  ]);
  assert.match(await s.query("SELECT 'a' LIKE 'A'"), /\[\[1\]\]/);
});

Deno.test("Store.read ends a query at its timeout, and the reader serves on", async () => {
  await using s = await TestStore.open({ readers: 1 });
  // None for the main thread: the reader is there before a time limit runs.
  await s.query("SELECT 1 LIKE 2");
  const read = async (timeoutMs: number) => {
    const statements = [{ sql: "SELECT 1" }, { sql: endless }, { sql: "SELECT 2" }];
    const request = { statements, transaction: false, format: plain, timeoutMs };
    return new TextDecoder().decode(await s.read(request) as Uint8Array);
  };
  const late = '{"error":"query timeout"}';
  const allLate = `${late},${late},${late}`;
  // A busy machine may need longer for the first statement: more time each round.
  for (let timeoutMs = 200, first = allLate; first === allLate; timeoutMs *= 2) {
    const started = read(timeoutMs);
    assert.equal(await read(timeoutMs / 2), allLate);
    first = await started;
    if (first === allLate && timeoutMs < 30_000) continue;
    assert.equal(first, `{"columns":["1"],"types":["integer"],"values":[[1]]},${late},${late}`);
  }
  assert.match(await s.query("SELECT 5"), /5/);
});

Deno.test("Store.read rejects when its signal is aborted, and frees the reader", async () => {
  await using s = await TestStore.open({ readers: 1 });
  const abort = new AbortController();
  const request = {
    statements: [{ sql: endless }],
    transaction: false,
    format: plain,
    timeoutMs: 0,
  };
  const running = s.read(request, () => abort.signal);
  const queued = s.read(request, () => abort.signal);
  await until(async () => {
    const { readPool } = await s.store.status();
    return readPool.busy === 1;
  });
  abort.abort(new Error("gone"));
  await assert.rejects(running, /gone/);
  await assert.rejects(queued, /gone/);
  assert.match(await s.query("SELECT 5"), /5/);
});

Deno.test("Store.read is not held up by a slow query in front of it", async () => {
  await using s = await TestStore.open({ readers: 2 });
  const abort = new AbortController();
  const request = {
    statements: [{ sql: endless }],
    transaction: false,
    format: plain,
    timeoutMs: 0,
  };
  const slow = assert.rejects(s.read(request, () => abort.signal));
  const quick = await Promise.all(Array.from({ length: 100 }, (_, i) => s.query(`SELECT ${i}`)));
  assert.match(quick[99] ?? "", /\[\[99\]\]/);
  abort.abort();
  await slow;
});

Deno.test("Store.read throws a StoreBusyError when its queue is full", async () => {
  await using s = await TestStore.open({ readers: 1, limits: { queueMax: 3 } });
  const abort = new AbortController();
  const request = {
    statements: [{ sql: endless }],
    transaction: false,
    format: plain,
    timeoutMs: 0,
  };
  const first = s.read(request, () => abort.signal);
  const waiting = [1, 2, 3].map(() => s.read(request, () => abort.signal));
  const settled = Promise.allSettled([first, ...waiting]);
  await assert.rejects(s.read(request, () => abort.signal), { name: "StoreBusyError" });
  abort.abort();
  for (const { status } of await settled) assert.equal(status, "rejected");
});

Deno.test("Store.read streams a large answer at its client's speed, in bounded memory", () => {
  // In a process of its own, whose memory no other test uses.
  const { stdout } = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "--quiet",
      new URL("./stream_child.ts", import.meta.url).pathname,
    ],
    stderr: "inherit",
  }).outputSync();
  const { size, growth, text } = JSON.parse(new TextDecoder().decode(stdout));
  assert.ok(size > 600_000_000);
  // Some of it is dead buffers that V8 has not looked for yet: tens of MB, more on a busy machine,
  // but no more for a longer answer.
  assert.ok(growth < 250_000_000, `${growth} bytes more in use`);
  assert.match(text, /xxx"\]\]\},\{.*\[\["last"\]\]\}$/);
});

Deno.test("Store.read frees its reader when a stream is cancelled or stalls", async () => {
  await using s = await TestStore.open({ readers: 1, limits: { streamsMax: 1, stallMs: 200 } });
  const open = async () => {
    const answer = await s.read({
      statements: [{ sql: rows(10_000_000) }],
      transaction: false,
      format: plain,
      timeoutMs: 0,
    });
    assert.ok(answer instanceof ReadableStream);
    return answer;
  };
  const calm = () => until(async () => (await s.store.status()).readPool.busy === 0);
  await (await open()).cancel();
  await calm();
  const stalled = (await open()).getReader();
  await stalled.read();
  await calm();
  await assert.rejects(async () => {
    for (;;) await stalled.read();
  }, /its client took nothing/);
});

Deno.test("Store.read says in a streamed answer that it was cut short", async () => {
  await using s = await TestStore.open();
  const answer = await s.read({
    statements: [{ sql: rows(400_000, "i, CASE WHEN i = 399999 THEN 9e999 END") }],
    transaction: false,
    format: plain,
    timeoutMs: 0,
  });
  const parsed = await new Response(answer as ReadableStream).json();
  assert.equal(parsed.values.length, 399_998);
  assert.match(parsed.error, /Infinity/);
});
