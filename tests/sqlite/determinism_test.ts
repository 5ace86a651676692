import assert from "node:assert/strict";
import { Database, Determinism } from "../../src/sqlite/mod.ts";
import { codeNameOf, library, openMemory, since, withDirectory } from "./fixture.ts";

const CLOCK_MS = Date.UTC(2001, 1, 3, 4, 5, 6, 789);

/** Runs each statement with a clock and a seed of its own, and returns the whole database as text. */
function replica(clockMs: number, seed: bigint, statements: readonly string[]): string {
  using determinism = new Determinism(library);
  using db = determinism.open(":memory:");
  statements.forEach((sql, i) => {
    determinism.set(clockMs + i, seed, i);
    db.exec(sql);
  });
  const tables = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").values();
  const rows = tables.map(([name]) => {
    const columns = db.prepare(`SELECT name FROM pragma_table_info('${name}')`).values<[string]>();
    const quoted = columns.map(([column]) => `quote(${column})`).join(", ");
    return db.prepare(`SELECT rowid, ${quoted} FROM ${name} ORDER BY rowid`).values();
  });
  return JSON.stringify(
    [tables, rows],
    (_, value) => typeof value === "bigint" ? String(value) : value,
  );
}

const workload = [
  `CREATE TABLE t(id INTEGER PRIMARY KEY, at DEFAULT CURRENT_TIMESTAMP, day DEFAULT CURRENT_DATE,
     time DEFAULT CURRENT_TIME, n DEFAULT (random()), b DEFAULT (randomblob(9)),
     j DEFAULT (julianday('now')), f DEFAULT (strftime('%f', 'now')), x)`,
  "CREATE TABLE log(a, b, c)",
  `CREATE TRIGGER tr AFTER INSERT ON t BEGIN
     INSERT INTO log VALUES (random(), datetime('now'), hex(randomblob(2))); END`,
  "CREATE VIEW v AS SELECT random() AS r, strftime('%s', 'now') AS s, id FROM t",
  ...Array.from({ length: 5 }, (_, i) => `INSERT INTO t(x) VALUES (${i}), (random())`),
  "INSERT INTO log SELECT * FROM v",
  "CREATE TABLE shuffled AS SELECT id FROM t ORDER BY random()",
  "DELETE FROM t WHERE id IN (SELECT id FROM t ORDER BY random() LIMIT 3)",
  "UPDATE t SET x = abs(random()) % 1000, b = randomblob(abs(random()) % 20)",
  "INSERT INTO log SELECT date('now', '+1 day'), time('now'), datetime()",
];

Deno.test("Determinism: the same clock and seed make the same database, others another", () => {
  const first = replica(CLOCK_MS, 7n, workload);
  assert.equal(replica(CLOCK_MS, 7n, workload), first);
  assert.notEqual(replica(CLOCK_MS, 8n, workload), first);
  assert.notEqual(replica(CLOCK_MS + 1000, 7n, workload), first);
});

Deno.test("Determinism: memory that this machine lacks for randomblob() is no error of the SQL's", () => {
  using determinism = new Determinism(library);
  using db = determinism.open(":memory:");
  const Original = globalThis.Uint8Array;
  globalThis.Uint8Array = new Proxy(Original, {
    construct(target, parameters, newTarget) {
      if (parameters[0] === 12_345_678) throw new RangeError("Array buffer allocation failed");
      return Reflect.construct(target, parameters, newTarget);
    },
  });
  try {
    const code = codeNameOf(() => db.exec("SELECT randomblob(12345678)"));
    assert.equal(code, "SQLITE_NOMEM");
  } finally {
    globalThis.Uint8Array = Original;
  }
  assert.equal(db.scalar("SELECT length(randomblob(12345678))"), 12_345_678);
});

Deno.test("Determinism: all functions of time show the clock that was set", () => {
  using determinism = new Determinism(library);
  using db = determinism.open(":memory:");
  determinism.set(CLOCK_MS, 0n, 0);
  const shown = db.prepare(
    `SELECT CURRENT_TIMESTAMP, datetime(), date('now'), time('now', '+1 hour'),
       strftime('%Y-%m-%d %H:%M:%f', 'now'), strftime('%s', 'now')`,
  ).value();
  assert.deepEqual(shown, [
    "2001-02-03 04:05:06",
    "2001-02-03 04:05:06",
    "2001-02-03",
    "05:05:06",
    "2001-02-03 04:05:06.789",
    String(Math.floor(CLOCK_MS / 1000)),
  ]);
  if (since(3_042_000)) {
    assert.equal(db.scalar("SELECT datetime('now', 'subsec')"), "2001-02-03 04:05:06.789");
    assert.equal(db.scalar("SELECT unixepoch('subsec')"), CLOCK_MS / 1000);
  }
});

Deno.test("Determinism: neither the statements before nor their count change a statement's randomness", () => {
  using determinism = new Determinism(library);
  using db = determinism.open(":memory:");
  const drawn = (seed: bigint, statement: number) => {
    determinism.set(0, seed, statement);
    return db.scalar("SELECT hex(randomblob(8)) || random() || random()");
  };
  const third = drawn(1n, 3);
  drawn(1n, 4);
  assert.equal(drawn(1n, 3), third);
  const all = [drawn(1n, 1), drawn(1n, 2), third, drawn(2n, 1), drawn(2n, 3)];
  assert.equal(new Set(all).size, all.length);
});

Deno.test("Determinism: before the first set the clock and the randomness are real", () => {
  using determinism = new Determinism(library);
  using db = determinism.open(":memory:");
  const before = Date.now();
  const shown = Number(db.scalar("SELECT (julianday('now') - 2440587.5) * 86400000"));
  assert.ok(shown > before - 10 && shown < Date.now() + 10, `${shown}`);
  const numbers = db.prepare("SELECT random() FROM json_each('[1,2,3,4]')").values().flat();
  assert.equal(new Set(numbers).size, 4);
});

Deno.test("Determinism governs its own connection only", () => {
  using determinism = new Determinism(library);
  using db = determinism.open(":memory:");
  using other = openMemory();
  using second = new Determinism(library);
  using third = second.open(":memory:");
  determinism.set(0, 0n, 0);
  second.set(CLOCK_MS, 0n, 0);
  const year = "SELECT strftime('%Y', 'now')";
  assert.equal(db.scalar(year), "1970");
  assert.equal(third.scalar(year), "2001");
  assert.equal(other.scalar(year), String(new Date().getUTCFullYear()));
  assert.throws(() => determinism.open(":memory:"), /governs an open connection already/);
  assert.throws(() => determinism.close(), /close that first/);
});

Deno.test("Determinism: the file locks are those of ordinary connections", () =>
  withDirectory((directory) => {
    using determinism = new Determinism(library);
    using db = determinism.open(`${directory}/data.db`);
    db.exec("PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    using reader = new Database(`${directory}/data.db`, { library });
    assert.equal(reader.scalar("SELECT count(*) FROM t"), 1);
    db.exec("BEGIN IMMEDIATE");
    assert.throws(() => reader.exec("BEGIN IMMEDIATE"), { codeName: "SQLITE_BUSY" });
    db.exec("INSERT INTO t VALUES (2); COMMIT");
    assert.equal(reader.scalar("SELECT count(*) FROM t"), 2);
  }));

Deno.test("random and randomblob are like SQLite's own", () => {
  using determinism = new Determinism(library);
  using db = determinism.open(":memory:");
  db.exec(
    "PRAGMA trusted_schema = OFF; CREATE TABLE t(a DEFAULT (random()), b DEFAULT (randomblob(3)))",
  );
  db.exec("INSERT INTO t DEFAULT VALUES");
  assert.deepEqual(db.prepare("SELECT typeof(a), typeof(b), length(b) FROM t").value(), [
    "integer",
    "blob",
    3,
  ]);
  assert.deepEqual(
    db.prepare("SELECT length(randomblob(0)), length(randomblob(-5)), length(randomblob(NULL))")
      .value(),
    [1, 1, 1],
  );
  assert.equal(db.scalar("SELECT length(randomblob(100001))"), 100001);
  assert.throws(() => db.scalar("SELECT randomblob(2000000000)"), { codeName: "SQLITE_TOOBIG" });
  assert.throws(() => db.exec("CREATE INDEX i ON t(random())"), /non-deterministic/);
});
