import { strict as assert } from "node:assert";
import { library, sqliteFile, TestStore } from "./fixture.ts";

const rows =
  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT 'row ' || i || ' ' || hex(zeroblob(20)) FROM n";
const table = `CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t (v) ${rows}`;
const last = "SELECT v FROM t WHERE id = 500";

/** Has the disk make another row of the last one: SQLite sees nothing in it. */
async function damage(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  const row = new TextEncoder().encode("row 500 ");
  const at = bytes.findIndex((_, i) => row.every((byte, j) => bytes[i + j] === byte));
  assert.ok(at > 0, "the row is in the file");
  bytes[at + row.length - 2] = 0x31;
  await Deno.writeFile(path, bytes);
}

/** Of a page that nobody has read since the file has come. */
async function refusesDamage(s: TestStore): Promise<void> {
  await s.store.close();
  await damage(s.path);
  await s.restart();
  const answer = await s.query(last).catch(String);
  assert.match(answer, /disk I\/O error/, answer);
}

/** What the database's second page has: up to which entry it is applied. */
async function statePage(path: string): Promise<Uint8Array> {
  return (await Deno.readFile(path)).subarray(4096, 8192);
}

const ignore = library.symbols.raftlite_sums_begin === null;

Deno.test({
  name:
    "what a disk does to a snapshot's pages before their first read is not taken for what they are",
  ignore,
  fn: async () => {
    await using source = await TestStore.open({ pageCheckMs: 0 });
    await source.execute(table.split("; "));
    await using target = await TestStore.open({ pageCheckMs: 0 });
    const { body, close } = await source.store.openSnapshot();
    await target.store.installSnapshot(body);
    await close();
    await refusesDamage(target);
  },
});

Deno.test({
  name:
    "what a disk does to a loaded file's pages before their first read is not taken for what they are",
  ignore,
  fn: async () => {
    const file = await sqliteFile(table);
    await using s = await TestStore.open({ pageCheckMs: 0 });
    await s.apply(...s.entries.load(file as Uint8Array));
    await refusesDamage(s);
  },
});

Deno.test({
  name:
    "a database whose state goes back to what a disk had before is refused: its entries would be applied twice",
  ignore,
  fn: async () => {
    await using s = await TestStore.open({ pageCheckMs: 0 });
    await s.execute(["CREATE TABLE t (v)"]);
    await s.restart();
    const old = await statePage(s.path);
    const insert = s.entries.execute(["INSERT INTO t VALUES (1)"]);
    await s.apply(insert);
    await s.store.close();
    const bytes = await Deno.readFile(s.path);
    assert.notDeepEqual(bytes.subarray(4096, 8192), old);
    bytes.set(old, 4096);
    await Deno.writeFile(s.path, bytes);
    await assert.rejects(s.restart(), /page 2 .*is not what was written there|disk I\/O error/);
  },
});
