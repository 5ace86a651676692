import assert from "node:assert/strict";
import { Database, openLibrary } from "../../src/sqlite/mod.ts";
import { type Entries, library, TestStore } from "./fixture.ts";

const done = (id: number, rows = 1) => `{"last_insert_id":${id},"rows_affected":${rows}}`;
const failed = (message: string) => JSON.stringify({ error: message });

Deno.test("Store.apply leaves full-text indexes, and counts their changes, the same in any batching", async () => {
  const script = (e: Entries) => [
    e.execute([
      "CREATE VIRTUAL TABLE five USING fts5(x)",
      "CREATE VIRTUAL TABLE four USING fts4(x)",
      "CREATE TABLE log (a, b)",
    ]),
    ...Array.from({ length: 20 }, (_, i) => {
      const transaction = i % 3 === 0;
      return e.execute([
        `INSERT INTO five VALUES ('a b ${i}'), ('c'), ('d')`,
        `INSERT INTO four VALUES ('a b ${i}'), ('c')`,
        "INSERT INTO log VALUES (changes(), total_changes())",
        `INSERT OR FAIL INTO five (rowid, x) VALUES (${100 + i}, 'kept'), (1, 'refused')`,
        "INSERT INTO log VALUES (changes(), total_changes())",
        i === 10 ? "DROP TABLE log; CREATE TABLE log (a, b)" : "",
      ], { transaction });
    }),
    e.execute(["INSERT INTO log VALUES (changes(), total_changes())"]),
  ];
  const contents = async (s: TestStore) => {
    const tables = ["log", "five_data", "five_idx", "four_segments", "four_segdir", "sqlite_raft"];
    const texts = tables.map((table) => s.query(`SELECT * FROM ${table}`, [], { blobArray: true }));
    return (await Promise.all(texts)).join("\n");
  };
  await using together = await TestStore.open();
  const answers = await together.apply(...script(together.entries));
  await using apart = await TestStore.open();
  const single: string[] = [];
  for (const entry of script(apart.entries)) single.push(...await apart.apply(entry));
  assert.deepEqual(single, answers);
  assert.equal(await contents(apart), await contents(together));
});

Deno.test("Store.apply ends a full-text write at its time limit whatever was written before it", async () => {
  const script = (e: Entries) => [
    e.execute(["CREATE VIRTUAL TABLE f USING fts5(x)"]),
    ...Array.from({ length: 60 }, (_, i) => {
      const rows = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${
        1500 + 90 * i
      })`;
      return e.execute([`INSERT INTO f ${rows} SELECT 'y' || i FROM n`], { timeoutMs: 1 });
    }),
  ];
  await using together = await TestStore.open();
  const answers = await together.apply(...script(together.entries));
  await using apart = await TestStore.open();
  const single: string[] = [];
  for (const [i, entry] of script(apart.entries).entries()) {
    single.push(...await apart.apply(entry));
    if (i % 9 === 8) await apart.restart();
  }
  const timeouts = answers.filter((answer) => answer.includes("timeout")).length;
  assert.ok(timeouts > 5 && timeouts < 55, `${timeouts} of 60 writes were ended`);
  assert.deepEqual(single, answers);
});

Deno.test("Store.apply refuses to change the tables that a virtual table keeps its content in", async () => {
  await using s = await TestStore.open();
  await s.execute([
    "CREATE VIRTUAL TABLE f USING fts5(x)",
    "CREATE VIRTUAL TABLE r USING rtree(id, low, high)",
    "INSERT INTO f VALUES ('one')",
  ]);
  assert.equal(
    await s.execute(["DELETE FROM f_data", "DROP TABLE f_idx", "UPDATE r_node SET data = 'x'"]),
    [
      failed("table f_data may not be modified"),
      failed("table f_idx may not be dropped"),
      failed("table r_node may not be modified"),
    ].join(),
  );
  assert.equal(
    await s.execute(["ALTER TABLE f RENAME TO g", "VACUUM", "INSERT INTO g VALUES ('two')"]),
    `${done(1)},${done(1)},${done(2)}`,
  );
  assert.match(await s.query("SELECT x FROM g('one OR two')"), /\[\["one"\],\["two"\]\]/);
});

Deno.test("Store.apply answers what a damaged full-text index says when it is committed, and goes on", async () => {
  const cases: [module: string, damage: string, message: RegExp][] = [
    ["fts5", "UPDATE f_data SET block = x'ffffffffffff'", /corrupt|malformed/],
    ["fts4", "DROP TABLE f_segments", /SQL logic error/],
    ["fts4", "DROP TABLE f_segdir", /SQL logic error/],
  ];
  for (const [module, damage, message] of cases) {
    await using s = await TestStore.open();
    await s.execute([
      "CREATE TABLE t (v)",
      `CREATE VIRTUAL TABLE f USING ${module}(x)`,
      "INSERT INTO f VALUES ('a b c')",
    ]);
    await s.edit((path) => {
      using database = new Database(path, { library: openLibrary(library) });
      database.exec(damage);
    });
    await s.restart();
    const insert = "INSERT INTO f VALUES ('b')";
    const { entries: e } = s;
    const answers = await s.apply(
      e.execute(["INSERT INTO t VALUES (1)"]),
      e.execute([insert, "INSERT INTO t VALUES (2)"]),
      e.execute(["INSERT INTO t VALUES (3)"]),
      e.execute([insert, "INSERT INTO t VALUES (4)"], { transaction: true }),
      e.execute(["INSERT INTO t VALUES (5)"]),
    );
    assert.equal(answers[0], done(1), damage);
    const [error, second] = JSON.parse(`[${answers[1]}]`);
    assert.match(error.error, message, damage);
    assert.deepEqual(second, { last_insert_id: 2, rows_affected: 1 });
    assert.equal(answers[2], done(3));
    assert.match(JSON.parse(`[${answers[3]}]`).at(-1).error, message, damage);
    assert.equal(answers[4], done(4));
    await s.restart();
    assert.match(
      await s.execute([insert, "INSERT INTO t VALUES (6)"]),
      /^\{"error":.*\},\{"last_insert_id":5,"rows_affected":1\}$/,
    );
    assert.match(await s.query("SELECT v FROM t"), /\[\[1\],\[2\],\[3\],\[5\],\[6\]\]/);
    await s.execute(["DROP TABLE f", `CREATE VIRTUAL TABLE f USING ${module}(x)`]);
    assert.equal(await s.execute(["INSERT INTO f VALUES ('c')"]), done(1));
    assert.match(await s.query("SELECT x FROM f WHERE f MATCH 'c'"), /\[\["c"\]\]/);
  }
});
