import assert from "node:assert/strict";
import { Database, openLibrary } from "../../src/sqlite/mod.ts";
import { library, TestStore } from "./fixture.ts";

const opened = openLibrary(library);

/**
 * An undamaged file of an application with a collation, function, tokenizer or module "mine": made
 * with one of SQLite's own, of the same behaviour, whose name is then exchanged.
 */
async function fileWith(sql: string, standIn: string): Promise<Uint8Array> {
  const path = await Deno.makeTempFile();
  try {
    using database = new Database(path, { library: opened });
    database.exec(
      `CREATE TABLE plain (x); INSERT INTO plain VALUES ('kept'); ${sql};
       INSERT INTO t (x) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
       SELECT hex(i) FROM n`,
    );
    database.config(1010, false);
    database.config(1011, true);
    database.exec("UPDATE sqlite_schema SET sql = replace(sql, ?, 'mine')", standIn);
    database.close();
    return await Deno.readFile(path);
  } finally {
    await Deno.remove(path);
  }
}

const cases: [sql: string, standIn: string, lacks: RegExp][] = [
  ["CREATE TABLE t (x); CREATE INDEX i ON t (x COLLATE binary)", "binary", /no such collation/],
  ["CREATE TABLE t (x COLLATE binary PRIMARY KEY) WITHOUT ROWID", "binary", /no such collation/],
  ["CREATE TABLE t (x COLLATE binary PRIMARY KEY DESC)", "binary", /no such collation/],
  ["CREATE TABLE t (x); CREATE INDEX i ON t (trim(x))", "trim", /function: mine/],
  ["CREATE TABLE t (x); CREATE INDEX i ON t (x) WHERE trim(x) > '3'", "trim", /function: mine/],
  ["CREATE TABLE t (x CHECK (trim(x) NOT NULL))", "trim", /function: mine/],
  ["CREATE TABLE t (x, y AS (trim(x)) NOT NULL)", "trim", /function: mine/],
  ["CREATE TABLE t (x, y AS (trim(x)) STORED NOT NULL)", "trim", /function: mine/],
  ["CREATE VIRTUAL TABLE t USING fts5(x, tokenize=ascii)", "ascii", /tokenizer: mine/],
  ["CREATE VIRTUAL TABLE t USING fts4(x, tokenize=simple)", "simple", /tokenizer: mine/],
  ["CREATE VIRTUAL TABLE t USING fts3(x, tokenize=simple)", "simple", /tokenizer: mine/],
  ["CREATE VIRTUAL TABLE t USING fts5(x)", "fts5", /no such module: mine/],
];

function load(s: TestStore, file: Uint8Array): Promise<string[]> {
  return s.apply(...s.entries.load(file));
}

async function collected(s: TestStore): Promise<Uint8Array[]> {
  const snapshot = await s.store.openSnapshot();
  const chunks: Uint8Array[] = [];
  for await (const chunk of snapshot.body) chunks.push(chunk.slice());
  await snapshot.close();
  return chunks;
}

Deno.test("A file that uses an application's own collation, function, tokenizer or module is loaded, and what needs none of them works", async () => {
  for (const [sql, standIn, lacks] of cases) {
    const file = await fileWith(sql, standIn);
    await using s = await TestStore.open();
    assert.equal((await load(s, file)).at(-1), "", sql);
    const works = async (on: TestStore) => {
      assert.match(await on.execute(["INSERT INTO plain VALUES (1)"]), /rows_affected/, sql);
      assert.match(await on.query("SELECT x FROM plain LIMIT 1"), /kept/, sql);
      assert.match(await on.execute(["INSERT INTO t (x) VALUES ('new')"]), lacks, sql);
    };
    await works(s);
    // It may need them: then it says so.
    const upkeep = await s.execute(["VACUUM", "ANALYZE", "REINDEX", "PRAGMA optimize"]);
    for (const { error } of JSON.parse(`[${upkeep}]`)) {
      assert.match(error ?? "mine", /mine/, sql);
    }
    await s.restart();
    await works(s);

    await using follower = await TestStore.open();
    const body = await collected(s);
    const position = await follower.store.installSnapshot(ReadableStream.from(body));
    follower.entries.index = position.index;
    await works(follower);

    const options = { format: "binary", vacuum: false, tables: [] } as const;
    const { body: copy } = await s.store.backup(options);
    const backup = await new Response(copy as ReadableStream<Uint8Array<ArrayBuffer>>).bytes();
    assert.equal((await load(follower, backup)).at(-1), "", sql);
    await works(follower);
  }
});

Deno.test("A damaged file is refused, whatever of an application's own it uses", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE kept (v)"]);
  for (const [sql, standIn] of cases) {
    const file = await fileWith(sql, standIn);
    const spoilt: Uint8Array[] = [file.subarray(0, file.length - 4096)];
    // Each page but the schema's, as far as there are some.
    for (let page = 2; page < Math.min(file.length / 4096, 8); page++) {
      spoilt.push(file.slice().fill(0xaa, page * 4096, (page + 1) * 4096));
    }
    for (const [i, damaged] of spoilt.entries()) {
      const answer = (await load(s, damaged)).at(-1) ?? "";
      assert.match(
        answer,
        /nothing was changed: .*(damaged|malformed|constructor failed)/,
        `${sql} ${i}`,
      );
      assert.match(await s.query("SELECT count(*) FROM kept"), /\[\[0\]\]/);
    }
  }
});
