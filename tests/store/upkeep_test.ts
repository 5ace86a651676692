import assert from "node:assert/strict";
import type { UpkeepCommand } from "../../src/store/types.ts";
import { eventually } from "../cluster/harness.ts";
import { sqlite3, TestStore, text } from "./fixture.ts";

type Asked = Partial<Omit<UpkeepCommand, "type">> & Pick<UpkeepCommand, "task" | "step">;

async function upkeep(s: TestStore, asked: Asked): Promise<string> {
  const entry = s.entries.command({
    type: "upkeep",
    pages: 0,
    last: true,
    after: 0,
    request: undefined,
    ...asked,
  });
  const [applied] = await s.store.apply([entry]);
  return text(applied?.answer);
}

/** Of the entry with that index, as the fixture makes them. */
const clockOf = (index: number) => 1_700_000_000_000 + index * 1000;

const many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) ";

async function withFreePages(s: TestStore): Promise<void> {
  await s.execute(["CREATE TABLE t (v)"]);
  await s.execute([`${many} INSERT INTO t SELECT printf('%.1000c', 'x') FROM n`]);
  await s.execute(["DELETE FROM t WHERE rowid % 10 <> 0"]);
}

Deno.test("Upkeep vacuums, and notes when it did so by the entry's clock", async () => {
  await using s = await TestStore.open();
  await withFreePages(s);
  const before = await s.store.status();
  assert.ok(before.freePages > 100);
  assert.deepEqual(before.upkeep, { vacuum: undefined, optimize: undefined, scrub: undefined });
  assert.equal(await upkeep(s, { task: "vacuum", step: "vacuum" }), "");
  const { index } = s.entries;
  const record = { since: clockOf(index), last: clockOf(index), index };
  const after = await s.store.status();
  assert.ok(after.pages < before.pages / 2, `${after.pages} of ${before.pages} pages`);
  assert.deepEqual(after.upkeep, { vacuum: record, optimize: undefined, scrub: undefined });
  assert.equal(after.upkeepRuns.vacuum.ok, 1);
  assert.ok(after.upkeepRuns.vacuum.lastMs > 0);
  await s.restart();
  assert.deepEqual((await s.store.status()).upkeep.vacuum, record);
  // Of no row of the user's: last_insert_rowid() and changes() are as they were.
  const counters = await s.execute(["SELECT changes(), total_changes()"], { unified: true });
  assert.match(counters, /\[\[1800,3800\]\]/);
});

Deno.test("Upkeep that another leader has done meanwhile is passed over", async () => {
  await using s = await TestStore.open();
  await withFreePages(s);
  await upkeep(s, { task: "vacuum", step: "begin", last: false });
  const begun = (await s.store.status()).upkeep.vacuum;
  assert.deepEqual(begun, { since: clockOf(4), last: undefined, index: 4 });
  for (const after of [0, 3, 5]) {
    assert.equal(await upkeep(s, { task: "vacuum", step: "vacuum", after }), "");
  }
  assert.equal((await s.store.status()).upkeepRuns.vacuum.ok, 0);
  await upkeep(s, { task: "vacuum", step: "vacuum", after: 4 });
  const { upkeep: { vacuum }, upkeepRuns } = await s.store.status();
  assert.deepEqual(vacuum, { since: clockOf(4), last: clockOf(8), index: 8 });
  assert.equal(upkeepRuns.vacuum.ok, 1);
  // Each task has its own record.
  await upkeep(s, { task: "optimize", step: "optimize" });
  assert.equal((await s.store.status()).upkeep.optimize?.index, 9);
});

Deno.test("Upkeep by an incremental vacuum gives pages back a few at a time, and is done with the last", async () => {
  await using s = await TestStore.open();
  await withFreePages(s);
  await upkeep(s, { task: "vacuum", step: "vacuum_to_incremental" });
  const { incrementalVacuum, upkeep: { vacuum } } = await s.store.status();
  assert.equal(incrementalVacuum, true);
  const after = vacuum?.index ?? 0;
  await s.execute(["DELETE FROM t"]);
  const { pages, freePages } = await s.store.status();
  const step = { task: "vacuum", step: "incremental_vacuum", pages: 10, after } as const;
  await upkeep(s, { ...step, last: false });
  const between = await s.store.status();
  assert.equal(between.pages, pages - 10);
  assert.equal(between.upkeep.vacuum?.index, after);
  await upkeep(s, { ...step, pages: freePages });
  const last = await s.store.status();
  assert.equal(last.freePages, 0);
  assert.equal(last.upkeep.vacuum?.index, s.entries.index);
  await s.restart();
  assert.equal((await s.store.status()).incrementalVacuum, true);
});

Deno.test("Upkeep by PRAGMA optimize looks at every table, and what is planned next goes by it", async () => {
  await using s = await TestStore.open();
  await s.execute([
    "CREATE TABLE t (a, b)",
    "CREATE INDEX ta ON t (a)",
    "CREATE INDEX tb ON t (b)",
  ]);
  await s.execute([`${many} INSERT INTO t SELECT i, i % 2 FROM n`]);
  assert.equal(await upkeep(s, { task: "optimize", step: "optimize" }), "");
  assert.match(await s.query("SELECT idx, stat FROM sqlite_stat1 ORDER BY idx"), /"ta","2000 1"/);
  const plan = "EXPLAIN QUERY PLAN SELECT * FROM t WHERE a = 1 AND b = 1";
  assert.match(await s.query(plan), /USING INDEX ta/);
});

Deno.test("Upkeep that SQL makes fail is a result, and its time does not count as done", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v)", "INSERT INTO t VALUES (1)"]);
  // A function of another program's: SQLite cannot write the table anew without it.
  const foreign = "PRAGMA writable_schema = ON; " +
    "UPDATE sqlite_schema SET sql = 'CREATE TABLE t (v, g AS (elsewhere(v)) STORED)' WHERE name = 't'";
  await s.edit((path) => assert.equal(sqlite3(path, foreign), ""));
  await s.restart();
  assert.match(await upkeep(s, { task: "vacuum", step: "vacuum" }), /error.*elsewhere/);
  const { upkeep: { vacuum }, upkeepRuns } = await s.store.status();
  assert.equal(vacuum, undefined);
  assert.equal(upkeepRuns.vacuum.failed, 1);
  assert.match(await s.execute(["CREATE TABLE u (v)"]), /^\{/);
});

Deno.test("Upkeep is no part of what users load and back up, and a WAL as large as its VACUUM is given back", async () => {
  await using s = await TestStore.open({ limits: { walBytes: 65_536 } });
  await withFreePages(s);
  await upkeep(s, { task: "vacuum", step: "vacuum" });
  const wal = `${s.path}-wal`;
  const size = async () => (await Deno.stat(wal)).size;
  await eventually("the WAL to be given back", async () => await size() === 0);
  const options = { format: "binary", vacuum: false, tables: [] } as const;
  const backup = `${s.directory}/backup.sqlite`;
  await Deno.writeFile(backup, (await s.store.backup(options)).body);
  assert.equal(sqlite3(backup, "SELECT group_concat(name) FROM sqlite_schema").trim(), "t");
});
