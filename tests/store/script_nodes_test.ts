import assert from "node:assert/strict";
import { setDigest } from "../../src/store/codec/script_codec.ts";
import { stepOf, TestStore } from "./fixture.ts";
import { contents, keyOf } from "./random_entries.ts";

/** Steps as they come to be: each with the digest of its results on the node that has run it. */
async function rehearsed(store: TestStore, statements: readonly string[]): Promise<Uint8Array[]> {
  const steps: Uint8Array[] = [];
  const open = store.store.rehearsal(undefined);
  for (const sql of statements) {
    const step = stepOf(sql, { timeoutMs: 1000 });
    steps.push(step);
    const rehearsal = await open.run(steps);
    assert(rehearsal.type === "same", `${sql}: ${rehearsal.type}`);
    setDigest(step, rehearsal.digest);
  }
  return steps;
}

/** What may be answered otherwise by a node with another file, or that was started at another time. */
const asking = [
  "PRAGMA database_list",
  "PRAGMA page_count",
  "PRAGMA freelist_count",
  "PRAGMA data_version",
  "PRAGMA main.data_version",
  "PRAGMA temp.page_count",
  "PRAGMA schema_version",
  "PRAGMA cache_size",
  "PRAGMA table_list",
  "PRAGMA index_list(t)",
  "PRAGMA optimize(-1)",
  "PRAGMA integrity_check",
  "PRAGMA user_version",
  "EXPLAIN SELECT * FROM t",
  "EXPLAIN INSERT INTO t VALUES (1, 2)",
  "EXPLAIN QUERY PLAN SELECT * FROM t WHERE v = 1",
  "SELECT total_changes(), changes(), last_insert_rowid()",
  "SELECT * FROM sqlite_schema",
  "SELECT * FROM pragma_table_list",
];

Deno.test("What nodes answer each in its own way neither parts them nor ends a transaction", async () => {
  await using one = await TestStore.open();
  await using other = await TestStore.open();
  const both = async (entry: Parameters<TestStore["apply"]>[0]) => {
    const [[answer], [there]] = [await one.apply(entry), await other.apply(entry)];
    return { answer, there };
  };
  await both(one.entries.execute(["CREATE TABLE t (v, w)", "CREATE TABLE a (v)"]));
  await both(one.entries.execute(["CREATE INDEX b ON t (v)", "CREATE INDEX ia ON t (w)"]));
  await both(one.entries.execute(["CREATE INDEX c ON t (v, w)", "CREATE INDEX aa ON t (w, v)"]));
  await other.restart();
  let count = 0;
  for (const sql of asking) {
    // The one that lives through changes knows its schema in another order.
    if (count % 5 === 0) await both(one.entries.execute([`CREATE INDEX z${count} ON t (v)`]));
    const steps = await rehearsed(one, [sql, "INSERT INTO t VALUES (1, 2)", sql]);
    const key = keyOf(`transaction ${sql}`);
    const script = { type: "script", steps, request: undefined, key } as const;
    const { answer, there } = await both(one.entries.command(script));
    assert.deepEqual({ answer, there }, { answer: "0", there: "0" }, sql);
    for (const transaction of [false, true]) {
      const key = keyOf(`${transaction} ${sql}`, true);
      await both(one.entries.execute([sql], { unified: true, transaction, key }));
    }
    if (count++ % 5 === 0) await other.restart();
    assert.equal(await contents(one), await contents(other), sql);
  }
  assert.equal(
    await one.query(`SELECT count(*) FROM t`),
    await other.query(`SELECT ${count} AS "count(*)"`),
  );
});

Deno.test("What a rehearsal was told to do by a PRAGMA is over with it", async () => {
  await using one = await TestStore.open();
  await using other = await TestStore.open();
  const apply = async (...statements: string[]) => {
    const entry = one.entries.execute(statements);
    await one.apply(entry);
    await other.apply(entry);
  };
  await apply("CREATE TABLE t (v)", "CREATE VIEW seen AS SELECT v FROM t");
  await rehearsed(one, ["PRAGMA legacy_alter_table = ON", "ALTER TABLE t RENAME TO old"]);
  await apply("ALTER TABLE t RENAME TO u");
  assert.equal(await contents(one), await contents(other));
});

Deno.test("A column that a rehearsal has added, and read, is not there behind it", async () => {
  await using store = await TestStore.open();
  await store.execute(["CREATE TABLE t (v)"]);
  const added = ["ALTER TABLE t ADD COLUMN w", "SELECT * FROM t"];
  const steps = await rehearsed(store, added);
  const [answer] = await store.apply(
    store.entries.command({ type: "script", steps, request: undefined }),
  );
  assert.equal(answer, "");
  const back = ["SAVEPOINT s", "ALTER TABLE t ADD COLUMN x", "SELECT * FROM t", "ROLLBACK TO s"];
  await rehearsed(store, [...back, "ALTER TABLE t ADD COLUMN x", "INSERT INTO t VALUES (1, 2, 3)"]);
});

Deno.test("Keys are given room where the log first has one, whatever stands before it in its batch", async () => {
  await using one = await TestStore.open();
  await using other = await TestStore.open();
  const entries = [
    one.entries.execute(["CREATE TABLE t AS SELECT name FROM sqlite_schema"]),
    one.entries.execute(["INSERT INTO t VALUES (1)"], { key: keyOf("k") }),
  ];
  await one.apply(...entries);
  for (const entry of entries) await other.apply(entry);
  const seen = "SELECT name FROM t UNION ALL SELECT name || rootpage FROM sqlite_schema";
  assert.equal(await one.query(seen), await other.query(seen));
});
