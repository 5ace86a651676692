import assert from "node:assert/strict";
import { openFiles, TestStore, until } from "./fixture.ts";

/** What the main thread does not answer by itself. */
const counted = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) " +
  "SELECT count(*) FROM n, t";

Deno.test("Store.shrink closes connections that nobody uses, and what comes then opens them again", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (i)", "INSERT INTO t VALUES (1)"]);
  await Promise.all([s.query(counted), s.query("SELECT i FROM t WHERE i = 1")]);
  await s.execute(["INSERT INTO t VALUES (2)"]);
  const before = openFiles(s.path);
  s.store.shrink();
  if (before !== undefined) await until(() => (openFiles(s.path) ?? 0) < before);
  for (let round = 0; round < 3; round++) {
    const reads = [s.query(counted), s.query("SELECT i FROM t WHERE i = 1")];
    s.store.shrink();
    await s.execute(["INSERT INTO t VALUES (3)"]);
    for (const answer of await Promise.all(reads)) assert.doesNotMatch(answer, /error/);
    s.store.shrink();
  }
  assert.match(await s.query("SELECT count(*) FROM t"), /\[\[5\]\]/);
});

Deno.test("Store.shrink leaves a store that is closed as it is", async () => {
  await using s = await TestStore.open();
  await s.store.close();
  s.store.shrink();
});
