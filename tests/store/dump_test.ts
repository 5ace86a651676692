import assert from "node:assert/strict";
import { Database, openLibrary } from "../../src/sqlite/mod.ts";
import { library, TestStore } from "./fixture.ts";

const opened = openLibrary(library);

async function dumpOf(s: TestStore, ...tables: string[]): Promise<string> {
  const stream = await s.store.backup({ format: "sql", vacuum: false, tables });
  const decoder = new TextDecoder("utf-8", { fatal: true });
  return decoder.decode(
    await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).bytes(),
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
    "INSERT INTO t VALUES (7, -1.5e-300, CAST(x'ff' AS TEXT)), (8, 'plain', '')",
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
      `INSERT INTO "t" VALUES(7,-1.5e-300,CAST(X'FF' AS TEXT));\n` +
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
