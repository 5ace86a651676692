import assert from "node:assert/strict";
import type { StoreLimits } from "../../src/store/options.ts";
import type { BackupOptions } from "../../src/store/types.ts";
import { sqlite3, TestStore } from "./fixture.ts";

async function open(limits: Partial<StoreLimits> = {}): Promise<TestStore> {
  const s = await TestStore.open({ limits });
  await s.execute([
    'CREATE TABLE "t ""x" (id INTEGER PRIMARY KEY AUTOINCREMENT, v)',
    `INSERT INTO "t ""x" (v) VALUES ('it''s'), (x'00ff'), (1.5), (NULL)`,
    "CREATE TABLE other (v)",
    "INSERT INTO other VALUES (1)",
    "CREATE INDEX i ON other (v)",
    "CREATE VIEW w AS SELECT * FROM other",
  ]);
  return s;
}

async function backup(s: TestStore, options: Partial<BackupOptions>): Promise<Uint8Array> {
  const copy = await s.store.backup({ format: "binary", vacuum: false, tables: [], ...options });
  assert.deepEqual(copy.position, s.store.applied);
  const bytes = await new Response(copy.body as ReadableStream<Uint8Array<ArrayBuffer>>).bytes();
  assert.equal(bytes.length, copy.sizeBytes);
  return bytes;
}

function temporaries(s: TestStore): string[] {
  return [...Deno.readDirSync(s.directory)].map((f) => f.name).filter((n) => n.includes(".tmp-"));
}

/** What SQLite's own tool says of such a backup. */
async function assertUsersData(s: TestStore, options: Partial<BackupOptions>, mode: string) {
  const path = await Deno.makeTempFile();
  await Deno.writeFile(path, await backup(s, options));
  assert.equal(sqlite3(path, "PRAGMA journal_mode"), `${mode}\n`);
  assert.equal(sqlite3(path, "PRAGMA integrity_check"), "ok\n");
  assert.equal(
    sqlite3(path, "SELECT name FROM sqlite_schema ORDER BY 1"),
    'i\nother\nsqlite_sequence\nt "x\nw\n',
  );
  assert.equal(
    sqlite3(path, 'SELECT id, quote(v) FROM "t ""x"'),
    "1|'it''s'\n2|X'00FF'\n3|1.5\n4|NULL\n",
  );
  for (const suffix of ["", "-wal", "-shm"]) await Deno.remove(path + suffix).catch(() => {});
}

Deno.test("Store.backup makes files that SQLite's own tool opens, with the user's data only", async () => {
  await using s = await open();
  await assertUsersData(s, { format: "binary" }, "wal");
  await assertUsersData(s, { format: "delete" }, "delete");
  await assertUsersData(s, { format: "delete", vacuum: true }, "delete");
  assert.deepEqual(temporaries(s), []);
});

Deno.test("Store.backup makes the same files by a copy where too much is the store's own to leave it out", async () => {
  await using s = await open({ copyEditBytes: 1 });
  const { body } = await s.store.backup({ format: "delete", vacuum: false, tables: [] });
  assert.equal(temporaries(s).length, 1);
  await body.cancel();
  await assertUsersData(s, { format: "binary" }, "wal");
  await assertUsersData(s, { format: "delete" }, "delete");
  assert.deepEqual(temporaries(s), []);
});

Deno.test("Store.backup writes SQL as rqlite does, of all tables or of some", async () => {
  await using s = await open();
  const rest = "CREATE INDEX i ON other (v);\nCREATE VIEW w AS SELECT * FROM other;\nCOMMIT;\n";
  const other = 'CREATE TABLE other (v);\nINSERT INTO "other" VALUES(1);\n';
  const text = async (tables: string[]) =>
    new TextDecoder().decode(await backup(s, { format: "sql", tables }));
  assert.equal(
    await text([]),
    "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n" + other +
      'CREATE TABLE "t ""x" (id INTEGER PRIMARY KEY AUTOINCREMENT, v);\n' +
      `INSERT INTO "t ""x" VALUES(1,'it''s');\nINSERT INTO "t ""x" VALUES(2,X'00FF');\n` +
      'INSERT INTO "t ""x" VALUES(3,1.5);\nINSERT INTO "t ""x" VALUES(4,NULL);\n' +
      'DELETE FROM "sqlite_sequence";\nINSERT INTO "sqlite_sequence" VALUES(\'t "x\',4);\n' + rest,
  );
  assert.equal(
    await text(["other"]),
    "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n" + other + rest,
  );
  assert.deepEqual(temporaries(s), []);
});

Deno.test("Store.backup keeps nothing when the client goes away", async () => {
  await using s = await open();
  for (const vacuum of [false, true]) {
    const { body } = await s.store.backup({ format: "binary", vacuum, tables: [] });
    assert.equal(temporaries(s).length, vacuum ? 1 : 0);
    await body.cancel();
    assert.deepEqual(temporaries(s), []);
    const abort = new AbortController();
    const backup = s.store.backup({ format: "binary", vacuum, tables: [] }, abort.signal);
    abort.abort(new Error("gone"));
    await assert.rejects(backup, /gone/);
  }
});
