import assert from "node:assert/strict";
import { type AnswerFormat, type LiveRead, LiveReadError } from "../../src/store/types.ts";
import { plain, TestStore } from "./fixture.ts";

function liveRead(
  s: TestStore,
  sql: string,
  format: Partial<AnswerFormat> = {},
): Promise<LiveRead> {
  return s.store.liveRead({
    statement: { sql },
    format: { ...plain, ...format },
    timeoutMs: 0,
    rights: undefined,
  });
}

async function open(): Promise<TestStore> {
  const s = await TestStore.open();
  await s.execute([
    "CREATE TABLE Orders (id INTEGER PRIMARY KEY, note TEXT)",
    "CREATE TABLE items (order_id, price)",
    "CREATE VIEW totals AS SELECT order_id, sum(price) AS total FROM items GROUP BY order_id",
    "CREATE VIRTUAL TABLE words USING fts5(w)",
    "INSERT INTO orders VALUES (1, 'a' || char(10) || '],\"values\":['), (2, NULL)",
    "INSERT INTO items VALUES (1, 5), (1, 7)",
  ]);
  return s;
}

Deno.test("Store.liveRead gives rows one by one, and the entry that they are of", async () => {
  await using s = await open();
  const found = await liveRead(s, "SELECT id, note FROM orders ORDER BY id");
  assert.equal(found.index, s.store.applied.index);
  assert.deepEqual([found.columns, found.types], [["id", "note"], ["integer", "text"]]);
  assert.deepEqual(found.rows.map((row) => JSON.parse(row)), [
    [1, 'a\n],"values":['],
    [2, null],
  ]);
  const associative = await liveRead(s, "SELECT id FROM orders ORDER BY id", { associative: true });
  assert.deepEqual(associative.rows.map((row) => JSON.parse(row)), [{ id: 1 }, { id: 2 }]);
  assert.deepEqual(associative.columns, ["id"]);
  for (const format of [{}, { associative: true }]) {
    const none = await liveRead(s, "SELECT id, note FROM orders WHERE 0", format);
    assert.deepEqual([none.rows, none.columns], [[], ["id", "note"]]);
  }
});

Deno.test("Store.liveRead names the tables whose changes may change the rows, or none where all may", async () => {
  await using s = await open();
  const tablesOf = async (sql: string) => {
    const { tables } = await liveRead(s, sql);
    return tables && [...tables].sort();
  };
  assert.deepEqual(await tablesOf("SELECT * FROM totals JOIN orders ON id = order_id"), [
    "items",
    "orders",
  ]);
  assert.deepEqual(await tablesOf("SELECT value FROM json_each('[1]'), ORDERS"), ["orders"]);
  assert.deepEqual(await tablesOf("SELECT name FROM sqlite_schema"), ["sqlite_master"]);
  assert.equal(await tablesOf("SELECT * FROM words"), undefined);
  // A table of that name takes the place of the view.
  await s.execute(["DROP VIEW totals", "CREATE TABLE totals (order_id, total)"]);
  assert.deepEqual(await tablesOf("SELECT * FROM totals"), ["totals"]);
});

Deno.test("Store.liveRead refuses what cannot be run again and again, and more rows than it keeps", async () => {
  await using s = await open();
  const refused = (sql: string, why: RegExp) =>
    assert.rejects(liveRead(s, sql), (error) => {
      assert(error instanceof LiveReadError, String(error));
      assert.match(error.message, why);
      return true;
    });
  const one = /A live query is one SELECT/;
  await refused("DELETE FROM orders", one);
  await refused("SELECT 1; SELECT 2", one);
  await refused("EXPLAIN SELECT 1", one);
  await refused("-- nothing", one);
  await refused("PRAGMA optimize", /./);
  await refused("SELECT * FROM missing", /no such table: missing/);
  const many = (count: number, column = "i") =>
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) ` +
    `SELECT ${column} FROM n`;
  assert.equal((await liveRead(s, many(10_000))).rows.length, 10_000);
  await refused(many(10_001), /may have 10000 rows and 1048576 bytes of them at most/);
  await refused(many(2, "printf('%.*c', 600000, 'x')"), /1048576 bytes/);
  assert.match(await s.query("SELECT count(*) FROM orders"), /\[\[2\]\]/);
});
