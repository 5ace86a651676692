import assert from "node:assert/strict";
import { ColumnType, SqliteError } from "../../src/sqlite/mod.ts";
import { codeNameOf, openMemory } from "./fixture.ts";

Deno.test("lastInsertRowId is exact beyond 32 and beyond 53 bits", () => {
  using db = openMemory();
  db.exec("CREATE TABLE t(id INTEGER PRIMARY KEY)");
  for (
    const id of [5000000000, -5000000000, 2 ** 53 - 1, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)]
  ) {
    db.exec("INSERT INTO t VALUES (?)", id);
    assert.equal(db.lastInsertRowId, id);
  }
});

Deno.test("-0 binds as the integer 0", () => {
  using db = openMemory();
  assert.deepEqual(db.prepare("SELECT ?, typeof(?1)").value(-0), [0, "integer"]);
});

Deno.test("integers are exact over all 64 bits in every way to bind and to read", () => {
  using db = openMemory();
  using echo = db.prepare("SELECT ?, typeof(?1), CAST(?1 AS TEXT)");
  const edges = [0n, 1n, -1n, 2n ** 31n, -(2n ** 31n), 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n];
  edges.push(2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n), 705032704n);
  for (const integer of edges) {
    const number = Number(integer);
    const forms = BigInt(number) === integer ? [integer, number] : [integer];
    for (const form of forms) {
      if (typeof form === "number" && form >= 2 ** 63) continue;
      echo.reset();
      echo.bindValue(1, form);
      assert.equal(echo.step(), true);
      assert.equal(echo.columnInt64(0), integer);
      assert.equal(BigInt(echo.columnInteger(0)), integer);
      assert.equal(
        typeof echo.columnInteger(0),
        Number.isSafeInteger(number) ? "number" : "bigint",
      );
      assert.equal(echo.columnText(1), "integer");
      assert.equal(echo.columnText(2), String(integer));
    }
  }
});

Deno.test("an integer that does not fit in 64 bits is refused, a number that large is a real", () => {
  using db = openMemory();
  using echo = db.prepare("SELECT ?, typeof(?1)");
  assert.throws(() => echo.bindInt64(1, 2n ** 63n), RangeError);
  assert.throws(() => echo.bindInt64(1, 0.5), RangeError);
  assert.deepEqual(echo.value(2 ** 63), [2 ** 63, "real"]);
  assert.deepEqual(echo.value(1e300), [1e300, "real"]);
  assert.deepEqual(echo.value(-(2 ** 63)), [-(2n ** 63n), "integer"]);
});

Deno.test("text keeps what is behind a NUL, in all the planes of Unicode", () => {
  using db = openMemory();
  using echo = db.prepare("SELECT ?, length(CAST(?1 AS BLOB))");
  const texts = ["", "a\0b", "\0", "\ufeffbom", "é", "日本語", "😀\0😀", "x".repeat(31) + "é"];
  texts.push("y".repeat(100_000) + "\0é", "é".repeat(0x4000), "z".repeat(0x4001), "a".repeat(33));
  for (const text of texts) {
    const bytes = new TextEncoder().encode(text);
    assert.deepEqual(echo.value(text), [text, bytes.length]);
    echo.reset();
    echo.bindTextBytes(1, bytes);
    assert.equal(echo.step(), true);
    assert.equal(echo.columnType(0), ColumnType.text);
    assert.deepEqual(echo.columnTextBytes(0).slice(), bytes);
    const target = new Uint8Array(bytes.length + 3);
    assert.equal(echo.columnCopy(0, target, 3), bytes.length);
    assert.deepEqual(target.slice(3), bytes);
  }
});

Deno.test("text is UTF-8 in every call also where the database has UTF-16", () => {
  using db = openMemory();
  db.exec("PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(a); INSERT INTO t VALUES (?)", "é\0☃");
  assert.equal(db.scalar("PRAGMA encoding"), "UTF-16le");
  using query = db.prepare("SELECT a FROM t");
  const reads: (() => unknown)[] = [
    () => query.columnValue(0),
    () => query.columnText(0),
    () => new TextDecoder().decode(query.columnTextBytes(0)),
    () => {
      const target = new Uint8Array(20);
      return new TextDecoder().decode(target.subarray(0, query.columnCopy(0, target, 0)));
    },
  ];
  for (const read of reads) {
    query.reset();
    assert.equal(query.step(), true);
    assert.equal(read(), "é\0☃");
  }
});

Deno.test("columnText replaces what is not UTF-8, columnTextBytes gives it as it is", () => {
  using db = openMemory();
  using invalid = db.prepare("SELECT CAST(x'61ff62' AS TEXT)");
  assert.equal(invalid.step(), true);
  assert.equal(invalid.columnText(0), "a\ufffdb");
  assert.deepEqual(invalid.columnTextBytes(0).slice(), Uint8Array.of(0x61, 0xff, 0x62));
});

Deno.test("blobs come back as they went in, the empty one too", () => {
  using db = openMemory();
  using echo = db.prepare("SELECT ?, typeof(?1)");
  for (const size of [0, 1, 63, 64, 65, 50_000, 200_000]) {
    const blob = Uint8Array.from({ length: size }, (_, i) => i & 0xff);
    assert.deepEqual(echo.value(blob), [blob, "blob"]);
    assert.deepEqual(echo.value(new Uint8Array([9, ...blob]).subarray(1)), [blob, "blob"]);
  }
});

Deno.test("null, booleans, reals and NaN bind as SQLite has them", () => {
  using db = openMemory();
  using echo = db.prepare("SELECT ?, typeof(?1)");
  assert.deepEqual(echo.value(null), [null, "null"]);
  assert.deepEqual(echo.value(undefined), [null, "null"]);
  assert.deepEqual(echo.value(true), [1, "integer"]);
  assert.deepEqual(echo.value(0.1), [0.1, "real"]);
  assert.deepEqual(echo.value(-Infinity), [-Infinity, "real"]);
  assert.deepEqual(echo.value(NaN), [null, "null"]);
  echo.reset();
  echo.bindDouble(1, 1);
  assert.equal(echo.step(), true);
  assert.equal(echo.columnText(1), "real");
});

Deno.test("exec runs every statement and hands the parameters out in turn", () => {
  using db = openMemory();
  db.exec("CREATE TABLE t(a, b)");
  db.exec("INSERT INTO t VALUES (?, ?); INSERT INTO t VALUES (?, ?)", 1, 2, 3, 4);
  assert.deepEqual(db.prepare("SELECT * FROM t").values(), [[1, 2], [3, 4]]);
  db.exec("DELETE FROM t; INSERT INTO t VALUES (:a, $b); INSERT INTO t VALUES (@b, :a)", {
    a: "x",
    b: null,
  });
  assert.deepEqual(db.prepare("SELECT * FROM t").values(), [["x", null], [null, "x"]]);
  assert.throws(() => db.exec("SELECT ?", 1, 2), RangeError);
});

Deno.test("errors carry SQLite's message and extended code by number and name", () => {
  using db = openMemory();
  db.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, n NOT NULL, c CHECK (c > 0))");
  db.exec("INSERT INTO t VALUES (1, 1, 1, 1)");
  const constraint = (sql: string) => codeNameOf(() => db.exec(sql));
  assert.equal(constraint("INSERT INTO t VALUES (1, 2, 1, 1)"), "SQLITE_CONSTRAINT_PRIMARYKEY");
  assert.equal(constraint("INSERT INTO t VALUES (2, 1, 1, 1)"), "SQLITE_CONSTRAINT_UNIQUE");
  assert.equal(constraint("INSERT INTO t VALUES (2, 2, NULL, 1)"), "SQLITE_CONSTRAINT_NOTNULL");
  assert.equal(constraint("INSERT INTO t VALUES (2, 2, 1, 0)"), "SQLITE_CONSTRAINT_CHECK");
  assert.throws(
    () => db.exec("INSERT INTO t VALUES (2, 1, 1, 1)"),
    (error) =>
      error instanceof SqliteError && error.message === "UNIQUE constraint failed: t.u" &&
      error.code === 19 && error.extendedCode === 2067,
  );
  assert.throws(
    () => db.prepare("SELECT nowhere FROM t"),
    (error) =>
      error instanceof SqliteError && error.message === "no such column: nowhere" &&
      error.extendedCode === 1,
  );
});

Deno.test("a statement works again after an error, and tells of the next one", () => {
  using db = openMemory();
  db.exec("CREATE TABLE t(a UNIQUE)");
  using insert = db.prepare("INSERT INTO t VALUES (?)");
  assert.equal(insert.run(1), 1);
  for (let i = 0; i < 3; i++) {
    assert.equal(codeNameOf(() => insert.run(1)), "SQLITE_CONSTRAINT_UNIQUE");
  }
  assert.equal(insert.run(2), 1);
});

Deno.test("binding past the parameters is an error", () => {
  using db = openMemory();
  using echo = db.prepare("SELECT ?, :name");
  assert.equal(codeNameOf(() => echo.bindNull(3)), "SQLITE_RANGE");
  assert.throws(() => echo.bind(1, 2, 3), /has 2 parameters, 3 values given/);
  assert.equal(echo.bindParameterCount, 2);
  assert.equal(echo.bindParameterName(1), null);
  assert.equal(echo.bindParameterName(2), ":name");
  assert.equal(echo.bindParameterIndex(":name"), 2);
  assert.equal(echo.bindParameterIndex("name"), 0);
});

Deno.test("rows come as objects and arrays, the first or all", () => {
  using db = openMemory();
  using rows = db.prepare("SELECT value AS v, value * 2 AS w FROM json_each(?)");
  assert.deepEqual(rows.all("[1,2]"), [{ v: 1, w: 2 }, { v: 2, w: 4 }]);
  assert.deepEqual(rows.values("[1,2]"), [[1, 2], [2, 4]]);
  assert.deepEqual(rows.value("[7,8]"), [7, 14]);
  assert.deepEqual(rows.value("[]"), undefined);
});

Deno.test("columns know their names, declared types and tables", () => {
  using db = openMemory();
  db.exec("CREATE TABLE t(a VARCHAR(10), b)");
  using query = db.prepare("SELECT t.a AS x, t.b, t.a || t.b, t2.a FROM t JOIN t AS t2");
  assert.deepEqual(query.columnNames(), ["x", "b", "t.a || t.b", "a"]);
  const all = (of: (column: number) => string | null) => [0, 1, 2, 3].map(of);
  assert.deepEqual(all((i) => query.columnDeclType(i)), ["VARCHAR(10)", null, null, "VARCHAR(10)"]);
  assert.deepEqual(all((i) => query.columnTableName(i)), ["t", "t", null, "t"]);
});

Deno.test("column names follow a change of the schema", () => {
  using db = openMemory();
  db.exec("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
  using query = db.prepare("SELECT * FROM t");
  assert.deepEqual(query.all(), [{ a: 1 }]);
  db.exec("ALTER TABLE t ADD COLUMN b DEFAULT 2");
  assert.deepEqual(query.all(), [{ a: 1, b: 2 }]);
});

Deno.test("readonly and isExplain", () => {
  using db = openMemory();
  db.exec("CREATE TABLE t(a)");
  assert.equal(db.prepare("SELECT * FROM t").readonly, true);
  assert.equal(db.prepare("INSERT INTO t VALUES (1) RETURNING a").readonly, false);
  assert.equal(db.prepare("WITH x AS (SELECT 1) DELETE FROM t").readonly, false);
  assert.equal(db.prepare("EXPLAIN SELECT 1").isExplain, 1);
  assert.equal(db.prepare("EXPLAIN QUERY PLAN SELECT 1").isExplain, 2);
});

Deno.test("a finalized statement and a closed database refuse every call", () => {
  const db = openMemory();
  const query = db.prepare("SELECT 1");
  const left = db.prepare("SELECT 2");
  query.finalize();
  query.finalize();
  assert.throws(() => query.step(), /Statement is finalized/);
  assert.throws(() => query.columnInteger(0), /Statement is finalized/);
  db.close();
  db.close();
  assert.throws(() => left.step(), /Statement is finalized/);
  assert.throws(() => db.exec("SELECT 1"), /Database is closed/);
});

Deno.test("columnText of a number is its text", () => {
  using db = openMemory();
  using query = db.prepare("SELECT 1.5, 12, x'4142'");
  assert.equal(query.step(), true);
  assert.deepEqual([0, 1, 2].map((i) => query.columnText(i)), ["1.5", "12", "AB"]);
});
