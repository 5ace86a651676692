import assert from "node:assert/strict";
import { sqlite3, TestStore } from "./fixture.ts";

const done = /^\{"last_insert_id":\d+,"rows_affected":\d+\}$|^\{\}$/;

async function rows(s: TestStore, sql: string): Promise<unknown> {
  return JSON.parse(await s.query(sql)).values ?? [];
}

/** What sqlite3's own `.dump` writes of what `sql` makes. */
async function dumpOf(sql: string): Promise<string> {
  const path = await Deno.makeTempFile();
  try {
    sqlite3(path, sql);
    return sqlite3(path, ".dump");
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("A load runs transactions, savepoints and what stands around them as the sqlite3 program does", async () => {
  const cases: [sql: string, expected: unknown][] = [
    ["BEGIN; INSERT INTO t VALUES (1); END;", [[1]]],
    ["INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2); COMMIT; ANALYZE; -- done", [
      [1],
      [2],
    ]],
    ["PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; BEGIN; INSERT INTO t VALUES (1); COMMIT", [[
      1,
    ]]],
    ["BEGIN /* a */ IMMEDIATE -- b\n TRANSACTION; INSERT INTO t VALUES (1); COMMIT/*;*/; /*;", [[
      1,
    ]]],
    ["BEGIN; INSERT INTO t VALUES (1); COMMIT; BEGIN; INSERT INTO t VALUES (2); ROLLBACK", [[1]]],
    [
      "SAVEPOINT a; INSERT INTO t VALUES (1); SAVEPOINT A; INSERT INTO t VALUES (2); ROLLBACK TO a; " +
      "INSERT INTO t VALUES (3); RELEASE a; INSERT INTO t VALUES (4); ROLLBACK TO a; RELEASE a; VACUUM",
      [],
    ],
    [
      "BEGIN; SAVEPOINT raftlite_load; RELEASE raftlite_load; INSERT INTO t VALUES (1); ROLLBACK",
      [],
    ],
    ["BEGIN; CREATE TABLE u (x); ROLLBACK; CREATE TABLE u (y); INSERT INTO t SELECT 1 FROM u", []],
    [
      "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END; INSERT INTO t VALUES (';COMMIT;')",
      [[
        ";COMMIT;",
      ]],
    ],
    ["PRAGMA foreign_keys=OFF; INSERT INTO t VALUES (1); PRAGMA foreign_keys=ON;", [[1]]],
    [";;\n;", []],
    ["", []],
  ];
  for (const [sql, expected] of cases) {
    for (const foreignKeys of [false, true]) {
      await using s = await TestStore.open({ foreignKeys });
      await s.execute(["CREATE TABLE t (x)"]);
      const answer = await s.load(sql);
      if (sql !== "") assert.match(answer, done, sql);
      assert.deepEqual(await rows(s, "SELECT x FROM t"), expected, sql);
      sqlite3(`${s.directory}/plain`, `CREATE TABLE t (x); ${sql}`);
      const plain = sqlite3(`${s.directory}/plain`, "SELECT x FROM t");
      assert.deepEqual((expected as unknown[]).map((row) => `${row}\n`).join(""), plain, sql);
      assert.equal(
        await s.execute(["PRAGMA foreign_keys"], { unified: true }),
        `{"columns":["foreign_keys"],"types":["integer"],"values":[[${foreignKeys ? 1 : 0}]]}`,
      );
    }
  }
});

Deno.test("A load is all or nothing, and says why it is nothing", async () => {
  const cases: [sql: string, because: RegExp][] = [
    ["INSERT INTO t VALUES (1); INSERT INTO missing VALUES (1)", /no such table: missing/],
    ["BEGIN; INSERT INTO t VALUES (1); COMMIT; INSERT INTO missing VALUES (1)", /no such table/],
    ["BEGIN; INSERT INTO t VALUES (1);", /COMMIT is missing/],
    ["SAVEPOINT a; INSERT INTO t VALUES (1)", /COMMIT is missing/],
    ["INSERT INTO t VALUES (1); COMMIT", /cannot commit - no transaction is active/],
    ["INSERT INTO t VALUES (1); ROLLBACK", /cannot rollback - no transaction is active/],
    ["BEGIN; INSERT INTO t VALUES (1); BEGIN", /cannot start a transaction within a transaction/],
    ["INSERT INTO t VALUES (1); RELEASE raftlite_load", /no such savepoint: raftlite_load/],
    ["INSERT INTO t VALUES (1); ROLLBACK TO raftlite_entry", /no such savepoint/],
    ["BEGIN; INSERT INTO t VALUES (1); VACUUM; COMMIT", /cannot VACUUM from within a transaction/],
    ["INSERT INTO t VALUES (1); VACUUM /* INTO */ INTO 'x'", /VACUUM INTO is refused/],
    ["INSERT INTO t VALUES (1); ATTACH 'x' AS x", /ATTACH/],
    ["INSERT INTO t VALUES (1); PRAGMA recursive_triggers=ON", /recursive_triggers is refused/],
    ["INSERT INTO t VALUES (1); INSERT OR ROLLBACK INTO k VALUES (1), (1)", /UNIQUE/],
    ["INSERT INTO t VALUES (1); SELECT 'x", /unrecognized token/],
    ["INSERT INTO t VALUES (1); INSERT INTO c VALUES (1); BEGIN; COMMIT", /FOREIGN KEY/],
  ];
  await using s = await TestStore.open({ foreignKeys: true });
  await s.execute([
    "CREATE TABLE t (x)",
    "CREATE TABLE k (x PRIMARY KEY)",
    "CREATE TABLE c (x REFERENCES k DEFERRABLE INITIALLY DEFERRED)",
  ]);
  for (const [sql, because] of cases) {
    assert.match(JSON.parse(await s.load(sql)).error ?? "", because, sql);
    assert.deepEqual(await rows(s, "SELECT * FROM t UNION ALL SELECT * FROM c"), [], sql);
  }
  assert.match(await s.load("INSERT INTO t VALUES (1)"), done);
});

Deno.test("A load's PRAGMA foreign_keys holds until its end, and not within a transaction", async () => {
  const orphan = "INSERT INTO c VALUES (7)";
  const cases: [foreignKeys: boolean, sql: string, ok: boolean][] = [
    [true, orphan, false],
    [true, `PRAGMA foreign_keys=OFF; ${orphan}`, true],
    [true, `PRAGMA foreign_keys=OFF; BEGIN; ${orphan}; COMMIT; PRAGMA foreign_keys=ON`, true],
    [true, `BEGIN; PRAGMA foreign_keys=OFF; ${orphan}; COMMIT`, false],
    [true, `PRAGMA foreign_keys=0; PRAGMA foreign_keys=yes; ${orphan}`, false],
    [false, orphan, true],
    [false, `PRAGMA foreign_keys=ON; ${orphan}`, false],
    [false, `PRAGMA foreign_keys=ON; PRAGMA foreign_keys=OFF; BEGIN; ${orphan}; COMMIT`, true],
  ];
  for (const [foreignKeys, sql, ok] of cases) {
    await using s = await TestStore.open({ foreignKeys });
    await s.execute(["CREATE TABLE p (x PRIMARY KEY); CREATE TABLE c (x REFERENCES p)"]);
    assert.equal(/FOREIGN KEY constraint failed/.test(await s.load(sql)), !ok, sql);
    assert.deepEqual(await rows(s, "SELECT x FROM c"), ok ? [[7]] : [], sql);
    assert.equal(/FOREIGN KEY/.test(await s.execute(["INSERT INTO c VALUES (8)"])), foreignKeys);
  }
});

Deno.test("A load creates and fills tables in any order, and foreign keys hold at its end", async () => {
  const child = "CREATE TABLE a (x REFERENCES b (y)); INSERT INTO a VALUES (1);";
  const parent = "CREATE TABLE b (y); INSERT INTO b VALUES (1);";
  const index = "CREATE UNIQUE INDEX i ON b (y);";
  const trigger = "CREATE TRIGGER r AFTER INSERT ON b BEGIN DELETE FROM p; END;";
  const failed = /FOREIGN KEY constraint failed/;
  const cases: [sql: string, because: RegExp][] = [
    [`${child} ${parent} ${index}`, done],
    [
      `BEGIN; ${child} ${parent} CREATE TRIGGER r AFTER INSERT ON a BEGIN SELECT 1; END; ${index} COMMIT;`,
      done,
    ],
    [
      `${child} ${parent} DELETE FROM sqlite_stat1; ${index} UPDATE b SET y = 1`,
      /no such table: sq/,
    ],
    [`${child} CREATE TABLE b (y UNIQUE)`, failed],
    [`${child} ${index}`, /no such table: main.b/],
    [`${child} BEGIN; ${parent} ${index} ROLLBACK;`, failed],
    [`${child} ${parent} ${index} DELETE FROM b`, failed],
    [`${child} ${parent} ${index} DELETE FROM a; DELETE FROM b`, done],
    [`${child} ${parent} ${index} INSERT INTO old VALUES (7)`, failed],
    ["CREATE TABLE main.a (x REFERENCES b); INSERT INTO main . a VALUES (1)", failed],
    ["CREATE TABLE [É] (x REFERENCES p); INSERT INTO [É] VALUES (1)", failed],
    ["INSERT INTO [Ö] VALUES (1)", failed],
    ["INSERT INTO v VALUES (1)", failed],
    [`${child} UPDATE a SET x = 2; ${parent} ${index}`, failed],
    [`${parent} ${index} ${trigger} INSERT INTO b VALUES (3)`, failed],
    [`${child} PRAGMA foreign_keys=OFF; ${parent}`, failed],
    [`PRAGMA foreign_keys=OFF; ${child}`, done],
  ];
  for (const [sql, because] of cases) {
    await using s = await TestStore.open({ foreignKeys: true });
    await s.execute([
      "CREATE TABLE p (z PRIMARY KEY); CREATE TABLE old (w REFERENCES p)",
      "INSERT INTO p VALUES (5); INSERT INTO old VALUES (5); CREATE TABLE [Ö] (x REFERENCES p)",
      "CREATE VIEW v AS SELECT w FROM old",
      "CREATE TRIGGER t INSTEAD OF INSERT ON v BEGIN INSERT INTO old VALUES (new.w); END",
    ]);
    const answer = await s.load(sql);
    assert.match(answer, because, `${sql}: ${answer}`);
    assert.match(await s.execute(["DELETE FROM p"]), failed, sql);
  }
});

Deno.test("A load takes virtual tables from sqlite3's .dump and Python's iterdump", async () => {
  const dump = await dumpOf(
    `CREATE TABLE docs (id INTEGER PRIMARY KEY, x); INSERT INTO docs VALUES (1, 'hello'), (2, 'world');
     CREATE VIRTUAL TABLE five USING fts5(x); INSERT INTO five VALUES ('hello; there'), ('it''s');
     CREATE VIRTUAL TABLE "out" USING fts5(x, content=docs, content_rowid=id);
     INSERT INTO "out"("out") VALUES ('rebuild');
     CREATE VIRTUAL TABLE bare USING fts5(x, content=''); INSERT INTO bare(rowid, x) VALUES (3, 'no');
     CREATE VIRTUAL TABLE "fo ur" USING fts4(x, y); INSERT INTO "fo ur" VALUES ('hello', 'you');
     CREATE VIRTUAL TABLE box USING rtree(id, low, high); INSERT INTO box VALUES (1, 2, 3);
     CREATE TABLE keys (id INTEGER PRIMARY KEY AUTOINCREMENT, other REFERENCES docs);
     INSERT INTO keys (other) VALUES (2); CREATE INDEX keys_other ON keys (other); ANALYZE;
     CREATE TRIGGER kept AFTER INSERT ON docs BEGIN
       INSERT INTO "out" (rowid, x) VALUES (new.id, new.x); END;`,
  );
  const questions: [sql: string, expected: unknown][] = [
    ["SELECT x FROM five WHERE five MATCH 'hello'", [["hello; there"]]],
    ['SELECT rowid FROM "out" WHERE "out" MATCH \'world\'', [[2]]],
    ["SELECT rowid FROM bare WHERE bare MATCH 'no'", [[3]]],
    ['SELECT y FROM "fo ur" WHERE "fo ur" MATCH \'hello\'', [["you"]]],
    ["SELECT * FROM box", [[1, 2, 3]]],
    ["SELECT * FROM keys", [[1, 2]]],
    ["SELECT stat FROM sqlite_stat1 WHERE idx = 'keys_other'", [["1 1"]]],
  ];
  // What Python 3.11's Connection.iterdump() wrote of the same: with the virtual tables' own rows, too.
  const python = await Deno.readTextFile(new URL("iterdump.sql", import.meta.url));
  const dumps = { sqlite3: dump, python };
  for (const [program, dump] of Object.entries(dumps)) {
    for (const foreignKeys of [false, true]) {
      await using s = await TestStore.open({ foreignKeys });
      const answer = await s.load(dump);
      assert.match(answer, done, `${program}: ${answer}`);
      for (const [sql, expected] of questions) {
        assert.deepEqual(await rows(s, sql), expected, `${program}: ${sql}`);
      }
      await s.restart();
      const more = await s.execute([
        "INSERT INTO docs (x) VALUES ('newer')",
        "INSERT INTO five VALUES ('hello again')",
        "INSERT INTO five (five) VALUES ('integrity-check')",
        `INSERT INTO "fo ur" VALUES ('good', 'bye')`,
      ]);
      assert.doesNotMatch(more, /error/);
      assert.match(await s.execute(["DELETE FROM five_data"]), /may not be modified/);
      assert.deepEqual(await rows(s, `SELECT rowid FROM "out" WHERE "out" MATCH 'newer'`), [[3]]);
      assert.deepEqual(await rows(s, "PRAGMA integrity_check"), [["ok"]]);
    }
  }
});

Deno.test("A load writes nothing into sqlite_schema but virtual tables that SQLite can read", async () => {
  const on = "PRAGMA writable_schema=ON;";
  const row = (sql: string, name = "v", root = 0) =>
    `INSERT INTO sqlite_schema VALUES ('table', '${name}', '${name}', ${root}, '${sql}')`;
  const five = "CREATE VIRTUAL TABLE v USING fts5(x)";
  const cases: [sql: string, because: RegExp][] = [
    [row(five), /may not be modified/],
    [`${on} ${row("CREATE TABLE v (x)")}`, /sqlite_schema may not be modified, but for/],
    [`${on} ${row(five, "w")}`, /may not be modified, but for/],
    [`${on} ${row(five, "v", 2)}`, /may not be modified, but for/],
    [`${on} ${row(` ${five}`)}`, /may not be modified, but for/],
    [`${on} ${row("CREATE VIRTUAL TABLE main.v USING fts5(x)")}`, /may not be modified, but for/],
    [`${on} ${row("CREATE VIRTUAL TABLE IF NOT EXISTS v USING fts5(x)", "IF")}`, /but for/],
    [`${on} ${row("CREATE VIRTUAL TABLE v USING fts5(x")}`, /incomplete input/],
    [`${on} ${row(`${five}; DROP TABLE t`)}`, /more than one statement/],
    [`${on} ${row(five)}; ${row(five)}`, /already exists/],
    [`${on} ${row("CREATE VIRTUAL TABLE t USING fts5(x)", "t")}`, /already exists/],
    [`${on} ${row("CREATE VIRTUAL TABLE sqlite_v USING fts5(x)", "sqlite_v")}`, /reserved/],
    [`${on} ${row("CREATE VIRTUAL TABLE v USING dbstat")}`, /dbstat is refused/],
    [`${on} ${row(five)}; INSERT INTO v VALUES ('x;')`, /v cannot be read/],
    [`${on} UPDATE sqlite_schema SET sql = 'x'`, /may not be modified/],
    [`${on} DELETE FROM sqlite_master`, /may not be modified/],
    [`${on} INSERT OR REPLACE INTO sqlite_schema(rowid) VALUES (1)`, /may not be modified/],
    [`${on} BEGIN; ${row(five)}; ROLLBACK; SELECT * FROM v`, /no such table: v/],
  ];
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (x)"]);
  const schema = await rows(s, "SELECT * FROM sqlite_schema");
  for (const [sql, because] of cases) {
    assert.match(JSON.parse(await s.load(sql)).error ?? "no error", because, sql);
    assert.deepEqual(await rows(s, "SELECT * FROM sqlite_schema"), schema, sql);
  }
  // Of a module that no node has: it may wait for one that has, as with the sqlite3 program.
  assert.match(await s.load(`${on} ${row("CREATE VIRTUAL TABLE v USING nosuch(x)")}`), done);
  await s.restart();
  assert.match(await s.query("SELECT * FROM v"), /no such module: nosuch/);
  assert.match(await s.execute(["INSERT INTO t VALUES (1)"]), done);
});

Deno.test("A load counts as one entry among others, before and behind it", async () => {
  await using s = await TestStore.open();
  const request = { origin: 5n, sequence: 1, floor: 1 };
  const sql = new TextEncoder().encode("BEGIN; INSERT INTO t VALUES (random()); COMMIT");
  const entries = [
    s.entries.execute(["CREATE TABLE t (x)", "INSERT INTO t VALUES (1)"]),
    s.entries.command({ type: "load_sql", sql, request }),
    s.entries.command({ type: "load_sql", sql, request }),
    s.entries.execute(["INSERT INTO t VALUES (2)"]),
  ];
  const answers = await s.apply(...entries);
  assert.deepEqual(answers.slice(1), [
    '{"last_insert_id":2,"rows_affected":1}',
    "duplicate",
    '{"last_insert_id":3,"rows_affected":1}',
  ]);
  await using other = await TestStore.open();
  for (const entry of entries) await other.apply(entry);
  assert.deepEqual(await rows(other, "SELECT * FROM t"), await rows(s, "SELECT * FROM t"));
});

Deno.test("A load runs the statement with which FTS4 reads its table anew", async () => {
  await using s = await TestStore.open();
  const answer = await s.load(
    "CREATE TABLE docs (id INTEGER PRIMARY KEY, x); INSERT INTO docs VALUES (7, 'hello');" +
      "CREATE VIRTUAL TABLE f USING fts4(content=docs, x); INSERT INTO docs VALUES (8, 'world');" +
      "INSERT INTO f(f) VALUES ('rebuild');",
  );
  assert.doesNotMatch(answer, /error/);
  assert.deepEqual(await rows(s, "SELECT docid FROM f WHERE f MATCH 'hello OR world'"), [[7], [8]]);
});
