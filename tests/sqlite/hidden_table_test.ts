import assert from "node:assert/strict";
import { Backup, createHiddenTable, Database } from "../../src/sqlite/mod.ts";
import { library, openMemory, withDirectory } from "./fixture.ts";

const NAME = "sqlite_raft";
const COLUMNS = "id INTEGER PRIMARY KEY, log_index INTEGER NOT NULL, term INTEGER NOT NULL";

function position(db: Database): unknown {
  return db.prepare(`SELECT log_index, term FROM ${NAME}`).values();
}

function fill(db: Database): void {
  createHiddenTable(db, NAME, COLUMNS);
  db.exec(`CREATE TABLE t(a); INSERT INTO t VALUES (1); INSERT INTO ${NAME} VALUES (1, 2, 3)`);
}

Deno.test("createHiddenTable makes a table that is sound and that no SQL can drop or change", () => {
  using db = openMemory();
  fill(db);
  createHiddenTable(db, NAME, COLUMNS);
  assert.equal(db.scalar("PRAGMA integrity_check"), "ok");
  const refused: [string, RegExp][] = [
    [`DROP TABLE ${NAME}`, /may not be dropped/],
    [`ALTER TABLE ${NAME} RENAME TO x`, /may not be altered/],
    [`ALTER TABLE ${NAME} ADD COLUMN x`, /may not be altered/],
    [`CREATE INDEX i ON ${NAME}(term)`, /may not be indexed/],
    [`CREATE TRIGGER tr AFTER UPDATE ON ${NAME} BEGIN SELECT 1; END`, /cannot create trigger/],
    [`CREATE TABLE ${NAME}(a)`, /reserved for internal use/],
    [`ALTER TABLE t RENAME TO ${NAME}`, /already another table|reserved for internal use/],
  ];
  for (const [sql, message] of refused) assert.throws(() => db.exec(sql), message, sql);
  db.config(1010, true);
  db.exec(`UPDATE ${NAME} SET log_index = 7`);
  assert.deepEqual(position(db), [[7, 3]]);
});

Deno.test("createHiddenTable leaves the connection's options as they were, and a transaction alone", () => {
  using db = openMemory();
  db.config(1010, true);
  createHiddenTable(db, NAME, COLUMNS);
  assert.equal(db.config(1010), true);
  assert.equal(db.config(1011), false);
  assert.throws(() => createHiddenTable(db, "raft", COLUMNS), RangeError);
  db.exec("BEGIN");
  assert.throws(() => createHiddenTable(db, "sqlite_other", COLUMNS), /in a transaction/);
});

Deno.test("a hidden table survives VACUUM, VACUUM INTO, backup and opening again", () =>
  withDirectory((directory) => {
    const path = `${directory}/data.db`;
    const other = new Database(path, { library });
    const db = new Database(path, { library });
    other.exec("PRAGMA journal_mode = WAL; SELECT * FROM sqlite_schema");
    fill(db);
    assert.deepEqual(position(other), [[2, 3]]);
    other.close();
    db.exec("VACUUM");
    assert.deepEqual(position(db), [[2, 3]]);
    db.exec("VACUUM INTO ?", `${directory}/vacuumed.db`);
    const copy = new Database(`${directory}/copy.db`, { library });
    const backup = new Backup(copy, db);
    while (!backup.step(1));
    backup.close();
    copy.close();
    db.close();
    for (const name of ["data.db", "vacuumed.db", "copy.db"]) {
      using again = new Database(`${directory}/${name}`, { library });
      assert.deepEqual(position(again), [[2, 3]], name);
      assert.equal(again.scalar("PRAGMA integrity_check"), "ok");
      again.exec(`UPDATE ${NAME} SET term = term + 1`);
    }
  }));

async function shell(...args: string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("sqlite3", { args }).output();
    assert.equal(success, true);
    return new TextDecoder().decode(stdout);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

Deno.test("SQLite's shell leaves a hidden table out of its lists and dumps", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/data.db`;
    using db = new Database(path, { library });
    fill(db);
    const tables = await shell(path, ".tables");
    if (tables === undefined) return;
    assert.equal(tables.trim(), "t");
    const dump = await shell(path, ".dump") ?? "";
    assert.match(dump, /CREATE TABLE t\(a\)/);
    assert.doesNotMatch(dump, /raft/);
    assert.equal((await shell(path, "PRAGMA integrity_check"))?.trim(), "ok");
  }));
