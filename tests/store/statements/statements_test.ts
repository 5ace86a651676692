import assert from "node:assert/strict";
import type { StatementSummary } from "../../../src/store/types.ts";
import { plain, TestStore } from "../fixture.ts";

/** Calls, failures and rows of a statement. */
function countsOf(summaries: readonly StatementSummary[], sql: string): number[] {
  const found = summaries.find((summary) => summary.sql === sql);
  assert.ok(found !== undefined, `${sql} in ${JSON.stringify(summaries.map((each) => each.sql))}`);
  assert.ok(found.totalMs >= found.maxMs && found.maxMs >= found.p99Ms && found.p99Ms > 0);
  return [found.calls, found.failures, found.rows];
}

Deno.test("Store.statements counts what every thread ran, without values", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, secret TEXT)"]);
  // Small, with somebody who waits: the main thread's; in a transaction, or awaited by none: the writer's.
  await s.execute(["INSERT INTO t (secret) VALUES ('hidden')"]);
  await s.execute([{ sql: "INSERT INTO t (secret) VALUES (?)", positional: ["hidden"] }]);
  await s.execute(["INSERT INTO t (secret) VALUES ('hidden'), ('hidden')"], { unawaited: true });
  await s.execute(["INSERT INTO t (id) VALUES (1)"]);
  await s.execute(["UPDATE t SET secret = 'hidden' WHERE id > 1; SELECT secret FROM t"]);
  await s.query("SELECT secret FROM t WHERE id = 1");
  await s.query("SELECT count(*) FROM t AS a, t AS b WHERE a.secret LIKE 'hid%'");
  await s.query("SELECT 1; SELECT id FROM t ORDER BY secret");
  const summaries = await s.store.statements();
  assert.ok(!JSON.stringify(summaries).includes("hid"), JSON.stringify(summaries));
  const expected: readonly (readonly [sql: string, counts: readonly number[]])[] = [
    ["CREATE TABLE t (id INTEGER PRIMARY KEY, secret TEXT)", [1, 0, 0]],
    ["INSERT INTO t (secret) VALUES (?)", [2, 0, 2]],
    ["INSERT INTO t (secret) VALUES (?), …", [1, 0, 2]],
    ["INSERT INTO t (id) VALUES (?)", [1, 1, 0]],
    ["UPDATE t SET secret = ? WHERE id > ?", [1, 0, 3]],
    ["SELECT secret FROM t", [1, 0, 4]],
    ["SELECT secret FROM t WHERE id = ?", [1, 0, 1]],
    ["SELECT count(*) FROM t AS a, t AS b WHERE a.secret LIKE ?", [1, 0, 1]],
    ["SELECT ?", [1, 0, 1]],
    ["SELECT id FROM t ORDER BY secret", [1, 0, 4]],
  ];
  for (const [sql, counts] of expected) assert.deepEqual(countsOf(summaries, sql), counts, sql);
});

Deno.test("Store.statements does not wait for a reader that reads", async () => {
  await using s = await TestStore.open();
  const endless =
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(x) FROM c";
  /** Whether its end was noted: not when its reader had not begun. */
  const wasNoted = async () => {
    const aborting = new AbortController();
    const reading = s.store.read({
      statements: [{ sql: endless }],
      transaction: false,
      format: plain,
      timeoutMs: 0,
    }, () => aborting.signal);
    assert.ok(reading instanceof Promise);
    const rejected = assert.rejects(reading);
    await s.store.statements();
    aborting.abort();
    await rejected;
    const summaries = await s.store.statements();
    return summaries.some(({ sql, failures }) => sql.startsWith("WITH RECURSIVE") && failures > 0);
  };
  while (!await wasNoted());
});

/** A store that takes every statement for a slow one, and what it logs. */
async function openSlow(withValues: boolean) {
  const lines: string[] = [];
  const logger = {
    log: (level: string, room: string, message: string) => {
      if (message.startsWith("Slow")) lines.push(`${level} ${room} ${message}`);
    },
  };
  const store = await TestStore.open({ logger, slow: { thresholdMs: 0.0001, withValues } });
  return { store, lines };
}

async function eventually(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 5));
}

Deno.test("a slow statement is logged with its rows and its plan, and without its values", async () => {
  const { store, lines } = await openSlow(false);
  await using s = store;
  await s.execute(["CREATE TABLE t (a, b)"]);
  await s.execute(["INSERT INTO t VALUES ('hidden', 1)"]);
  await s.execute(["UPDATE t SET b = 2 WHERE a = 'hidden'"], { unawaited: true });
  await s.query("SELECT a FROM t WHERE b = ? ORDER BY a", ["hidden"]);
  await s.query("SELECT count(*) FROM t AS x, t AS y WHERE x.a LIKE 'hid%'");
  await eventually(() => lines.length >= 5);
  assert.ok(!lines.join().includes("hid"), lines.join("\n"));
  const number = String.raw`\d+\.\d ms`;
  for (
    const [rows, sql] of [
      [1, "INSERT INTO t VALUES \\(\\?, …\\)$"],
      [1, "UPDATE t SET b = \\? WHERE a = \\?; plan: SCAN t$"],
      [0, "SELECT a FROM t WHERE b = \\? ORDER BY a; plan: SCAN t, USE TEMP B-TREE FOR ORDER BY$"],
      [1, "SELECT count\\(\\*\\) FROM .* LIKE \\?; plan: SCAN x, SCAN y$"],
    ] as const
  ) {
    const line = new RegExp(`^WARN store Slow statement took ${number}, ${rows} rows: ${sql}`);
    assert.ok(lines.some((each) => line.test(each)), `${line} in ${lines.join("\n")}`);
  }
});

Deno.test("a slow statement is logged with its values where that is asked for", async () => {
  const { store, lines } = await openSlow(true);
  await using s = store;
  await s.query("SELECT 'a', ?, ?", ["b", 5]);
  await eventually(() => lines.length >= 1);
  assert.match(lines[0] ?? "", /1 rows: SELECT 'a', 'b', 5; plan: SCAN CONSTANT ROW$/);
});

Deno.test("a plan changes nothing that statements see of the connection", async () => {
  const slow = await openSlow(false);
  await using one = slow.store;
  await using other = await TestStore.open();
  for (const s of [one, other]) {
    await s.execute(["CREATE TABLE t (a INTEGER PRIMARY KEY, b)"]);
    await s.execute([
      "INSERT INTO t (b) VALUES (1), (2)",
      "INSERT INTO t SELECT changes() + 10, last_insert_rowid()",
      "INSERT INTO t SELECT changes() + 20, total_changes()",
    ]);
    await s.execute([
      "BEGIN; DELETE FROM t WHERE a = 1; INSERT INTO t VALUES (50, changes()); COMMIT",
    ]);
  }
  const all = "SELECT * FROM t";
  assert.equal(await one.query(all), await other.query(all));
});
