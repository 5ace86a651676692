import assert from "node:assert/strict";
import { AuthorizerResult, type BindValue } from "../../src/sqlite/mod.ts";
import { codeNameOf, openMemory } from "./fixture.ts";

Deno.test("createFunction gets and returns every type exactly", () => {
  using db = openMemory();
  db.createFunction("echo", (value) => value);
  using query = db.prepare("SELECT echo(?), typeof(echo(?1))");
  const cases: [BindValue, string][] = [
    [null, "null"],
    [5000000000, "integer"],
    [2n ** 63n - 1n, "integer"],
    [1.5, "real"],
    ["a\0é😀", "text"],
    ["", "text"],
    [new Uint8Array(0), "blob"],
    [Uint8Array.of(1, 0, 255), "blob"],
    ["x".repeat(100_000), "text"],
  ];
  for (const [value, type] of cases) assert.deepEqual(query.value(value), [value, type]);
});

Deno.test("a throw in a function fails the statement with its message", () => {
  using db = openMemory();
  db.createFunction("fail", (reason) => {
    throw new TypeError(`Böse: ${reason}`);
  });
  assert.throws(() => db.scalar("SELECT fail('x')"), { name: "SqliteError", message: "Böse: x" });
  assert.equal(db.scalar("SELECT 1"), 1);
});

Deno.test("function options: argument count, deterministic, innocuous, directOnly", () => {
  using db = openMemory();
  db.createFunction("many", (...values) => values.length, { argumentCount: -1 });
  assert.equal(db.scalar("SELECT many() + many(1, 2, 3)"), 3);
  db.createFunction("pure", (value) => value, { deterministic: true, innocuous: true });
  db.createFunction("direct", () => 1, { directOnly: true });
  db.exec("CREATE TABLE t(a); CREATE INDEX i ON t(pure(a)); CREATE VIEW v AS SELECT direct()");
  assert.throws(() => db.exec("CREATE INDEX j ON t(many(a))"), /non-deterministic functions/);
  assert.throws(() => db.exec("SELECT * FROM v"), /unsafe use of direct/);
});

Deno.test("a function can be replaced by another of its name", () => {
  using db = openMemory();
  for (let i = 0; i < 10; i++) {
    db.createFunction("number", () => i);
    assert.equal(db.scalar("SELECT number()"), i);
  }
});

Deno.test("setAuthorizer denies, ignores, and is asked only about its actions", () => {
  using db = openMemory();
  db.exec("CREATE TABLE t(a, secret); INSERT INTO t VALUES (1, 2)");
  const read = 20;
  const asked: (string | null)[][] = [];
  db.setAuthorizer((_action, table, column, schema, inner) => {
    asked.push([table, column, schema, inner]);
    return column === "secret" ? AuthorizerResult.ignore : AuthorizerResult.ok;
  }, [read]);
  assert.deepEqual(db.prepare("SELECT a, secret FROM t").value(), [1, null]);
  assert.deepEqual(asked, [["t", "a", "main", null], ["t", "secret", "main", null]]);
  db.setAuthorizer(() => AuthorizerResult.deny);
  assert.equal(codeNameOf(() => db.prepare("SELECT 1")), "SQLITE_AUTH");
  db.setAuthorizer(() => {
    throw new Error("broken");
  });
  assert.equal(codeNameOf(() => db.prepare("SELECT 1")), "SQLITE_AUTH");
  db.setAuthorizer(undefined);
  assert.equal(db.scalar("SELECT 1"), 1);
});

Deno.test("setProgressHandler interrupts an endless statement", () => {
  using db = openMemory();
  const endless =
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c";
  let calls = 0;
  db.setProgressHandler(1000, () => ++calls === 5);
  assert.equal(codeNameOf(() => db.exec(endless)), "SQLITE_INTERRUPT");
  assert.equal(calls, 5);
  db.setProgressHandler(1000, () => {
    throw new Error("broken");
  });
  assert.equal(codeNameOf(() => db.exec(endless)), "SQLITE_INTERRUPT");
  db.setProgressHandler(0, undefined);
  assert.equal(db.scalar("SELECT 1"), 1);
});
