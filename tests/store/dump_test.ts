import assert from "node:assert/strict";
import { ByteWriter } from "../../src/base/bytes.ts";
import { Database, openLibrary } from "../../src/sqlite/mod.ts";
import { dumpSql } from "../../src/store/copy/dump.ts";
import { library, TestStore } from "./fixture.ts";

const opened = openLibrary(library);
/** https://www.sqlite.org/c3ref/c_limit_attached.html */
const lengthLimit = 0;

async function dumpOf(s: TestStore, ...tables: string[]): Promise<string> {
  const { body } = await s.store.backup({ format: "sql", vacuum: false, tables });
  const decoder = new TextDecoder("utf-8", { fatal: true });
  return decoder.decode(
    await new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>).bytes(),
  );
}

/** What a load of the text makes, in a store and by SQLite's library itself: rows of each question. */
async function loaded(dump: string, questions: readonly string[]): Promise<unknown[][]> {
  await using s = await TestStore.open();
  const answer = await s.load(dump);
  assert.doesNotMatch(answer, /error/);
  using plain = new Database(":memory:", { library: opened });
  plain.exec(dump);
  return await Promise.all(questions.map(async (sql) => {
    const { values = [] } = JSON.parse(await s.query(sql));
    assert.deepEqual(plain.prepare(sql).values(), values, sql);
    return values;
  }));
}

Deno.test("a dump gives back text with NULs and text that is no UTF-8", async () => {
  await using s = await TestStore.open();
  await s.execute([
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v, w)",
    "INSERT INTO t VALUES (1, 'a' || char(0) || 'b', 1.0), (2, char(0), 'it''s'), (3, CAST(x'636166e9' AS TEXT), NULL)",
    "INSERT INTO t VALUES (4, CAST(x'eda080' AS TEXT), 9223372036854775807), (5, x'610062', 'é😀'), (6, CAST(x'610062' AS TEXT), x'00ff')",
    "INSERT INTO t VALUES (7, -1.5e-30, CAST(x'ff' AS TEXT)), (8, 'plain', '')",
  ]);
  const dump = await dumpOf(s);
  assert.equal(
    dump,
    "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t (id INTEGER PRIMARY KEY, v, w);\n" +
      `INSERT INTO "t" VALUES(1,CAST(X'610062' AS TEXT),1.0);\n` +
      `INSERT INTO "t" VALUES(2,CAST(X'00' AS TEXT),'it''s');\n` +
      `INSERT INTO "t" VALUES(3,CAST(X'636166E9' AS TEXT),NULL);\n` +
      `INSERT INTO "t" VALUES(4,CAST(X'EDA080' AS TEXT),9223372036854775807);\n` +
      `INSERT INTO "t" VALUES(5,X'610062','é😀');\n` +
      `INSERT INTO "t" VALUES(6,CAST(X'610062' AS TEXT),X'00FF');\n` +
      `INSERT INTO "t" VALUES(7,-1.49999999999999995e-30,CAST(X'FF' AS TEXT));\n` +
      `INSERT INTO "t" VALUES(8,'plain','');\nCOMMIT;\n`,
  );
  const question = "SELECT id, typeof(v), hex(v), typeof(w), hex(w) FROM t";
  const [rows] = await loaded(dump, [question]);
  assert.deepEqual(rows, JSON.parse(await s.query(question)).values);
});

Deno.test("a dump gives back virtual tables with their rows, and rebuilds indexes of others", async () => {
  await using s = await TestStore.open();
  await s.execute([
    "CREATE TABLE a (id INTEGER PRIMARY KEY, body)",
    "INSERT INTO a VALUES (7, 'outside words')",
    "CREATE VIRTUAL TABLE a_words USING fts5vocab(ft, row)",
    "CREATE VIRTUAL TABLE ft USING fts5(title, body, prefix='2 3')",
    "INSERT INTO ft (rowid, title, body) VALUES (5, 'one', 'the quick fox'), (900, 'two', 'a lazy dog')",
    "INSERT INTO ft (title, body) SELECT 'many', 'word' || value FROM json_each('[1,2,3,4,5,6,7,8,9]')",
    "DELETE FROM ft WHERE rowid = 900",
    "CREATE VIRTUAL TABLE outside USING fts5(body, content='a', content_rowid='id')",
    "INSERT INTO outside (outside) VALUES ('rebuild')",
    "CREATE VIRTUAL TABLE bare USING fts5(body, content='')",
    "INSERT INTO bare (rowid, body) VALUES (3, 'nothing kept')",
    "CREATE VIRTUAL TABLE old USING fts4(body)",
    "INSERT INTO old (docid, body) VALUES (12, 'of another age')",
    "CREATE VIRTUAL TABLE old_outside USING fts4(content=a, body)",
    "INSERT INTO old_outside (old_outside) VALUES ('rebuild')",
    `CREATE VIRTUAL TABLE "Box ""x" USING rtree(id, x0, x1, +note)`,
    `INSERT INTO "Box ""x" VALUES (1, 0.1, 2.5, 'first'), (2, -1, 1, NULL)`,
    "CREATE TABLE ft_plain (v)",
    "INSERT INTO ft_plain VALUES ('no shadow')",
  ]);
  const questions = [
    "SELECT rowid, title, body FROM ft WHERE ft MATCH 'fox'",
    "SELECT rowid, title, body FROM ft WHERE ft MATCH 'wo* OR dog'",
    "SELECT count(*), min(rowid), max(rowid) FROM ft",
    "SELECT * FROM a_words",
    "SELECT docid, body FROM old WHERE old MATCH 'age'",
    "SELECT docid FROM old_outside WHERE old_outside MATCH 'words'",
    "SELECT rowid, body FROM outside WHERE outside MATCH 'words'",
    `SELECT * FROM "Box ""x" WHERE x0 < 0.5 ORDER BY id`,
    `SELECT rtreecheck('Box "x')`,
    "SELECT * FROM ft_plain",
    "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY 1",
  ];
  const expected = await Promise.all(
    questions.map(async (sql) => JSON.parse(await s.query(sql)).values ?? []),
  );
  assert.deepEqual(await loaded(await dumpOf(s), questions), expected);
  const some = questions.slice(0, 3);
  assert.deepEqual(await loaded(await dumpOf(s, "ft"), some), expected.slice(0, 3));
});

Deno.test("a virtual table out of a dump takes writes at once, and stays whole", async () => {
  await using s = await TestStore.open();
  await s.execute([
    "CREATE VIRTUAL TABLE ft USING fts5(body)",
    "INSERT INTO ft (body) SELECT 'old word' || value FROM json_each('[1,2,3,4,5,6,7,8,9]')",
    "CREATE VIRTUAL TABLE box USING rtree(id, x0, x1)",
    "INSERT INTO box SELECT value, value, value + 1 FROM json_each('[1,2,3,4,5,6,7,8,9]')",
  ]);
  const dump = await dumpOf(s);
  await using other = await TestStore.open();
  await other.load(dump);
  const more = [
    "INSERT INTO ft (body) VALUES ('new word')",
    "INSERT INTO ft (ft) VALUES ('integrity-check')",
    "INSERT INTO box VALUES (10, 3, 4)",
    "SELECT rtreecheck('box')",
  ];
  const answers = await other.execute(more, { unified: true });
  assert.doesNotMatch(answers, /error/);
  assert.match(answers, /\[\["ok"\]\]/);
  assert.match(
    await other.query("SELECT count(*) FROM ft WHERE ft MATCH 'word OR old'"),
    /\[\[10\]\]/,
  );
  await other.restart();
  const again = await other.execute(more.filter((sql) => !sql.startsWith("INSERT INTO box")), {
    unified: true,
  });
  assert.doesNotMatch(again, /error/);
});

const names =
  "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_raft%' ORDER BY 1, 2";

/** The dump of what the statements make, and the answers there and in a load of it. */
async function roundTrip(
  statements: readonly string[],
  questions: readonly string[],
): Promise<{ readonly dump: string; readonly rows: unknown[][] }> {
  await using s = await TestStore.open();
  assert.doesNotMatch(await s.execute(statements), /error/);
  const dump = await dumpOf(s);
  const rows = await loaded(dump, questions);
  for (const [i, sql] of questions.entries()) {
    assert.deepEqual(rows[i], JSON.parse(await s.query(sql)).values ?? [], sql);
  }
  return { dump, rows };
}

Deno.test("a dump keeps the sequences of AUTOINCREMENT tables of any name, and of none", async () => {
  const tables = ["a", "Sqlite", "users", "tags"];
  const statements = tables.flatMap((name) => [
    `CREATE TABLE ${name} (id INTEGER PRIMARY KEY AUTOINCREMENT, v)`,
    `INSERT INTO ${name} VALUES (${name.length * 10}, 'x')`,
    `DELETE FROM ${name}`,
  ]);
  const sequences = "SELECT name, seq FROM sqlite_sequence ORDER BY 1";
  const { rows } = await roundTrip(statements, [sequences]);
  assert.equal(rows[0]?.length, tables.length);
  const emptied = [
    ...statements,
    ...tables.map((name) => `DROP TABLE ${name}`),
    "INSERT INTO sqlite_sequence VALUES ('later', 7)",
  ];
  const { dump } = await roundTrip(emptied, [
    sequences,
    names,
  ]);
  assert.match(dump, /DROP TABLE "autoincrement";\nDELETE FROM "sqlite_sequence"/);
});

Deno.test("a dump ends every statement behind the comments that SQLite keeps at its end", async () => {
  const { dump } = await roundTrip([
    "CREATE TABLE t (v ANY) STRICT -- of t",
    "INSERT INTO t VALUES (1)",
    "CREATE VIEW a AS SELECT v FROM t -- of a",
    "CREATE VIEW b AS SELECT v FROM t /* of b; '",
    "CREATE INDEX i ON t (v) -- of i\n",
    "CREATE INDEX j ON t (v) /* of j */",
    "CREATE INDEX k ON t (v) /* ; **",
    "CREATE TABLE u (v)",
    "INSERT INTO u VALUES ('there')",
  ], [names, "SELECT * FROM a, b, u"]);
  assert.match(dump, /-- of t\n;\n/);
  assert.match(dump, /\/\* of b; '\*\/;\n/);
  assert.match(dump, /-- of i\n;\n/);
  assert.match(dump, /\/\* of j \*\/;\n/);
});

Deno.test("a dump loads where foreign keys are enforced, whatever the order of its tables", async () => {
  await using s = await TestStore.open({ foreignKeys: true });
  const made = await s.execute([
    "CREATE TABLE parent (id INTEGER, code)",
    "CREATE UNIQUE INDEX parent_code ON parent (code)",
    "CREATE TABLE child (code REFERENCES parent (code) ON DELETE CASCADE, up REFERENCES child (code))",
    "CREATE UNIQUE INDEX child_code ON child (code)",
    "INSERT INTO parent VALUES (1, 'a'), (2, 'b')",
    "INSERT INTO child VALUES ('b', 'b'), ('a', 'b')",
  ]);
  assert.doesNotMatch(made, /error/);
  const dump = await dumpOf(s);
  await using other = await TestStore.open({ foreignKeys: true });
  assert.doesNotMatch(await other.load(dump), /error/);
  const question = "SELECT * FROM child";
  assert.equal(await other.query(question), await s.query(question));
  assert.match(await other.execute(["INSERT INTO child VALUES ('c', 'b')"]), /FOREIGN KEY/);
});

Deno.test("a dump makes what depends on views behind them, and fires no trigger", async () => {
  const { rows } = await roundTrip([
    "CREATE TABLE zz (id INTEGER PRIMARY KEY, x)",
    "INSERT INTO zz VALUES (3, 'far words')",
    "CREATE VIEW v AS SELECT id, x FROM zz",
    "CREATE VIRTUAL TABLE five USING fts5(x, content=v, content_rowid=id)",
    "CREATE VIRTUAL TABLE four USING fts4(content=v, x)",
    "CREATE VIRTUAL TABLE all_columns USING fts4(content=zz)",
    "INSERT INTO five(five) VALUES ('rebuild')",
    "INSERT INTO five(five, rank) VALUES ('rank', 'bm25(3.0)')",
    "CREATE TABLE log (x)",
    "CREATE TRIGGER counted AFTER INSERT ON zz BEGIN INSERT INTO log VALUES (new.id); END",
    "CREATE TRIGGER instead INSTEAD OF INSERT ON v BEGIN INSERT INTO zz VALUES (new.id, new.x); END",
  ], [
    "SELECT rowid FROM five WHERE five MATCH 'words'",
    "SELECT * FROM five_config",
    "SELECT * FROM log",
    names,
  ]);
  assert.deepEqual(rows[0], [[3]]);
  assert.deepEqual(rows[2], []);
});

Deno.test("a dump holds tables of up to 2,000 columns", async () => {
  for (const count of [499, 500, 1998, 1999, 2000]) {
    const columns = Array.from({ length: count }, (_, i) => `c${i}`).join();
    const values = Array.from({ length: count }, (_, i) => i % 7 === 0 ? `'${i}'` : i).join();
    const { rows } = await roundTrip([
      `CREATE TABLE wide (${columns})`,
      `INSERT INTO wide VALUES (${values}), (${values.replace("5", "char(0)")})`,
    ], ["SELECT * FROM wide"]);
    assert.equal((rows[0]?.[0] as unknown[]).length, count);
  }
});

Deno.test("a dump holds a user's own table whose name looks like a virtual table's, and his index of such a one", async () => {
  await roundTrip([
    "CREATE TABLE f_content (own)",
    "INSERT INTO f_content VALUES ('mine')",
    "CREATE VIRTUAL TABLE f USING fts5(x, content='')",
    "CREATE TABLE g_docsize (id INTEGER PRIMARY KEY, value)",
    "INSERT INTO g_docsize VALUES (1, 'mine too')",
    "CREATE VIRTUAL TABLE g USING fts3(x)",
    "INSERT INTO g VALUES ('words')",
    "CREATE INDEX g_words ON g_content (c0x)",
  ], [
    names,
    "SELECT * FROM f_content",
    "SELECT * FROM g_docsize",
    "SELECT * FROM g",
  ]);
});

Deno.test("a dump keeps the index of a full-text table that has no content, or has it no more", async () => {
  const { dump } = await roundTrip(
    [
      "CREATE VIRTUAL TABLE bare USING fts5(x, content='')",
      "INSERT INTO bare (rowid, x) VALUES (3, 'never kept')",
      "CREATE TABLE t (x)",
      "INSERT INTO t VALUES ('was here')",
      "CREATE VIRTUAL TABLE left USING fts5(x, content=t)",
      "INSERT INTO left(left) VALUES ('rebuild')",
      "DROP TABLE t",
      "CREATE TABLE old_stat (mine)",
      "INSERT INTO old_stat VALUES ('not the index''s')",
      "CREATE VIRTUAL TABLE old USING fts3(x)",
      "CREATE VIRTUAL TABLE kept USING fts5(x)",
      "INSERT INTO kept VALUES ('rows')",
    ].map((sql) => sql.replaceAll("left", '"left"')),
    ["SELECT x FROM kept WHERE kept MATCH 'rows'"],
  );
  await using s = await TestStore.open();
  assert.doesNotMatch(await s.load(dump), /error/);
  assert.match(await s.query("SELECT rowid FROM bare WHERE bare MATCH 'kept'"), /\[\[3\]\]/);
  const words = "CREATE VIRTUAL TABLE words USING fts5vocab('left', row)";
  assert.doesNotMatch(await s.execute([words]), /error/);
  assert.match(await s.query("SELECT term FROM words"), /"here"/);
  assert.match(await s.query("SELECT mine FROM old_stat"), /not the index's/);
  assert.match(await s.query("SELECT count(*) FROM old"), /\[\[0\]\]/);
});

Deno.test("a dump keeps bits that SQL hardly tells: row ids, signs, line ends, header fields", async () => {
  const { dump } = await roundTrip([
    "CREATE TABLE t (v)",
    "INSERT INTO t (rowid, v) VALUES (1, 'a'), (2, 'b'), (7, 'c'), (8, 'd')",
    "CREATE TABLE u (rowid, oid, v)",
    "INSERT INTO u (_rowid_, v) VALUES (-4, -0.0), (-3, 0.0), (5, 9e999), (6, 5e-324), (9, 44.357958)",
    "CREATE TABLE r (v)",
    "INSERT INTO r VALUES ('a' || char(13) || char(10) || 'b'), ('\\r' || char(13)), (char(13))",
    "PRAGMA user_version = -5",
    "PRAGMA application_id = 77",
  ], [
    "SELECT rowid, v FROM t",
    "SELECT _rowid_, typeof(v), v = 0, v > 1e300, v = 5e-324, v = 44.357958 FROM u",
    "SELECT hex(v) FROM r",
    "PRAGMA user_version",
    "PRAGMA application_id",
  ]);
  assert.match(
    dump,
    /VALUES\(2,'b'\)|VALUES\('b'\);\nINSERT INTO "t"\(rowid,"v"\) VALUES\(7,'c'\);\n/,
  );
  assert.match(dump, /\(_rowid_,"rowid","oid","v"\) VALUES\(-4,NULL,NULL,-0\.0\)/);
  assert.match(dump, /replace\('a\\r\nb','\\r',char\(13\)\)/);
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY)", "PRAGMA user_version = 9"]);
  assert.doesNotMatch(await dumpOf(s, "t"), /user_version/);
});

Deno.test("a dump that cannot hold a table says which", async () => {
  using database = new Database(":memory:", { library: opened });
  database.exec("CREATE TABLE big (v); INSERT INTO big VALUES (zeroblob(5000))");
  database.limit(lengthLimit, 8000);
  const dump = dumpSql({
    database,
    tables: [],
    out: new ByteWriter(),
    flush: () => Promise.resolve(),
  });
  await assert.rejects(dump, /Table big cannot be dumped: string or blob too big/);
});
