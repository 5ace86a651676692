import assert from "node:assert/strict";
import { TestStore } from "../store/fixture.ts";

const changesBytes = 16 * 1024 * 1024;

Deno.test("a write's time limit ends it the same whether its changes are recorded or not", async () => {
  const answers = async (recorded: boolean) => {
    await using store = await TestStore.open(recorded ? { changesBytes } : {});
    const rows =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) " +
      "INSERT INTO t SELECT i FROM n";
    await store.execute([
      "CREATE TABLE t (v)",
      "CREATE TABLE other (v)",
      "CREATE TRIGGER empties AFTER INSERT ON other BEGIN DELETE FROM t; END",
      rows,
    ]);
    const limited = { timeoutMs: 1 };
    const all = [
      await store.execute(["DELETE FROM t"], limited),
      await store.execute([rows]),
      await store.execute(["WITH x AS (SELECT 1) DELETE FROM t"], { ...limited, unawaited: true }),
      await store.execute([rows]),
      await store.execute(["DELETE FROM t WHERE v > 0"], limited),
      await store.execute(["INSERT INTO other VALUES (1)"], limited),
    ];
    return [...all, await store.query("SELECT count(*) FROM t")];
  };
  const recorded = await answers(true);
  assert.deepEqual(recorded, await answers(false));
  assert.ok(recorded[0]?.includes("rows_affected"), recorded[0]);
  assert.ok(recorded[4]?.includes("timeout"), recorded[4]);
});
