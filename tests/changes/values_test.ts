import assert from "node:assert/strict";
import { RawText, type RowChange } from "../../src/changes/types.ts";
import { TestStore } from "../store/fixture.ts";

async function changesOf(schema: string[], statements: string[]): Promise<RowChange[]> {
  await using store = await TestStore.open({ changesBytes: 1024 * 1024 });
  await store.execute(schema);
  await store.execute(statements);
  const { groups = [] } = store.store.changes?.read({ index: 2, change: 0 }) ?? {};
  return groups.flatMap(({ changes }) => changes).filter((change) => change.type === "row");
}

Deno.test("a row is told with the values and types that SQLite stores", async () => {
  const [first, second] = await changesOf(["CREATE TABLE t (a, r REAL, i INTEGER, x TEXT)"], [
    "INSERT INTO t VALUES (9223372036854775807, 3, '5', CAST(x'ff00' AS TEXT))",
    "UPDATE t SET a = -9e999, r = 2.5, i = 1.5, x = x'ff00'",
  ]);
  assert.deepEqual(first?.after, [
    9223372036854775807n,
    3,
    5n,
    new RawText(new Uint8Array([0xff, 0])),
  ]);
  assert.deepEqual(second?.before, first?.after);
  assert.deepEqual(second?.after, [-Infinity, 2.5, 1.5, new Uint8Array([0xff, 0])]);
});

Deno.test("generated columns are told with their values, stored or not", async () => {
  const told = await changesOf([
    "CREATE TABLE t (v AS (upper(b) || a), a INTEGER CHECK (a > 0), s AS (a * 2) STORED, " +
    "b TEXT UNIQUE, w REAL AS (s + pow(a, 2)) VIRTUAL)",
  ], ["INSERT INTO t (a, b) VALUES (3, 'x')", "UPDATE t SET a = 4", "DELETE FROM t"]);
  const [before, after] = [["X3", 3n, 6n, "x", 15], ["X4", 4n, 8n, "x", 24]];
  assert.deepEqual(told.map((change) => [change.before, change.after]), [
    [undefined, before],
    [before, after],
    [after, undefined],
  ]);
  assert.deepEqual(
    told[0]?.table.columns.map(({ name, generated }) => `${name} ${generated}`),
    ["v virtual", "a no", "s stored", "b no", "w virtual"],
  );
});

Deno.test("columns have the names and types that they had when the row changed", async () => {
  const told = await changesOf(["CREATE TABLE t (a TEXT)"], [
    "INSERT INTO t VALUES ('1')",
    "ALTER TABLE t ADD COLUMN b INTEGER DEFAULT 7",
    "UPDATE t SET a = '2'",
    "ALTER TABLE t RENAME COLUMN a TO c",
    "DELETE FROM t",
  ]);
  assert.deepEqual(
    told.map(({ table, before, after }) => [
      table.columns.map(({ name, type }) => `${name} ${type}`),
      before,
      after,
    ]),
    [
      [["a TEXT"], undefined, ["1"]],
      [["a TEXT", "b INTEGER"], ["1", 7n], ["2", 7n]],
      [["c TEXT", "b INTEGER"], ["2", 7n], undefined],
    ],
  );
});
