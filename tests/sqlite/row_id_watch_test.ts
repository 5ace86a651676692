import assert from "node:assert/strict";
import { Database, type Library, MaxRowIdWatch } from "../../src/sqlite/mod.ts";
import { library } from "./fixture.ts";

/** Libraries with and without a hook of their own; the system's has none. */
function* libraries(): Generator<Library> {
  yield library;
  if (library.symbols.raftlite_watch_row_ids === null) return;
  yield { ...library, symbols: { ...library.symbols, raftlite_watch_row_ids: null } };
}

Deno.test("MaxRowIdWatch notices the largest row id, however it comes", () => {
  for (const library of libraries()) {
    using db = new Database(":memory:", { library });
    notices(db);
  }
});

function notices(db: Database): void {
  db.exec("CREATE TABLE t(id INTEGER PRIMARY KEY); CREATE TABLE u(a); CREATE TABLE copy(a)");
  db.exec("CREATE TRIGGER tr AFTER DELETE ON u BEGIN INSERT INTO t VALUES (old.a); END");
  using watch = new MaxRowIdWatch(db);
  db.exec("INSERT INTO t VALUES (9223372036854775805); INSERT INTO t VALUES (NULL), (-1)");
  assert.equal(watch.take(), false);
  const ways = [
    "INSERT INTO t VALUES (9223372036854775807), (1)",
    "UPDATE t SET id = 9223372036854775807 WHERE id = 9223372036854775806",
    "INSERT INTO t VALUES (NULL)",
    "INSERT INTO u VALUES (9223372036854775807); DELETE FROM u",
    "INSERT INTO u(rowid) VALUES (9223372036854775807)",
    "INSERT INTO t SELECT 9223372036854775807",
  ];
  for (const sql of ways) {
    db.exec("BEGIN");
    db.exec(sql);
    assert.equal(watch.take(), true, sql);
    assert.equal(watch.take(), false);
    db.exec("ROLLBACK");
  }
}

Deno.test("MaxRowIdWatch looks no more once it has ended, and each at its own connection only", () => {
  for (const library of libraries()) {
    using db = new Database(":memory:", { library });
    using other = new Database(":memory:", { library });
    for (const each of [db, other]) each.exec("CREATE TABLE t(id INTEGER PRIMARY KEY)");
    using watch = new MaxRowIdWatch(db);
    const ended = new MaxRowIdWatch(other);
    ended[Symbol.dispose]();
    ended[Symbol.dispose]();
    other.exec("INSERT INTO t VALUES (9223372036854775807)");
    assert.equal(ended.take(), false);
    assert.equal(watch.take(), false);
    db.exec("INSERT INTO t VALUES (9223372036854775807)");
    assert.equal(watch.take(), true);
  }
});
