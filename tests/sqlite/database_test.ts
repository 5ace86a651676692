import assert from "node:assert/strict";
import { Database, SqliteError, SqlSource } from "../../src/sqlite/mod.ts";
import { codeNameOf, library, openMemory, withDirectory } from "./fixture.ts";

Deno.test("Database refuses a file that is not there, and names it", () =>
  withDirectory((directory) => {
    const path = `${directory}/none.db`;
    for (const options of [{ readonly: true }, { create: false }]) {
      assert.throws(
        () => new Database(path, { library, ...options }),
        (error) =>
          error instanceof SqliteError && error.codeName === "SQLITE_CANTOPEN" &&
          error.message.includes(path),
      );
    }
  }));

Deno.test("Database readonly refuses writes", () =>
  withDirectory((directory) => {
    const path = `${directory}/data.db`;
    using writer = new Database(path, { library });
    writer.exec("PRAGMA journal_mode = WAL; CREATE TABLE t(a)");
    using reader = new Database(path, { library, readonly: true });
    assert.equal(codeNameOf(() => reader.exec("INSERT INTO t VALUES (1)")), "SQLITE_READONLY");
  }));

Deno.test("prepareNext goes through a text statement by statement, with byte offsets", () => {
  using db = openMemory();
  const skipped = "/* é */ ";
  const sql = `${skipped}SELECT 'ü;' ; ;; -- comment\n SELECT 2; -- end ☃`;
  const source = new SqlSource(sql);
  using first = db.prepareNext(source);
  const bytes = new TextEncoder().encode(sql);
  assert.equal(source.text(first?.sqlStart, first?.sqlEnd), "SELECT 'ü;' ;");
  assert.equal(first?.sqlStart, new TextEncoder().encode(skipped).length);
  assert.equal(first?.sqlEnd, source.offset);
  assert.equal(source.text(), new TextDecoder().decode(bytes.subarray(source.offset)));
  using second = db.prepareNext(source);
  assert.deepEqual(second?.value(), [2]);
  assert.equal(source.text(second?.sqlStart, second?.sqlEnd), "SELECT 2;");
  assert.equal(source.text(), " -- end ☃");
  assert.equal(db.prepareNext(source), undefined);
  assert.equal(source.offset, bytes.length);
  assert.equal(db.prepareNext(source), undefined);
});

Deno.test("prepareNext after an error leaves the source where it was", () => {
  using db = openMemory();
  const source = new SqlSource("SELECT 1; SELEKT 2");
  db.prepareNext(source)?.finalize();
  const { offset } = source;
  assert.throws(() => db.prepareNext(source), /near "SELEKT": syntax error/);
  assert.equal(source.offset, offset);
});

Deno.test("a text without a statement, with two, or with a NUL is not prepared", () => {
  using db = openMemory();
  assert.throws(() => db.prepare(" -- nothing"), /SQL has no statement/);
  assert.throws(() => db.prepare(""), /SQL has no statement/);
  assert.throws(() => db.prepare("SELECT 1; SELECT 2"), /more than one statement/);
  assert.equal(db.prepare("SELECT 1; -- one").columnCount, 1);
  assert.throws(() => db.prepare("SELECT 1\0; DROP TABLE t"), /has a NUL in it/);
});

Deno.test("changes, totalChanges and lastInsertRowId, which can be set", () => {
  using db = openMemory();
  db.exec("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3)");
  assert.equal(db.changes, 3);
  assert.equal(db.exec("UPDATE t SET a = 0 WHERE a > 1"), 2);
  assert.equal(db.totalChanges, 5);
  assert.equal(db.lastInsertRowId, 3);
  db.lastInsertRowId = 2n ** 60n;
  assert.equal(db.scalar("SELECT last_insert_rowid()"), 2n ** 60n);
});

Deno.test("transaction commits, and rolls back on a throw", () => {
  using db = openMemory();
  db.exec("CREATE TABLE t(a)");
  assert.equal(db.transaction(() => db.exec("INSERT INTO t VALUES (1)")), 1);
  assert.throws(
    () =>
      db.transaction(() => {
        db.exec("INSERT INTO t VALUES (2)");
        assert.equal(db.inTransaction, true);
        throw new Error("no");
      }),
    /no/,
  );
  assert.equal(db.autocommit, true);
  assert.equal(db.scalar("SELECT count(*) FROM t"), 1);
});

Deno.test("config turns options of the connection on, off, and tells their state", () => {
  using db = openMemory();
  const defensive = 1010;
  assert.equal(db.config(defensive, true), true);
  assert.equal(db.config(defensive), true);
  db.exec("CREATE TABLE t(a); PRAGMA writable_schema = ON");
  assert.throws(() => db.exec("DELETE FROM sqlite_schema"), /may not be modified/);
  assert.equal(db.config(defensive, false), false);
  db.exec("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema");
  assert.equal(codeNameOf(() => db.config(99999, true)), "SQLITE_ERROR");
});

Deno.test("limit sets what it returns", () => {
  using db = openMemory();
  const attached = 7;
  const before = db.limit(attached);
  assert.equal(db.limit(attached, 0), before);
  assert.equal(db.limit(attached), 0);
  assert.throws(() => db.exec("ATTACH ':memory:' AS x"), /too many attached databases/);
});

Deno.test("checkpoint counts frames, and says when a reader is in the way", () =>
  withDirectory((directory) => {
    const path = `${directory}/data.db`;
    using db = new Database(path, { library });
    assert.deepEqual(db.checkpoint("passive"), {
      busy: false,
      logFrames: -1,
      checkpointedFrames: -1,
    });
    db.exec("PRAGMA journal_mode = WAL; CREATE TABLE t(a)");
    db.setAutoCheckpoint(0);
    using reader = new Database(path, { library, readonly: true });
    reader.exec("BEGIN; SELECT * FROM t");
    db.exec("INSERT INTO t VALUES (1)");
    const held = db.checkpoint("truncate");
    assert.equal(held.busy, true);
    reader.exec("COMMIT");
    const { busy, logFrames, checkpointedFrames } = db.checkpoint("full", "main");
    assert.equal(busy, false);
    assert.equal(checkpointedFrames, logFrames);
    assert.ok(logFrames > 0);
    assert.deepEqual(db.checkpoint("truncate"), {
      busy: false,
      logFrames: 0,
      checkpointedFrames: 0,
    });
  }));

Deno.test("a lock held by another connection is SQLITE_BUSY after the timeout", () =>
  withDirectory((directory) => {
    const path = `${directory}/data.db`;
    using first = new Database(path, { library });
    using second = new Database(path, { library, busyTimeoutMs: 1 });
    first.exec("CREATE TABLE t(a); BEGIN IMMEDIATE");
    assert.equal(codeNameOf(() => second.exec("INSERT INTO t VALUES (1)")), "SQLITE_BUSY");
  }));

Deno.test("status tells the memory of the page cache", () => {
  using db = openMemory();
  db.exec("CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(100000))");
  const cacheUsed = 1;
  assert.ok(db.status(cacheUsed) > 100_000);
});
