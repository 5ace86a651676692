import assert from "node:assert/strict";
import { normalSql } from "../../src/sqlite/mod.ts";

const cases: readonly (readonly [sql: string, normal: string])[] = [
  ["SELECT 1", "SELECT ?"],
  ["  SELECT\n\t*  FROM t ; ", "SELECT * FROM t"],
  ["SELECT * FROM t WHERE a = 'secret' -- secret\n AND b=5", "SELECT * FROM t WHERE a = ? AND b=?"],
  ["SELECT /* secret */ x'736563', 1e5, .5, 0x1f, -3", "SELECT ?, …, -?"],
  ["SELECT * FROM t WHERE a IN (1, 2, 3)", "SELECT * FROM t WHERE a IN (?, …)"],
  ["SELECT * FROM t WHERE a IN (?1, :b, @c, $d)", "SELECT * FROM t WHERE a IN (?, …)"],
  ["INSERT INTO t(a,b) VALUES(1,'x'),(2,'y')", "INSERT INTO t(a,b) VALUES(?, …), …"],
  ["INSERT INTO t VALUES (1), (2), (3)", "INSERT INTO t VALUES (?), …"],
  // A client that quotes strings as rqlite's documentation does.
  ['INSERT INTO foo(name) VALUES("fiona")', "INSERT INTO foo(name) VALUES(?)"],
  ['SELECT * FROM foo WHERE name="fiona"', "SELECT * FROM foo WHERE name=?"],
  ['SELECT "fiona" FROM "foo"', 'SELECT ? FROM "foo"'],
  // And what mappers of objects write.
  ['SELECT "u"."id" FROM "users" "u"', 'SELECT "u"."id" FROM "users" ?'],
  ['INSERT INTO "t" ("a", "b") VALUES (?, "x")', 'INSERT INTO "t" ("a", "b") VALUES (?, …)'],
  ['INSERT INTO "main"."t" ("a") SELECT "x"', 'INSERT INTO "main"."t" ("a") SELECT ?'],
  ['INSERT INTO "t" SELECT ("x")', 'INSERT INTO "t" SELECT (?)'],
  ['INSERT INTO t VALUES ("x")', "INSERT INTO t VALUES (?)"],
  [
    'UPDATE "t" SET "a" = "x", "b" = ? WHERE "c" = 1',
    'UPDATE "t" SET "a" = ?, "b" = ? WHERE ? = ?',
  ],
  ['SELECT "f"("x")', 'SELECT "f"(?)'],
  ["SELECT [a], `b` FROM t", "SELECT [a], `b` FROM t"],
  // What nothing closes is no name, whatever it holds.
  ["SELECT 'secret", "SELECT ?"],
  ['SELECT "secret', "SELECT ?"],
  ["SELECT [secret", "SELECT ?"],
  ["SELECT `secret", "SELECT ?"],
  ["SELECT x'736", "SELECT ?"],
  ["SELECT 'it''s'", "SELECT ?"],
  ["SELECT 'é' FROM ü", "SELECT ? FROM ü"],
  ["PRAGMA key = 'secret'", "PRAGMA key = ?"],
  ["", ""],
  ["-- nothing", ""],
];

for (const [sql, normal] of cases) {
  Deno.test(`normalSql() of ${JSON.stringify(sql)} is ${JSON.stringify(normal)}`, () => {
    assert.equal(normalSql(sql), normal);
  });
}

Deno.test("normalSql() reads and tells so much of a text, and no half of a value", () => {
  const long = `SELECT ${"abc + ".repeat(1_000)} 'secret'`;
  const normal = normalSql(long);
  assert.equal(normal.length, 1025);
  assert.ok(normal.startsWith("SELECT abc + abc") && normal.endsWith("…"));
  for (let blanks = 2030; blanks < 2055; blanks++) {
    assert.match(normalSql(`SELECT ${" ".repeat(blanks)}'secret', 12345`), /^SELECT[?, …]*$/);
  }
});
