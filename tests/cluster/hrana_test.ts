/** libSQL's protocol, as its clients send it, against real nodes. */
import { strict as assert } from "node:assert";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

type Members = Record<string, unknown>;

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly baton: string | null;
  // deno-lint-ignore no-explicit-any
  readonly results: any[];
  readonly text: string;
}

async function post(node: NodeProcess, path: string, body: unknown): Promise<Answer> {
  const response = await fetch(`${node.url}${path}`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(120_000),
  });
  const text = await response.text();
  const { baton, results } = response.ok && path.endsWith("/pipeline")
    ? JSON.parse(text)
    : { baton: null, results: [] };
  const type = response.headers.get("content-type") ?? "";
  return { status: response.status, type, baton, results, text };
}

const execute = (sql: string, more: Members = {}) => ({ type: "execute", stmt: { sql, ...more } });
const ok = (step: number) => ({ type: "ok", step });
const integer = (value: number | string) => ({ type: "integer", value: String(value) });
const close = { type: "close" };

/** A stream, whose requests may go to any node. */
class Stream {
  baton: string | null = null;

  async send(node: NodeProcess, ...requests: Members[]): Promise<Answer["results"]> {
    const answer = await post(node, "/v3/pipeline", { baton: this.baton, requests });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.type, "application/json");
    this.baton = answer.baton;
    return answer.results;
  }

  /** The result of one statement. */
  async run(node: NodeProcess, sql: string, more: Members = {}) {
    const [result] = await this.send(node, execute(sql, more));
    assert.equal(result.type, "ok", JSON.stringify(result));
    return result.response.result;
  }

  async fails(node: NodeProcess, sql: string, more: Members = {}): Promise<Members> {
    const [result] = await this.send(node, execute(sql, more));
    assert.equal(result.type, "error", JSON.stringify(result));
    return result.error;
  }
}

async function one(node: NodeProcess, sql: string, more: Members = {}) {
  return await new Stream().run(node, sql, more);
}

async function batch(node: NodeProcess, steps: Members[], stream = new Stream()) {
  const [result] = await stream.send(node, { type: "batch", batch: { steps } });
  return result.response.result;
}

const step = (sql: string, condition?: Members) => ({ stmt: { sql }, condition });

Deno.test("A node speaks libSQL's protocol", async (t) => {
  await using cluster = await Cluster.start({ size: 1 });
  const node = await cluster.leader();

  await t.step("values are exact, and as SQLite has them", async () => {
    const sql = "CREATE TABLE v (i INTEGER PRIMARY KEY, Any, t TEXT, at DATETIME, ok BOOLEAN)";
    await one(node, sql);
    const blob = (base64: string) => ({ type: "blob", base64 });
    const args = [
      integer("9223372036854775806"),
      { type: "float", value: 1 },
      { type: "text", value: "a\0é" },
      integer(1_700_000_000),
      integer(1),
    ];
    const written = await one(node, "INSERT INTO v VALUES (?, ?, ?, ?, ?)", { args });
    assert.equal(written.affected_row_count, 1);
    assert.equal(written.last_insert_rowid, "9223372036854775806");
    assert.match(written.replication_index, /^\d+$/);
    const read = await one(node, "SELECT *, typeof(Any), ?, ?, 1e999 FROM v", {
      args: [blob("AP8="), blob("AP8")],
    });
    assert.deepEqual(read.cols.slice(0, 6), [
      { name: "i", decltype: "INTEGER" },
      { name: "Any", decltype: null },
      { name: "t", decltype: "TEXT" },
      { name: "at", decltype: "DATETIME" },
      { name: "ok", decltype: "BOOLEAN" },
      { name: "typeof(Any)", decltype: null },
    ]);
    assert.deepEqual(read.rows, [[
      ...args.slice(0, 5),
      { type: "text", value: "real" },
      blob("AP8"),
      blob("AP8"),
      { type: "float", value: null },
    ]]);
    const mended = await new Stream().fails(node, "SELECT CAST(x'ff' AS TEXT)");
    assert.match(String(mended.message), /not UTF-8/);
  });

  await t.step("errors have libSQL's codes, in their places, and the rest goes on", async () => {
    await one(node, "CREATE TABLE e (a UNIQUE)");
    const stream = new Stream();
    const results = await stream.send(
      node,
      execute("INSERT INTO e VALUES (1)"),
      execute("INSERT INTO e VALUES (1)"),
      execute("SELEC"),
      execute("SELECT nix"),
      execute("SELECT * FROM nix"),
      execute(" -- nothing\n"),
      execute("SELECT 1; SELECT 2"),
      execute("SELECT ?"),
      execute("SELECT :a", { args: [integer(1)] }),
      execute("SELECT :a", { named_args: [{ name: "@a", value: integer(1) }] }),
      execute("SELECT ?", { args: [integer(1)], named_args: [{ name: "a", value: integer(1) }] }),
      execute("COMMIT"),
      execute("SAVEPOINT a"),
      execute("PRAGMA journal_mode = DELETE"),
      execute("SELECT :a, @a ;-- behind", { named_args: [{ name: "a", value: integer(7) }] }),
      { type: "get_autocommit" },
    );
    assert.deepEqual(results.map(({ type, error }) => type === "ok" ? type : error.code), [
      ...["ok", "SQLITE_CONSTRAINT", "SQL_PARSE_ERROR", "SQL_INPUT_ERROR", "SQLITE_UNKNOWN"],
      ...["SQL_NO_STATEMENT", "SQL_MANY_STATEMENTS", "ARGS_INVALID", "ARGS_INVALID"],
      ...["ARGS_INVALID", "ARGS_BOTH_POSITIONAL_AND_NAMED", "SQLITE_UNKNOWN", "SQLITE_UNKNOWN"],
      ...["SQLITE_AUTH", "ok", "ok"],
    ]);
    assert.deepEqual(results[1].error, {
      message: "SQLite error: UNIQUE constraint failed: e.a",
      code: "SQLITE_CONSTRAINT",
      extended_code: "SQLITE_CONSTRAINT_UNIQUE",
    });
    assert.deepEqual(results[14].response.result.rows, [[integer(7), integer(7)]]);
    assert.equal(results[15].response.is_autocommit, true);
  });

  await t.step("last_insert_rowid() and changes() are the stream's own", async () => {
    await one(node, "CREATE TABLE c (id INTEGER PRIMARY KEY, v UNIQUE)");
    const [mine, others] = [new Stream(), new Stream()];
    await mine.run(node, "INSERT INTO c VALUES (5, 'a'), (6, 'b')");
    await others.run(node, "INSERT INTO c VALUES (90, 'z')");
    const asked = "SELECT last_insert_rowid(), changes() AS n, (SELECT last_insert_rowid())";
    const seen = await mine.run(node, asked);
    assert.deepEqual(seen.rows, [[integer(6), integer(2), integer(6)]]);
    assert.equal(seen.cols[0].name, "last_insert_rowid()");
    const ignored = await mine.run(node, "INSERT OR IGNORE INTO c VALUES (7, 'a')");
    assert.equal(ignored.last_insert_rowid, "6");
    assert.equal(ignored.affected_row_count, 0);
    assert.equal((await mine.run(node, "UPDATE c SET v = v")).last_insert_rowid, null);
    await mine.run(node, "INSERT INTO c (v) VALUES ('is ' || last_insert_rowid())");
    const { rows } = await one(node, "SELECT v FROM c WHERE id = 91");
    assert.deepEqual(rows, [[{ type: "text", value: "is 6" }]]);
    assert.deepEqual((await one(node, "SELECT last_insert_rowid()")).rows, [[integer(0)]]);
  });

  await t.step("a transaction of a stream is SQLite's", async () => {
    await one(node, "CREATE TABLE x (a UNIQUE)");
    const stream = new Stream();
    await stream.run(node, "BEGIN IMMEDIATE TRANSACTION");
    await stream.run(node, "INSERT INTO x VALUES (1)");
    assert.equal((await stream.fails(node, "INSERT INTO x VALUES (1)")).code, "SQLITE_CONSTRAINT");
    assert.match(String((await stream.fails(node, "BEGIN")).message), /within a transaction/);
    await stream.run(node, "SAVEPOINT one");
    await stream.run(node, "INSERT INTO x VALUES (2)");
    await stream.run(node, "ROLLBACK TO SAVEPOINT one");
    await stream.run(node, "CREATE TABLE made (inside)");
    const [described, autocommit] = await stream.send(
      node,
      { type: "describe", sql: "SELECT inside, :p FROM made" },
      { type: "get_autocommit" },
    );
    assert.deepEqual(described.response.result, {
      params: [{ name: ":p" }],
      cols: [{ name: "inside", decltype: null }, { name: ":p", decltype: null }],
      is_explain: false,
      is_readonly: true,
    });
    assert.equal(autocommit.response.is_autocommit, false);
    assert.deepEqual((await one(node, "SELECT * FROM x")).rows, []);
    await stream.send(node, execute("COMMIT"), close);
    assert.equal(stream.baton, null);
    assert.deepEqual((await one(node, "SELECT * FROM x")).rows, [[integer(1)]]);

    const left = new Stream();
    await left.send(node, execute("BEGIN"), execute("DELETE FROM x"), close);
    assert.deepEqual((await one(node, "SELECT * FROM x")).rows, [[integer(1)]]);
    const reading = new Stream();
    await reading.run(node, "BEGIN TRANSACTION READONLY");
    assert.deepEqual((await reading.run(node, "SELECT * FROM x")).rows, [[integer(1)]]);
    assert.equal((await reading.fails(node, "DELETE FROM x")).code, "SQLITE_READONLY");
    await reading.send(node, execute("ROLLBACK"), close);
  });

  await t.step("who has read what others have written since is told SQLITE_BUSY", async () => {
    await one(node, "CREATE TABLE busy (a)");
    const stream = new Stream();
    await stream.run(node, "BEGIN");
    await stream.run(node, "SELECT count(*) FROM busy");
    await one(node, "INSERT INTO busy VALUES (1)");
    assert.equal((await stream.fails(node, "INSERT INTO busy VALUES (2)")).code, "SQLITE_BUSY");
    const rest = await stream.send(node, execute("INSERT INTO busy VALUES (3)"), execute("COMMIT"));
    assert.deepEqual(rest.map(({ error }) => error.code), ["SQLITE_BUSY", "SQLITE_BUSY"]);
    await stream.run(node, "ROLLBACK");
    await stream.run(node, "INSERT INTO busy VALUES (4)");
    const { rows } = await one(node, "SELECT a FROM busy");
    assert.deepEqual(rows, [[integer(1)], [integer(4)]]);
  });

  await t.step("a batch runs the steps whose conditions hold", async () => {
    await one(node, "CREATE TABLE b (a UNIQUE)");
    const result = await batch(node, [
      step("INSERT INTO b VALUES (1)"),
      step("INSERT INTO b VALUES (1)", ok(0)),
      step("INSERT INTO b VALUES (2)", ok(1)),
      step("INSERT INTO b VALUES (3)", { type: "error", step: 2 }),
      step("INSERT INTO b VALUES (4)", { type: "and", conds: [] }),
      step("INSERT INTO b VALUES (5)", { type: "or", conds: [] }),
      step("INSERT INTO b VALUES (6)", { type: "not", cond: { type: "is_autocommit" } }),
    ]);
    const done = result.step_results.map((one: unknown) => one !== null);
    assert.deepEqual(done, [true, false, false, true, true, false, false]);
    const codes = result.step_errors.map((error: Members | null) => error?.code ?? null);
    assert.deepEqual(codes, [null, "SQLITE_CONSTRAINT", null, null, null, null, null]);
  });

  await t.step("a batch that is a transaction is all or nothing, and one write", async () => {
    await one(node, "CREATE TABLE a (a UNIQUE)");
    const transaction = (...statements: string[]) => [
      step("BEGIN IMMEDIATE"),
      ...statements.map((sql, i) => step(sql, ok(i))),
      step("COMMIT", ok(statements.length)),
      step("ROLLBACK", { type: "not", cond: ok(statements.length + 1) }),
    ];
    const made = await batch(
      node,
      transaction("INSERT INTO a VALUES (1)", "SELECT count(*) FROM a", "PRAGMA foreign_keys=OFF"),
    );
    assert.deepEqual(made.step_errors, [null, null, null, null, null, null]);
    assert.deepEqual(made.step_results[2].rows, [[integer(1)]]);
    assert.equal(made.step_results[1].replication_index, made.step_results[2].replication_index);
    assert.equal(made.step_results[5], null);
    const stream = new Stream();
    const failed = await batch(
      node,
      transaction("INSERT INTO a VALUES (2)", "INSERT INTO a VALUES (1)", "DELETE FROM a"),
      stream,
    );
    assert.deepEqual(
      failed.step_results.map((one: unknown) => one !== null),
      [true, true, false, false, false, true],
    );
    assert.equal(failed.step_errors[2].code, "SQLITE_CONSTRAINT");
    await stream.run(node, "INSERT INTO a VALUES (3)");
    const { rows } = await one(node, "SELECT a FROM a ORDER BY a");
    assert.deepEqual(rows, [[integer(1)], [integer(3)]]);
  });

  await t.step("foreign keys are the stream's, in transactions and outside", async () => {
    await one(node, "CREATE TABLE p (id INTEGER PRIMARY KEY)");
    await one(node, "CREATE TABLE f (p REFERENCES p (id) ON DELETE CASCADE)");
    const stream = new Stream();
    const orphan = "INSERT INTO f VALUES (77)";
    await stream.run(node, "PRAGMA foreign_keys = ON");
    assert.deepEqual((await stream.run(node, "PRAGMA foreign_keys")).rows, [[integer(1)]]);
    assert.equal((await stream.fails(node, orphan)).extended_code, "SQLITE_CONSTRAINT_FOREIGNKEY");
    await stream.run(node, "BEGIN");
    assert.equal((await stream.fails(node, orphan)).code, "SQLITE_CONSTRAINT");
    await stream.run(node, "PRAGMA foreign_keys = OFF");
    assert.equal((await stream.fails(node, orphan)).code, "SQLITE_CONSTRAINT");
    await stream.run(node, "ROLLBACK");
    await stream.run(node, "PRAGMA foreign_keys = OFF");
    await stream.run(node, orphan);
    await stream.run(node, "BEGIN");
    await stream.run(node, orphan);
    await stream.run(node, "COMMIT");
    assert.deepEqual((await one(node, "SELECT count(*) FROM f")).rows, [[integer(2)]]);
    assert.equal((await node.query("PRAGMA foreign_keys"))[0]?.[0], 0, "the cluster's stay");
  });

  await t.step("SQL is stored, sequences stop at an error, and cursors send rows", async () => {
    const stream = new Stream();
    const results = await stream.send(
      node,
      { type: "store_sql", sql_id: 0, sql: "SELECT ?" },
      { type: "execute", stmt: { sql_id: 0, args: [integer(3)] } },
      { type: "close_sql", sql_id: 0 },
      { type: "close_sql", sql_id: 0 },
      { type: "sequence", sql: "CREATE TABLE s (a); INSERT INTO s VALUES (1); SELEC; SELECT 1" },
      { type: "sequence", sql: " ;; " },
      { type: "sequence", sql: "BEGIN; INSERT INTO s VALUES (2);" },
      { type: "get_autocommit" },
    );
    assert.deepEqual(results.map(({ type }) => type), [
      ...["ok", "ok", "ok", "ok", "error", "ok", "ok", "ok"],
    ]);
    assert.equal(results[7].response.is_autocommit, false);
    const unknown = await post(node, "/v3/pipeline", {
      baton: stream.baton,
      requests: [{ type: "execute", stmt: { sql_id: 9 } }],
    });
    assert.equal(unknown.status, 400);
    assert.deepEqual((await one(node, "SELECT a FROM s")).rows, [[integer(1)]]);

    const { text } = await post(node, "/v3/cursor", {
      batch: {
        steps: [
          step("SELECT a, 'x\ny' FROM s UNION ALL VALUES (5, NULL)"),
          step("INSERT INTO s VALUES (9) RETURNING a"),
          step("SELEC"),
          step("SELECT 1", ok(2)),
          step("SELECT 1 WHERE 0"),
        ],
      },
    });
    const [head, ...entries] = text.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.match(head.baton, /^f\./);
    const seen = entries.map(({ type, step, row }) => step ?? row?.[0].value ?? type);
    assert.deepEqual(
      seen,
      [0, "1", "5", "step_end", 1, "9", "step_end", 2, 4, "step_end"].concat(
        "replication_index",
      ),
    );
    assert.deepEqual(entries.at(6), {
      type: "step_end",
      affected_row_count: 1,
      last_insert_rowid: "2",
    });
  });

  await t.step("more rows than an answer may hold come by a cursor only", async () => {
    const sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) " +
      "SELECT i, printf('%.*c', 1000, 'x') FROM n";
    assert.equal((await new Stream().fails(node, sql)).code, "RESPONSE_TOO_LARGE");
    const { text } = await post(node, "/v3/cursor", { batch: { steps: [step(sql)] } });
    const lines = text.trimEnd().split("\n");
    assert.equal(lines.length, 12_003);
    assert.equal(JSON.parse(lines.at(-2) ?? "").row[0].value, "12000");
  });

  await t.step("what is large is read by another thread, and bounded", async () => {
    await one(node, "CREATE TABLE big (b BLOB)");
    const base64 = "Af8A".repeat(100_000);
    await one(node, "INSERT INTO big VALUES (?)", { args: [{ type: "blob", base64 }] });
    assert.deepEqual((await one(node, "SELECT b FROM big")).rows, [[{ type: "blob", base64 }]]);
    const nested = `${"[".repeat(300_000)}${"]".repeat(300_000)}`;
    const many = `[${"0,".repeat(300_000)}0]`;
    for (const args of [nested, many]) {
      const body = `{"requests":[{"type":"execute","stmt":{"sql":"SELECT 1","args":${args}}}]}`;
      const refused = await post(node, "/v2/pipeline", body);
      assert.equal(refused.status, 413, refused.text);
      assert.equal(JSON.parse(refused.text).code, "SQLITE_TOOBIG");
    }
    const long = `SELECT '${"x".repeat(1_000_000)}'`;
    assert.equal((await new Stream().fails(node, long)).code, "SQLITE_TOOBIG");
  });

  await t.step("version 1 has no streams", async () => {
    const executed = await post(node, "/v1/execute", { stmt: { sql: "SELECT 4" } });
    assert.deepEqual(JSON.parse(executed.text).result.rows, [[integer(4)]]);
    const failed = await post(node, "/v1/execute", { stmt: { sql: "SELEC" } });
    assert.equal(failed.status, 400);
    assert.equal(JSON.parse(failed.text).code, "SQL_PARSE_ERROR");
    const steps = [step("SELECT 1"), step("SELEC")];
    const batched = JSON.parse((await post(node, "/v1/batch", { batch: { steps } })).text);
    assert.equal(batched.result.step_errors[1].code, "SQL_PARSE_ERROR");
  });

  await t.step(
    "a baton is for its next request only, and one that names nothing for ever",
    async () => {
      const stream = new Stream();
      await stream.run(node, "SELECT 1");
      const free = stream.baton;
      await stream.run(node, "SELECT 1");
      assert.equal((await post(node, "/v2/pipeline", { baton: free, requests: [] })).status, 200);
      await stream.run(node, "BEGIN");
      const used = stream.baton;
      await stream.run(node, "SELECT 1");
      const again = await post(node, "/v2/pipeline", { baton: used, requests: [] });
      assert.equal(again.status, 400);
      assert.equal(again.type, "application/json");
      assert.match(JSON.parse(again.text).message, /has already been used/);
      await stream.run(node, "SELECT 1");
      for (const baton of ["", "x", used?.replace(/^s\.\w/, "s.-"), "s." + "a".repeat(24) + ".%"]) {
        const { status, text } = await post(node, "/v2/pipeline", { baton, requests: [] });
        assert.equal(status, 400, text);
      }
      const closed = { baton: stream.baton, requests: [close, close, execute("SELECT 1")] };
      assert.equal((await post(node, "/v2/pipeline", closed)).status, 400);
    },
  );

  await t.step("what is no request is refused before anything is done", async () => {
    const insert = execute("INSERT INTO s VALUES (100)");
    const batchOf = (condition: unknown) => ({
      type: "batch",
      batch: { steps: [{ stmt: { sql: "SELECT 1" }, condition }] },
    });
    let nested: unknown = { type: "is_autocommit" };
    for (let i = 0; i < 100; i++) nested = { type: "not", cond: nested };
    const refused: unknown[] = [
      ...["", "x", "[]", "null", '"x"', '{"requests":1}', "{}"],
      ...[{ type: "nix" }, {}, null, 1, [], { type: "execute" }, { type: "execute", stmt: {} }],
      { type: "execute", stmt: { sql: "SELECT 1", sql_id: 1 } },
      ...[
        integer(1.5),
        integer("9223372036854775808"),
        { type: "integer", value: 1 },
        {
          type: "x",
        },
        { type: "float", value: "1" },
        { type: "blob", base64: "A" },
        null,
        { type: "text" },
      ].map((
        value,
      ) => execute("SELECT ?", { args: [value] })),
      ...[ok(0), ok(-1), ok(0.5), { type: "ok" }, { type: "nix" }, { type: "not" }, 1, nested].map(
        batchOf,
      ),
    ];
    for (const one of refused) {
      const body = typeof one === "string" ? one : { requests: [insert, one] };
      const { status, type, text } = await post(node, "/v2/pipeline", body);
      assert.equal(status, 400, `${JSON.stringify(one)}: ${text}`);
      assert.equal(type, "application/json");
      const { message, code } = JSON.parse(text);
      assert(message && code, text);
    }
    assert.deepEqual((await one(node, "SELECT * FROM s WHERE a = 100")).rows, []);
    const key = await fetch(`${node.url}/v2/pipeline`, {
      method: "POST",
      body: '{"requests":[]}',
      headers: { "idempotency-key": "k" },
    });
    assert.equal(key.status, 400);
    await key.body?.cancel();
  });
});

Deno.test("A stream whose transaction the server has ended refuses all but its end", async () => {
  await using cluster = await Cluster.start({ size: 1, flags: ["-tx-idle-timeout", "3s"] });
  const node = await cluster.leader();
  await one(node, "CREATE TABLE t (a)");
  const stream = new Stream();
  await stream.run(node, "BEGIN IMMEDIATE");
  await stream.run(node, "INSERT INTO t VALUES (1)");
  // It waits for the other to be ended.
  await one(node, "INSERT INTO t VALUES (2)");
  for (const sql of ["INSERT INTO t VALUES (3)", "SELECT 1", "COMMIT"]) {
    assert.equal((await stream.fails(node, sql)).code, "TRANSACTION_TIMEOUT", sql);
  }
  await stream.run(node, "ROLLBACK");
  assert.deepEqual((await stream.run(node, "SELECT a FROM t")).rows, [[integer(2)]]);
});

Deno.test("A stream goes on at whichever node it is asked, while its own is there", async () => {
  await using cluster = await Cluster.start();
  const [first, second, third] = cluster.nodes as [NodeProcess, NodeProcess, NodeProcess];
  await one(second, "CREATE TABLE t (a)");
  for (const node of cluster.nodes) {
    await one(node, "INSERT INTO t VALUES (1)");
    for (const other of cluster.nodes) await one(other, "SELECT * FROM t");
  }
  assert.equal(
    (await one(third, "SELECT * FROM t")).rows.length,
    3,
    "own writes are read anywhere",
  );

  const stream = new Stream();
  await stream.run(second, "BEGIN IMMEDIATE");
  await stream.run(third, "INSERT INTO t VALUES (2)");
  assert.equal((await stream.run(first, "SELECT * FROM t")).rows.length, 4);
  const blob = { type: "blob", base64: "AP8A".repeat(100_000) };
  const length = "SELECT length(?), ?";
  const { rows } = await stream.run(third, length, { args: [blob, blob] });
  assert.deepEqual(rows, [[integer(300_000), blob]]);
  const used = stream.baton;
  assert.equal((await one(first, "SELECT * FROM t")).rows.length, 3);
  const cursor = await post(third, "/v3/cursor", {
    baton: stream.baton,
    batch: { steps: [step("SELECT a FROM t"), step("COMMIT")] },
  });
  assert.equal(cursor.text.match(/"type":"row"/g)?.length, 4, cursor.text);
  stream.baton = JSON.parse(cursor.text.split("\n")[0] ?? "").baton;
  assert.equal((await one(first, "SELECT * FROM t")).rows.length, 4);
  const again = await post(first, "/v2/pipeline", { baton: used, requests: [] });
  assert.match(again.text, /already been used/);

  // Its node is lost, and with it what it had open; what names nothing goes on elsewhere.
  const free = new Stream();
  await free.run(second, "SELECT 1");
  const lost = new Stream();
  await lost.run(second, "BEGIN");
  await lost.run(second, "INSERT INTO t VALUES (3)");
  await second.kill();
  await eventually("another leader", async () => (await one(first, "SELECT 1")) !== undefined);
  assert.equal((await free.run(third, "SELECT * FROM t")).rows.length, 4);
  const gone = await eventually("the loss to be known", async () => {
    const { baton } = lost;
    const answer = await post(third, "/v2/pipeline", { baton, requests: [execute("COMMIT")] });
    return answer.status === 400 ? answer : undefined;
  });
  assert.equal(JSON.parse(gone.text).code, "STREAM_EXPIRED");
  assert.equal((await one(third, "SELECT * FROM t")).rows.length, 4);
});
