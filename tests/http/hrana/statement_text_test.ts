import assert from "node:assert/strict";
import { Counters } from "../../../src/http/hrana/counters.ts";
import { statementsIn } from "../../../src/http/hrana/statement_text.ts";

const texts = (sql: string) => [...statementsIn(sql)].map((one) => one.sql);
const controls = (sql: string) => [...statementsIn(sql)].map(({ control }) => control);

Deno.test("statementsIn cuts a text where SQLite does, and leaves out what is none", () => {
  assert.deepEqual(texts(" ;; -- nothing\n/* ; */ "), []);
  assert.deepEqual(texts(" SELECT ';' ; -- é;\n SELECT 'é;' -- x\n"), [
    "SELECT ';'",
    "SELECT 'é;'",
  ]);
  const trigger =
    "CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; " +
    "DELETE FROM b; END";
  assert.deepEqual(texts(`${trigger}; SELECT 1`), [trigger, "SELECT 1"]);
  assert.deepEqual(texts("SELECT 'not closed; SELECT 1"), ["SELECT 'not closed; SELECT 1"]);
});

Deno.test("statementsIn tells what bounds transactions from what only begins like it", () => {
  const begin = (mode: string) => ({ type: "begin", mode });
  const known: [string, object | undefined][] = [
    ["begin", begin("deferred")],
    ["BEGIN DEFERRED TRANSACTION", begin("deferred")],
    ["BEGIN /* x */ IMMEDIATE", begin("immediate")],
    ["BEGIN EXCLUSIVE TRANSACTION", begin("immediate")],
    ["BEGIN CONCURRENT", begin("concurrent")],
    ["BEGIN TRANSACTION READONLY", begin("read")],
    ["BEGIN READONLY", begin("read")],
    ["BEGIN NIX", undefined],
    ["BEGIN DEFERRED IMMEDIATE", undefined],
    ["COMMIT", { type: "commit" }],
    ["END TRANSACTION", { type: "commit" }],
    ["ROLLBACK TRANSACTION", { type: "rollback" }],
    ["ROLLBACK TO a", undefined],
    ["ROLLBACK TO SAVEPOINT a", undefined],
    ["ROLLBACK TRANSACTION TO SAVEPOINT a", undefined],
    ["PRAGMA foreign_keys", { type: "foreign_keys", on: undefined }],
    ["PRAGMA main.foreign_keys = 'on'", { type: "foreign_keys", on: true }],
    ["pragma FOREIGN_KEYS(0)", { type: "foreign_keys", on: false }],
    ["PRAGMA foreign_keys=off", { type: "foreign_keys", on: false }],
    ["PRAGMA foreign_key_list(t)", undefined],
    ["SELECT 'BEGIN'", undefined],
  ];
  for (const [sql, control] of known) assert.deepEqual(controls(sql), [control], sql);
});

Deno.test("statementsIn tells what a statement does, behind a WITH too", () => {
  const verb = (sql: string) => [...statementsIn(sql)][0]?.verb;
  assert.equal(verb("update t set a = 1"), "UPDATE");
  assert.equal(verb("EXPLAIN WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a"), "EXPLAIN");
  const many = Array.from({ length: 30 }, (_, i) => `"delete"${i} AS (SELECT ${i})`).join();
  assert.equal(verb(`WITH RECURSIVE ${many} INSERT INTO t SELECT 1`), "INSERT");
  assert.equal(verb("WITH a(insert_) AS (VALUES (1)), b AS (SELECT 1) SELECT 1"), "SELECT");
  assert.equal(verb("WITH a AS (SELECT 1)"), "WITH");
  assert.equal(verb("(SELECT 1)"), "");
});

Deno.test("statementsIn numbers parameters as SQLite does", () => {
  const named = (sql: string) => [...statementsIn(sql)][0]?.parameters;
  assert.deepEqual(named("SELECT ?, :a, @b, $c, :a, ?"), [null, ":a", "@b", "$c", null]);
  assert.deepEqual(named("SELECT ?3, ?"), [null, null, "?3", null]);
  assert.deepEqual(named("SELECT ?1, ?1, '?', \":x\", [@y] -- ?"), ["?1"]);
  assert.deepEqual(named("SELECT ?0, ?99999"), []);
  assert.deepEqual(named("SELECT 1::a"), [":a"]);
});

Deno.test("Counters puts what a stream has seen in the place of calls, and names columns as they were", () => {
  const counters = new Counters();
  const put = (sql: string) => [...statementsIn(sql)].map((one) => counters.putInto(one)).join();
  assert.equal(put("SELECT last_insert_rowid()"), 'SELECT (0) AS "last_insert_rowid()"');
  const result = '{"cols":[],"rows":[],"affected_row_count":2,"last_insert_rowid":"-7"}';
  assert.equal(counters.noted(result), result);
  const unchanged = [
    "SELECT 'last_insert_rowid()', \"changes\", changes FROM changes",
    "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT last_insert_rowid(), changes(); END",
    "SELECT total_changes()",
  ];
  for (const sql of unchanged) assert.equal(put(sql), sql);
  const replaced: [string, string][] = [
    ["SELECT Changes ( ), 1", 'SELECT (2) AS "Changes ( )", 1'],
    ["SELECT last_insert_rowid() AS id", "SELECT (-7) AS id"],
    ["SELECT last_insert_rowid() id", "SELECT (-7) id"],
    ["SELECT 1 + changes()", "SELECT 1 + (2)"],
    ["SELECT max(1, changes())", "SELECT max(1, (2))"],
    ["INSERT INTO t VALUES (last_insert_rowid(), 'é')", "INSERT INTO t VALUES ((-7), 'é')"],
    ["UPDATE t SET a = last_insert_rowid()", "UPDATE t SET a = (-7)"],
    ["SELECT 'é' FROM t WHERE id = last_insert_rowid()", "SELECT 'é' FROM t WHERE id = (-7)"],
    ["SELECT 1 ORDER BY changes(), 2", "SELECT 1 ORDER BY (2), 2"],
  ];
  for (const [sql, expected] of replaced) assert.equal(put(sql), expected);
});

Deno.test("statementsIn finds calls among any number of them", () => {
  const count = 80_000;
  const [text] = statementsIn(`SELECT é, ${Array(count).fill("changes()").join(",")} FROM a`);
  assert.equal(text?.seen.length, count);
  const calls = text?.seen.map(({ start, end }) => text.sql.slice(start, end));
  assert.deepEqual(new Set(calls), new Set(["changes()"]));
  assert(text?.seen.every(({ isColumn }) => isColumn));
});

Deno.test("statementsIn reads no further in a statement that is too long", () => {
  const sql = `SELECT changes()${"+1".repeat(4_000_000)}`;
  const found = [...statementsIn(`SELECT 1; ${sql}; SELECT 2`)];
  assert.equal(found.length, 2);
  const length = found[1]?.sql.length ?? 0;
  assert(length > 3_000_000 && length < 3_000_010, `${length}`);
});
