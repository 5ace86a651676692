import assert from "node:assert/strict";
import { checksum } from "../../src/base/checksum.ts";
import type { RequestId } from "../../src/store/types.ts";
import { sqlite3, sqliteFile, TestStore } from "./fixture.ts";
import { keyOf } from "./random_entries.ts";

function chunks(s: TestStore, loadId: bigint, file: Uint8Array, size = 3000) {
  const entries = [];
  for (let offset = 0; offset < file.length; offset += size) {
    const bytes = file.subarray(offset, offset + size);
    entries.push(
      s.entries.command({ type: "load_chunk", loadId, offset, bytes, request: undefined }),
    );
  }
  return entries;
}

function commit(s: TestStore, loadId: bigint, file: Uint8Array, request?: RequestId) {
  return s.entries.command({
    type: "load_commit",
    loadId,
    size: file.length,
    checksum: checksum(file),
    request,
  });
}

const request = { origin: 5n, sequence: 1, floor: 1 };

Deno.test("Store.apply makes a loaded file the database, in the middle of a batch", async () => {
  const file = await sqliteFile(
    "PRAGMA journal_mode=WAL; CREATE TABLE loaded (v); INSERT INTO loaded VALUES ('it''s here')",
  );
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE old (v)"], { request });
  const pieces = chunks(s, 7n, file);
  await s.apply(...pieces.slice(0, 2));
  await s.restart();
  const answers = await s.apply(
    ...pieces.slice(2),
    s.entries.execute(["INSERT INTO old VALUES (1)"]),
    commit(s, 7n, file, { ...request, sequence: 2 }),
    s.entries.execute(["INSERT INTO loaded VALUES (2)"]),
    s.entries.execute(["CREATE TABLE again (v)"], { request }),
    commit(s, 7n, file, { ...request, sequence: 2 }),
    s.entries.execute(["SELECT * FROM old"], { unified: true }),
  );
  assert.deepEqual(answers.slice(-6), [
    '{"last_insert_id":1,"rows_affected":1}',
    "",
    '{"last_insert_id":2,"rows_affected":1}',
    "duplicate",
    "duplicate",
    '{"error":"no such table: old"}',
  ]);
  assert.match(await s.query("SELECT * FROM loaded"), /\[\["it's here"\],\[2\]\]/);
  await s.restart();
  assert.equal(s.store.applied.index, s.entries.index);
  assert.match(await s.query("PRAGMA journal_mode"), /wal/);
});

Deno.test("Store.apply refuses an unfit file, and changes nothing", async () => {
  const good = await sqliteFile(
    "CREATE TABLE t (v); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT hex(i) FROM n",
  );
  const holed = good.slice().fill(0xaa, 8192, 12288);
  const largest = await sqliteFile(
    "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (9223372036854775807)",
  );
  const cases: [name: string, file: Uint8Array, because: RegExp][] = [
    ["cut short", good.subarray(0, good.length - 4096), /malformed|damaged/],
    ["a page overwritten", holed, /malformed|damaged/],
    ["no database", new TextEncoder().encode("x".repeat(5000)), /not a SQLite database/],
    ["the largest row id", largest, /table t has a row/],
  ];
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE kept (v)"]);
  for (const [name, file, because] of cases) {
    const answers = await s.apply(
      ...chunks(s, 9n, file),
      commit(s, 9n, file),
      s.entries.execute(["INSERT INTO kept VALUES (1)"]),
    );
    assert.match(answers.at(-2) ?? "", /^\{"error":"Load failed, nothing was changed: /, name);
    assert.match(answers.at(-2) ?? "", because, name);
    assert.match(answers.at(-1) ?? "", /rows_affected/, name);
  }
  const answers = await s.apply(...chunks(s, 9n, good), commit(s, 9n, good.slice().reverse()));
  assert.match(answers.at(-1) ?? "", /damaged on its way/);
  assert.match(await s.query("SELECT count(*) FROM kept"), /\[\[4\]\]/);
});

Deno.test("Store.apply refuses a file with the largest row id, whatever kind of table has it, under whatever name", async () => {
  const id = "9223372036854775807";
  const cases: [sql: string, because: RegExp][] = [
    [
      `CREATE VIRTUAL TABLE f USING fts4(x); INSERT INTO f (docid, x) VALUES (${id}, 'a')`,
      /table f_/,
    ],
    [
      `CREATE VIRTUAL TABLE r USING rtree(id, low, high); INSERT INTO r VALUES (${id}, 1, 2)`,
      /table r_/,
    ],
    [`CREATE TABLE q (_RowId_, rowid); INSERT INTO q (oid) VALUES (${id})`, /table q has a row/],
    ["CREATE TABLE q (oid, rowid, _rowid_)", /table q has columns named rowid, _rowid_ and oid/],
  ];
  await using s = await TestStore.open();
  for (const [sql, because] of cases) {
    const file = await sqliteFile(sql);
    const answers = await s.apply(...chunks(s, 9n, file), commit(s, 9n, file));
    assert.match(answers.at(-1) ?? "", because, sql);
  }
  const fit = await sqliteFile(
    "CREATE TABLE q (rowid, _rowid_ AS (rowid) STORED); INSERT INTO q (rowid) VALUES ('x'); " +
      "CREATE TABLE w (oid PRIMARY KEY, rowid, _rowid_) WITHOUT ROWID",
  );
  const answers = await s.apply(...chunks(s, 9n, fit), commit(s, 9n, fit));
  assert.equal(answers.at(-1), "");
});

Deno.test("Store.apply drops a stale load when another starts, and one that is given up", async () => {
  const file = await sqliteFile("CREATE TABLE t (v)");
  await using s = await TestStore.open();
  await s.apply(...chunks(s, 1n, file.subarray(0, 3000)));
  const answers = await s.apply(
    ...chunks(s, 2n, file),
    s.entries.command({
      type: "load_chunk",
      loadId: 1n,
      offset: 3000,
      bytes: new Uint8Array(5),
      request: undefined,
    }),
    commit(s, 1n, file),
    s.entries.command({ type: "load_abort", loadId: 1n, request: undefined }),
    s.entries.command({ type: "load_abort", loadId: 2n, request: undefined }),
    commit(s, 2n, file),
  );
  const another = '{"error":"Load failed: another load took its place, send the file again"}';
  assert.deepEqual(answers.slice(-5), [another, another, "", "", another]);
  assert.match(await s.query("SELECT count(*) FROM sqlite_raft_load"), /\[\[0\]\]/);
});

Deno.test("Store.apply and Store.backup keep a table of whatever name, while they drop the store's own", async () => {
  const name = "raftlite_dropped_sqlite_raft";
  const file = await sqliteFile(`CREATE TABLE ${name} (v); INSERT INTO ${name} VALUES ('kept')`);
  await using s = await TestStore.open();
  await s.apply(...chunks(s, 7n, file), commit(s, 7n, file));
  assert.match(await s.query(`SELECT v FROM ${name}`), /kept/);
  const backup = await s.store.backup({ format: "delete", vacuum: false, tables: [] });
  const path = `${s.directory}/backup`;
  await Deno.writeFile(path, backup.body);
  assert.equal(
    sqlite3(path, `SELECT v FROM ${name}; SELECT name FROM sqlite_schema`),
    `kept\n${name}\n`,
  );
});

Deno.test("Store.apply keeps the keys of requests when a file becomes the database", async () => {
  const file = await sqliteFile("CREATE TABLE t (v)");
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v)"]);
  const insert = () => s.execute(["INSERT INTO t VALUES (1)"], { key: keyOf("k") });
  await insert();
  await s.apply(...chunks(s, 7n, file), commit(s, 7n, file));
  assert.match(await insert(), /^1/);
  assert.match(await s.query("SELECT count(*) FROM t"), /\[\[0\]\]/);
});
