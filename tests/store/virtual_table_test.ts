import assert from "node:assert/strict";
import { type Entries, TestStore } from "./fixture.ts";

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
