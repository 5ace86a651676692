import assert from "node:assert/strict";
import { Database } from "../../src/sqlite/mod.ts";
import { OpenedTables } from "../../src/store/opened_tables.ts";
import { schemaNames } from "../../src/store/user_statements.ts";
import { library } from "./fixture.ts";

const schema = [
  "CREATE TABLE a (x, y)",
  "CREATE INDEX by_y ON a (y)",
  "CREATE TABLE b (x, y)",
  "CREATE TABLE keyed (x PRIMARY KEY, y) WITHOUT ROWID",
  "CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, x)",
  "CREATE VIRTUAL TABLE words USING fts5(x)",
  "CREATE VIRTUAL TABLE others USING fts5(x)",
  "CREATE VIEW joined AS SELECT x FROM a NATURAL JOIN b",
  "CREATE TABLE fired (x)",
  "CREATE TRIGGER first AFTER INSERT ON fired BEGIN INSERT INTO a (x) VALUES (1); END",
  "CREATE TRIGGER nested AFTER INSERT ON a BEGIN DELETE FROM counted WHERE x IN (SELECT x FROM keyed); END",
];

/** Each table that is gone through; in parentheses what is only to be changed. */
const cases: [string, string[]][] = [
  ["SELECT 1", []],
  ["SELECT x FROM a", ["a"]],
  ["SELECT count(*) FROM a WHERE y = 1", ["a"]],
  ["SELECT x FROM joined", ["a", "b"]],
  ["SELECT x FROM keyed", ["keyed"]],
  ["SELECT 1 IN (SELECT x FROM keyed)", ["keyed"]],
  ["SELECT 1 IN fired", ["fired"]],
  ["SELECT name FROM sqlite_schema", ["sqlite_master"]],
  ["SELECT x FROM words JOIN others USING (x)", ["others", "words"]],
  ["SELECT x FROM words('tea')", ["words"]],
  ["SELECT value FROM json_each('[1]')", ["json_each"]],
  ["SELECT name FROM pragma_table_info('a')", ["pragma_table_info"]],
  ["WITH c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c LIMIT 3) SELECT n FROM c", []],
  ["SELECT x, count(*) FROM b GROUP BY x ORDER BY 2", ["b"]],
  ["INSERT INTO b VALUES (1, 2)", []],
  ["INSERT INTO b SELECT * FROM a", ["a"]],
  ["INSERT INTO counted (x) VALUES (1)", ["(sqlite_sequence)"]],
  ["INSERT INTO counted (x) SELECT seq FROM sqlite_sequence", ["sqlite_sequence"]],
  ["INSERT INTO words VALUES ('x')", []],
  ["INSERT INTO fired VALUES (1)", ["(counted)", "keyed"]],
  ["DELETE FROM words", ["(words)"]],
  ["UPDATE words SET x = 1", ["(words)"]],
  ["DELETE FROM words WHERE EXISTS (SELECT 1 FROM words w)", ["words"]],
  ["DELETE FROM b", []],
  ["UPDATE b SET x = 1", []],
  ["UPDATE b SET x = (SELECT max(x) FROM b)", ["b"]],
  ["CREATE TABLE made AS SELECT x FROM a", ["a"]],
  ["CREATE TABLE made (x PRIMARY KEY)", []],
  ["EXPLAIN QUERY PLAN SELECT x FROM a", ["a"]],
  [";; explain SELECT x FROM a", ["a"]],
  ["PRAGMA user_version = 7", []],
  ["EXPLAIN PRAGMA user_version = 7", []],
];

Deno.test("OpenedTables finds what a statement goes through, by whatever it leads there", () => {
  using database = new Database(":memory:", { library });
  for (const sql of schema) database.exec(sql);
  for (const [sql, expected] of cases) {
    const opened = OpenedTables.of(database, sql, schemaNames(database));
    const found = opened.map(({ name, onlyToChange }) => onlyToChange ? `(${name})` : name);
    assert.deepEqual([...new Set(found)].sort(), expected, sql);
  }
  assert.equal(database.scalar("PRAGMA user_version"), 0);
});
