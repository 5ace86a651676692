import assert from "node:assert/strict";
import { type Library, openLibrary } from "../../src/sqlite/mod.ts";
import { library, sqliteFile, TestStore } from "./fixture.ts";

/** LIKE is none for the main thread. */
const readersWork = "SELECT 1 LIKE 2";
const opened: Library = openLibrary(library);

async function filled(rows: number): Promise<TestStore> {
  const s = await TestStore.open();
  await s.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
  await s.execute([
    `INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) ` +
    "SELECT hex(randomblob(50)) FROM n",
  ]);
  return s;
}

/** Everything that can be asked of a store, again and again from four sides, until `work` is done. */
async function whilePolled(s: TestStore, work: () => Promise<void>): Promise<number> {
  let done = false;
  let answers = 0;
  const poll = async (ask: () => Promise<unknown>) => {
    while (!done) {
      await ask();
      answers++;
      // Only what is no promise's own takes turns with what Workers send.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  };
  const askers = [
    ...[1, 2, 3, 4].map(() => poll(() => s.store.status())),
    poll(() => s.query("SELECT 1")),
    poll(() => s.query(readersWork)),
    poll(() => s.store.inspect([{ sql: readersWork }])),
    poll(() => s.store.checkpoint()),
  ];
  try {
    await work();
  } finally {
    done = true;
  }
  await Promise.all(askers);
  return answers;
}

Deno.test("a store answers whatever it is asked while snapshots are installed", async () => {
  await using source = await filled(2000);
  await using target = await TestStore.open();
  await whilePolled(target, async () => {
    for (let i = 0; i < 10; i++) {
      await source.execute(["INSERT INTO t (v) VALUES (1)"]);
      const snapshot = await source.store.openSnapshot();
      assert.deepEqual(await target.store.installSnapshot(snapshot.body), snapshot.position);
      await snapshot.close();
    }
  });
  const { pages } = await target.store.status();
  assert(pages > 50, `${pages} pages`);
  assert.match(await target.query("SELECT count(*) FROM t"), /\[\[2010\]\]/);
});

Deno.test("a store answers whatever it is asked while files are loaded", async () => {
  const file = await sqliteFile("CREATE TABLE loaded (v); INSERT INTO loaded VALUES ('x')");
  await using s = await TestStore.open();
  await whilePolled(s, async () => {
    for (let i = 0; i < 10; i++) {
      await s.apply(
        ...s.entries.load(file, BigInt(i + 1)),
        s.entries.execute(["INSERT INTO loaded VALUES ('y')"]),
      );
    }
  });
  assert.match(await s.query("SELECT count(*) FROM loaded"), /\[\[2\]\]/);
});

Deno.test("batches that come while a file is loaded are applied behind it, in their order", async () => {
  const file = await sqliteFile("CREATE TABLE loaded (v)");
  await using s = await TestStore.open();
  const { entries } = s;
  let ahead = s.apply(...entries.load(file));
  for (let i = 0; i < 50; i++) {
    // Always one batch behind the one that is applied, as a node does it.
    const next = s.apply(entries.execute([`INSERT INTO loaded VALUES (${i})`]));
    await ahead;
    ahead = next;
  }
  await ahead;
  assert.match(
    await s.query("SELECT count(*), max(v), max(rowid) FROM loaded"),
    /\[\[50,49,50\]\]/,
  );
});

Deno.test("Store.close in the middle of an exchange waits for it and leaves one database", async () => {
  await using source = await filled(500);
  const target = await TestStore.open();
  const snapshot = await source.store.openSnapshot();
  // Begun and not awaited: it may be anywhere when the store closes.
  const installed = target.store.installSnapshot(snapshot.body).catch(() => undefined);
  while (!(await target.store.status()).pages) await Promise.resolve();
  await target.store.close();
  await installed;
  await snapshot.close();
  const names = [...Deno.readDirSync(target.directory)].map(({ name }) => name);
  assert.deepEqual(names.sort(), ["db.sqlite", "db.sqlite-sums"]);
  await Deno.remove(target.directory, { recursive: true });
});

Deno.test("Store.status leaves nothing in SQLite's memory behind", async () => {
  await using s = await TestStore.open();
  const growthOf = async (times: number) => {
    const before = opened.symbols.sqlite3_memory_used();
    for (let i = 0; i < times; i++) await s.store.status();
    return opened.symbols.sqlite3_memory_used() - before;
  };
  await growthOf(10);
  // Other test files allocate at the same time: a leak grows in each round, they do not.
  const growths: bigint[] = [];
  do growths.push(await growthOf(300)); while ((growths.at(-1) ?? 0n) > 0n && growths.length < 10);
  assert((growths.at(-1) ?? 0n) <= 0n, `Bytes left behind by 300 questions each: ${growths}`);
});

Deno.test("a read whose connection cannot be opened fails by itself, and the store goes on", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await using s = await TestStore.open();
  await Deno.rename(s.path, `${s.path}.away`);
  await assert.rejects(s.query(readersWork), /Read failed: unable to open database file/);
  await Deno.rename(`${s.path}.away`, s.path);
  assert.match(await s.query(readersWork), /"values":\[\[0\]\]/);
  await s.execute(["CREATE TABLE t (v)"]);
});
