import assert from "node:assert/strict";
import { TestStore } from "./fixture.ts";

const ways = ["as one batch", "one by one", "each on a new connection"] as const;

/** Applies requests in several ways, each to a store of its own: all must end alike. Returns the answer to `query`. */
async function sameInAllWays(
  requests: readonly { sql: readonly string[]; transaction?: boolean }[],
  query: string,
): Promise<string> {
  const results = new Set<string>();
  let answer = "";
  for (const way of ways) {
    await using s = await TestStore.open();
    const entries = requests.map(({ sql, transaction = false }) =>
      s.entries.execute(sql, { transaction })
    );
    const answers: string[] = [];
    if (way === "as one batch") answers.push(...await s.apply(...entries));
    for (const entry of way === "as one batch" ? [] : entries) {
      answers.push(...await s.apply(entry));
      if (way === "each on a new connection") await s.restart();
    }
    answer = await s.query(query);
    results.add([...answers, answer].join("\n"));
    assert.equal(results.size, 1, `Another result ${way}: ${[...results].join("\n\n")}`);
  }
  return answer;
}

Deno.test("Store.apply lets changes() be what it is behind an EXPLAIN", async () => {
  const log = { sql: ["INSERT INTO log SELECT changes()"] };
  const result = await sameInAllWays([
    { sql: ["CREATE TABLE m (x)", "CREATE TABLE log (n)"] },
    { sql: ["INSERT INTO m VALUES (1), (2), (3)"] },
    { sql: ["EXPLAIN DELETE FROM m"] },
    log,
  ], "SELECT n FROM log");
  assert.match(result, /\[\[3\]\]/);
});

Deno.test("Store.apply lets changes() be what it is behind a change of the schema that was taken back", async () => {
  const log = "CREATE TRIGGER g AFTER INSERT ON m BEGIN INSERT INTO log VALUES (changes()); END";
  const result = await sameInAllWays([
    { sql: ["CREATE TABLE m (x)", "CREATE TABLE log (n)", log] },
    { sql: ["INSERT INTO m VALUES (1), (2), (3)", "DELETE FROM log"] },
    {
      sql: ["DROP TRIGGER g", "INSERT INTO m VALUES (4)", "INSERT INTO missing VALUES (1)"],
      transaction: true,
    },
    { sql: ["UPDATE m SET x = 0"] },
    { sql: ["INSERT INTO m VALUES (4)"] },
    {
      sql: ["CREATE TABLE u (y)", "INSERT INTO u VALUES (7)", "INSERT INTO missing VALUES (1)"],
      transaction: true,
    },
    { sql: ["UPDATE m SET x = 0"] },
    { sql: ["INSERT INTO u VALUES (7)"] },
    { sql: ["INSERT INTO log SELECT changes()"] },
  ], "SELECT n FROM log");
  assert.match(result, /\[\[3\],\[4\]\]/);
});

const count = (rows: number) =>
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})`;

/** Tables whose join begins with either, as their statistics say. */
const joined = [
  "CREATE TABLE t (k, g)",
  "CREATE TABLE s (k, g)",
  "CREATE INDEX ti ON t (g)",
  "CREATE INDEX si ON s (g)",
  `INSERT INTO t ${count(30)} SELECT i, i % 7 FROM n`,
  `INSERT INTO s ${count(30)} SELECT i, i % 7 FROM n`,
  "CREATE TABLE o (id INTEGER PRIMARY KEY, a, b)",
  "ANALYZE",
];
const join = { sql: ["INSERT INTO o (a, b) SELECT t.k, s.k FROM t, s WHERE t.g = s.g"] };
const joinResult = "SELECT group_concat(a || ':' || b) FROM o";

Deno.test("Store.apply chooses the same plans on every connection when the statistics were edited", async () => {
  const edits = [
    "UPDATE sqlite_stat1 SET stat = iif(tbl = 't', '1000000 1', '10 10')",
    "DELETE FROM sqlite_stat1 WHERE tbl = 's'",
    "INSERT INTO sqlite_stat1 VALUES ('t', 'ti', '1000000 1'), ('s', 'si', '10 10')",
  ];
  for (const edit of edits) {
    await sameInAllWays([{ sql: joined }, { sql: [edit] }, join], joinResult);
  }
  const trigger = `CREATE TRIGGER g AFTER INSERT ON o WHEN new.a = 0 BEGIN ${edits[0]}; END`;
  const fire = ["INSERT INTO o (a) VALUES (0)", ...join.sql];
  await sameInAllWays([{ sql: [...joined, trigger] }, { sql: fire }, join], joinResult);
});

Deno.test("Store.apply chooses the same plans on every connection when new statistics were taken back", async () => {
  const more = [`INSERT INTO t ${count(3000)} SELECT i, 1000 + i FROM n`, "ANALYZE"];
  await sameInAllWays([
    { sql: [...joined, "CREATE TABLE u (v UNIQUE)", "INSERT INTO u VALUES (1)"] },
    { sql: [...more, "INSERT INTO missing VALUES (1)"], transaction: true },
    join,
    { sql: [...more, "INSERT OR ROLLBACK INTO u VALUES (1)"], transaction: true },
    join,
  ], joinResult);
});

Deno.test("Store.apply lists tables in the same order on every connection", async () => {
  const names = Array.from({ length: 40 }, (_, i) => `k${i}`);
  await sameInAllWays([
    { sql: names.map((name) => `CREATE TABLE ${name} (x REFERENCES missing)`) },
    { sql: names.map((name) => `INSERT INTO ${name} VALUES (1)`) },
    { sql: names.slice(0, 30).map((name) => `DROP TABLE ${name}`) },
    { sql: names.slice(0, 6).map((name) => `CREATE TABLE j${name} (x REFERENCES k39)`) },
    { sql: ["CREATE TABLE o (id INTEGER PRIMARY KEY, v)"] },
    { sql: ["INSERT INTO o (v) SELECT name FROM pragma_table_list"] },
    { sql: ["CREATE TABLE p AS SELECT name FROM pragma_table_list"] },
    { sql: ['INSERT INTO o (v) SELECT "table" FROM pragma_foreign_key_check'] },
  ], "SELECT (SELECT group_concat(v) FROM o), (SELECT group_concat(name) FROM p)");
});
