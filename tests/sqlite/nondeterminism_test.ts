import assert from "node:assert/strict";
import {
  AuthorizerResult,
  Database,
  nodeLocalFunctions,
  nodeLocalTables,
  processFunctions,
} from "../../src/sqlite/mod.ts";
import { codeNameOf, library, openMemory, withDirectory } from "./fixture.ts";

const Action = { pragma: 19, read: 20, function: 31 } as const;

Deno.test("an authorizer can refuse what is of one node or one process, by the names listed", () => {
  using db = openMemory();
  db.exec("CREATE TABLE t(a)");
  db.setAuthorizer((action, first, second) => {
    const name = (action === Action.function ? second : first)?.toLowerCase() ?? "";
    const refused = action === Action.pragma ||
      action === Action.function && (nodeLocalFunctions.has(name) || processFunctions.has(name)) ||
      action === Action.read && nodeLocalTables.has(name);
    return refused ? AuthorizerResult.deny : AuthorizerResult.ok;
  });
  const statements = [
    "SELECT SQLITE_VERSION()",
    "SELECT sqlite_source_id()",
    "SELECT load_extension('x')",
    "SELECT fts3_tokenizer('simple')",
    "INSERT INTO t SELECT sqlite_compileoption_get(1)",
    "SELECT file FROM pragma_database_list",
    "SELECT page_count FROM pragma_page_count",
  ];
  for (const sql of statements) {
    // A function is refused with the code of an ordinary error, a table and a PRAGMA with its own.
    assert.match(codeNameOf(() => db.exec(sql)), /^SQLITE_(AUTH|ERROR)$/, sql);
  }
  const dbstat = library.symbols.sqlite3_compileoption_used(
    new TextEncoder().encode("ENABLE_DBSTAT_VTAB\0") as Uint8Array<ArrayBuffer>,
  );
  if (dbstat) assert.equal(codeNameOf(() => db.exec("SELECT pgsize FROM dbstat")), "SQLITE_AUTH");
});

Deno.test("reloadSchema makes a connection plan as a new one, after every change of the statistics", () =>
  withDirectory((directory) => {
    const path = `${directory}/data.db`;
    using db = new Database(path, { library });
    db.exec("CREATE TABLE t(a, b); CREATE INDEX ia ON t(a); CREATE INDEX ib ON t(b)");
    db.exec(
      `INSERT INTO t SELECT x, x % 2 FROM
       (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 1000) SELECT x FROM c)`,
    );
    const plan = (of: Database) =>
      of.prepare("EXPLAIN QUERY PLAN SELECT * FROM t WHERE a = 1 AND b = 1").values()
        .map((row) => row[3]).join();
    const kept = db.prepare("SELECT rowid FROM t WHERE a = 1 AND b = 1");
    let differed = 0;
    const changes = [
      "ANALYZE",
      "UPDATE sqlite_stat1 SET stat = iif(idx = 'ib', '1000 1', '1000 1000')",
      "DELETE FROM sqlite_stat1",
      "ANALYZE; DROP TABLE sqlite_stat1",
      "ANALYZE; BEGIN; DELETE FROM t WHERE a > 1; ANALYZE; ROLLBACK",
      "SAVEPOINT s; DELETE FROM t WHERE a > 1; ANALYZE; ROLLBACK TO s; RELEASE s",
    ];
    for (const sql of changes) {
      db.exec(sql);
      using fresh = new Database(path, { library });
      if (plan(db) !== plan(fresh)) differed++;
      db.reloadSchema();
      assert.equal(plan(db), plan(fresh), sql);
      assert.deepEqual(kept.values(), [[1]]);
    }
    assert.ok(differed > 0, "Nothing left to reload");
    db.exec("BEGIN; CREATE TABLE u(a); INSERT INTO u VALUES (1)");
    db.reloadSchema();
    assert.equal(db.scalar("SELECT a FROM u"), 1);
    db.exec("ROLLBACK");
    assert.throws(() => db.exec("SELECT * FROM u"), /no such table/);
  }));

Deno.test("VACUUM INTO and backup keep row ids, VACUUM numbers rows anew", () =>
  withDirectory((directory) => {
    using db = new Database(`${directory}/data.db`, { library });
    db.exec("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3); DELETE FROM t WHERE a = 2");
    const rowIds = (of: Database) => of.prepare("SELECT rowid FROM t").values().flat();
    db.exec("VACUUM INTO ?", `${directory}/copy.db`);
    using copy = new Database(`${directory}/copy.db`, { library });
    assert.deepEqual(rowIds(copy), [1, 3]);
    db.exec("VACUUM");
    assert.deepEqual(rowIds(db), [1, 2]);
  }));
