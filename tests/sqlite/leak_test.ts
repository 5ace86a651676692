import assert from "node:assert/strict";
import { Backup, Database, Determinism, MaxRowIdWatch } from "../../src/sqlite/mod.ts";
import { library, openMemory, withDirectory } from "./fixture.ts";

/** What SQLite itself has allocated, in bytes, in the whole process. */
function allocated(): bigint {
  return library.symbols.sqlite3_memory_used();
}

/**
 * Runs `body` often and asserts that SQLite holds no more memory than before. Test files that run
 * in other threads at the same time allocate too: so one round in ten without growth will do,
 * which a leak, growing in every round, doesn't give.
 */
function assertNoGrowth(times: number, body: () => void): void {
  for (let i = 0; i < 3; i++) body();
  const growths: bigint[] = [];
  while (growths.length < 10) {
    const before = allocated();
    for (let i = 0; i < times; i++) body();
    const growth = allocated() - before;
    if (growth <= 0n) return;
    growths.push(growth);
  }
  assert.fail(`Bytes left behind by ${times} runs each: ${growths.join(", ")}`);
}

Deno.test("thousands of connections opened and closed leave no memory behind", () => {
  assertNoGrowth(2000, () => {
    using db = openMemory();
    db.exec("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    db.prepare("SELECT * FROM t").step();
  });
});

Deno.test("thousands of statements, also failing ones, leave no memory behind", () => {
  using db = openMemory();
  db.exec("CREATE TABLE t(a UNIQUE)");
  assertNoGrowth(5000, () => {
    db.exec("INSERT INTO t VALUES (?); DELETE FROM t", "x".repeat(1000));
    assert.throws(() => db.exec("INSERT INTO t VALUES (1), (1)"));
    assert.throws(() => db.prepare("SELECT nowhere"));
    assert.throws(() => db.prepare("SELECT 1; SELECT 2"));
    assert.throws(() => db.prepare("SELECT 1; SELEKT"));
    for (const statement of db.statements("SELECT 1; SELECT 2")) {
      statement.step();
      break;
    }
  });
});

Deno.test("connections with callbacks, backups and clocks leave no memory and no callback behind", () => {
  let live = 0;
  const original = Deno.UnsafeCallback;
  const counting: ProxyHandler<typeof original> = {
    construct(target, args) {
      const callback = Reflect.construct(target, args);
      live++;
      const close = callback.close.bind(callback);
      callback.close = () => {
        live--;
        close();
      };
      return callback;
    },
  };
  Object.defineProperty(Deno, "UnsafeCallback", { value: new Proxy(original, counting) });
  try {
    assertNoGrowth(300, () => {
      using determinism = new Determinism(library);
      using db = determinism.open(":memory:");
      new MaxRowIdWatch(db);
      for (let i = 0; i < 2; i++) {
        db.createFunction("f", () => 1);
        db.setAuthorizer(() => 0);
        db.setProgressHandler(100, () => false);
        db.setWalHook(() => {});
      }
      db.exec("CREATE TABLE t(a DEFAULT (random())); INSERT INTO t DEFAULT VALUES; SELECT f()");
      // The mathematical functions are the library's, whatever connection is there.
      assert.equal(live, library.symbols.raftlite_watch_row_ids === null ? 9 : 8);
      assert.throws(() => db.createFunction("f".repeat(300), () => 1));
      using copy = openMemory();
      new Backup(copy, db).step(1);
    });
  } finally {
    Object.defineProperty(Deno, "UnsafeCallback", { value: original });
  }
  assert.equal(live, 0);
});

Deno.test("connections that can't be opened leave no file open", () =>
  withDirectory((directory) => {
    Deno.writeTextFileSync(`${directory}/text.db`, "This is not a database".repeat(100));
    assertNoGrowth(1500, () => {
      assert.throws(() => new Database(`${directory}/none/data.db`, { library }));
      using db = new Database(`${directory}/text.db`, { library });
      assert.throws(() => db.exec("SELECT * FROM t"), { codeName: "SQLITE_NOTADB" });
    });
  }));
