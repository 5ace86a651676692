import assert from "node:assert/strict";
import { Database } from "../../src/sqlite/mod.ts";
import { tablesThatDiffer } from "../../src/jobs/copy_groups.ts";
import type { CopyDigest } from "../../src/store/types.ts";
import { library, TestStore } from "./fixture.ts";

const schema = [
  "CREATE TABLE t (id INTEGER PRIMARY KEY, v, g AS (v || '!'))",
  "CREATE INDEX tv ON t (v)",
  "CREATE TABLE r (rowid, v)",
  "CREATE TABLE w (k TEXT PRIMARY KEY, v) WITHOUT ROWID",
  "CREATE VIRTUAL TABLE f USING fts5(body)",
  "INSERT INTO t (v) VALUES (1.1), ('text' || char(0) || 'behind'), (x'00ff'), (NULL), (9007199254740993)",
  "INSERT INTO r SELECT v, id FROM t",
  "INSERT INTO w SELECT 'k' || id, v FROM t",
  "INSERT INTO f VALUES ('some words'), ('and more')",
];

async function started(): Promise<TestStore> {
  const store = await TestStore.open();
  await store.execute(schema);
  return store;
}

/** Holds a copy, and writes until its WAL has grown too much. */
async function cutShortAt(store: TestStore, after: string): Promise<CopyDigest> {
  const copy = await store.store.holdCopy();
  try {
    for (let i = 0; i < 20; i++) await store.execute([`UPDATE b SET v = zeroblob(60000 + ${i})`]);
    return await copy.digest(after);
  } finally {
    copy.end();
  }
}

async function digestOf({ store }: TestStore): Promise<CopyDigest> {
  const copy = await store.holdCopy();
  try {
    return await copy.digest("");
  } finally {
    copy.end();
  }
}

Deno.test("a copy is held as it was, whatever is written meanwhile, and equal copies are equal", async () => {
  await using one = await started();
  await using other = await started();
  const held = await one.store.holdCopy();
  await assert.rejects(one.store.holdCopy(), /being compared already/);
  await one.execute(["DELETE FROM t", "DROP TABLE w"]);
  const digest = await held.digest("");
  assert.deepEqual(digest, await digestOf(other));
  assert.deepEqual([digest.damage, digest.unread, digest.complete], [[], [], true]);
  const names = digest.tables.map(({ name, rows }) => `${name} ${rows}`);
  assert.deepEqual(names.filter((name) => /^(t|r|w|sqlite_schema) /.test(name)), [
    "sqlite_schema 10",
    "r 5",
    "t 5",
    "w 5",
  ]);
  assert.deepEqual((await held.digest("t")).tables, digest.tables.slice(-1));
  assert.equal((await held.rows("t", 1, 10)).length, 4);
  held.end();
  await assert.rejects(held.digest(""), /held no more/);
  const later = await digestOf(one);
  assert.equal(later.index, held.index + 1);
});

Deno.test("any value that is another makes another copy, of that table alone", async () => {
  await using store = await started();
  let before = await digestOf(store);
  for (
    const [table, change] of [
      ["t", "UPDATE t SET v = 1.1000000000000003 WHERE id = 1"],
      ["t", "UPDATE t SET v = 'text' || char(0) || 'Behind' WHERE id = 2"],
      ["t", "UPDATE t SET v = x'00fe' WHERE id = 3"],
      ["t", "UPDATE t SET v = '' WHERE id = 4"],
      ["t", "UPDATE t SET v = 9007199254740992 WHERE id = 5"],
      ["r", "UPDATE r SET v = '1' WHERE v = 1"],
      ["w", "UPDATE w SET v = CAST(v AS TEXT) WHERE k = 'k3'"],
    ] as const
  ) {
    await store.execute([change]);
    const after = await digestOf(store);
    assert.deepEqual(tablesThatDiffer(after, before), [table], change);
    before = after;
  }
});

Deno.test("an index without a row of its table is found", async () => {
  await using store = await started();
  const { path } = store;
  await store.store.checkpoint();
  {
    using database = new Database(path, { library, create: false });
    database.exec("PRAGMA writable_schema = ON");
    database.exec("UPDATE sqlite_schema SET sql = 'CREATE INDEX tv ON t (id)' WHERE name = 'tv'");
    database.exec("UPDATE t SET v = 'x' WHERE id = 1");
  }
  const { damage } = await digestOf(store);
  assert.match(damage.join("\n"), /index tv/);
});

Deno.test("what is cut short before it began comes on by a table at a time, and says what was not checked", async () => {
  await using store = await TestStore.open({ limits: { walBytes: 65_536 } });
  await store.execute(["CREATE TABLE b (v)", "INSERT INTO b VALUES (1)", "CREATE TABLE c (v)"]);
  const steps: string[] = [];
  let after = "";
  for (let complete = false; !complete && steps.length < 10;) {
    const digest = await cutShortAt(store, after);
    const names = [...digest.tables, ...digest.unread].map(({ name }) => name);
    steps.push(`${names.join(" ")} ${digest.checked} ${digest.complete}`);
    complete = digest.complete;
    after = names.at(-1) ?? after;
  }
  assert.deepEqual(steps, [
    "sqlite_schema false false",
    "b false false",
    "c false false",
    " false true",
  ]);
});
