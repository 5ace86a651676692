// Uses the packed client as its users do: node|deno|bun program.mjs URL…, from a folder where it is
// installed. Says `under way` once it writes, goes on until its standard input ends, and then prints
// what it was told of its writes, as JSON.
import { strict as assert } from "node:assert";
import process from "node:process";
import {
  Client,
  Conflict,
  ConstraintError,
  Real,
  Refused,
  SqlError,
  TransactionOver,
  UnknownOutcome,
} from "@raftlite/client";

const urls = process.argv.slice(2);
// It is to find the others by itself.
const db = new Client(urls[0], { timeoutMs: 120_000 });
assert.deepEqual([...await db.nodes()].sort(), [...urls].sort());

async function values() {
  await db.execute("CREATE TABLE v (id INTEGER PRIMARY KEY, a, b TEXT, c BOOLEAN, d DATETIME)");
  const sent = [
    [null, null],
    [1, "integer"],
    [0.5, "real"],
    [-0, "real"],
    [1e300, "real"],
    [2 ** 62, "real"],
    [Infinity, "real"],
    [9007199254740993n, "integer"],
    [-(2n ** 63n), "integer"],
    ["X'41'", "text"],
    ['a\u0000\u20ac\u{1f600}"\\', "text"],
    ["12345678901234567890", "text"],
    [new Uint8Array([0, 255, 65]), "blob"],
    [new Uint8Array(0), "blob"],
  ];
  for (const [value, type] of sent) {
    const sql = "INSERT INTO v (a) VALUES (:v) RETURNING id, a, typeof(a) AS t";
    const { rows: [row] } = await db.execute(sql, { v: value });
    assert.deepEqual([row.a, row.t], [value, type ?? "null"]);
    const read = await db.query("SELECT a FROM v WHERE id = ?", [row.id]);
    assert.ok(Object.is(read.rows[0].a, value) || typeof value === "object");
    assert.deepEqual(read.rows, [{ a: value }]);
  }
  const real = await db.query("SELECT typeof(?), typeof(?)", [new Real(1), true]);
  assert.deepEqual(real.values, [["real", "integer"]]);
  const big = new Client(urls, { integers: "bigint", timeoutMs: 120_000 });
  const one = await big.query("SELECT 1 AS i, 1.0 AS r, x'01' AS b, '1e1' AS t, -2.5e-300 AS s");
  assert.deepEqual(one.values, [[1n, 1, new Uint8Array([1]), "1e1", -2.5e-300]]);
  await db.execute("INSERT INTO v (b, c, d) VALUES (x'ff', 7, 1)");
  const { values: [declared] } = await db.query("SELECT b, c, d FROM v WHERE c = 7");
  assert.deepEqual(declared, [new Uint8Array([255]), 7, 1]);
  for (const bad of [NaN, 2n ** 63n, "\ud800", undefined, {}, Symbol("s"), new Date(0)]) {
    await assert.rejects(db.execute("SELECT ?", [bad]), /^(Type|Range)Error: Parameter 1 /);
  }
}

async function errors() {
  await db.execute("CREATE TABLE e (id INTEGER PRIMARY KEY CHECK (id < 10))");
  await assert.rejects(db.query("SELEC 1"), SqlError);
  await assert.rejects(
    db.batch(["INSERT INTO e VALUES (1)", "INSERT INTO e VALUES (1)"]),
    (error) => {
      assert.ok(error instanceof ConstraintError);
      assert.deepEqual([error.index, error.message], [1, "UNIQUE constraint failed: e.id"]);
      return true;
    },
  );
  assert.deepEqual((await db.query("SELECT count(*) AS n FROM e")).rows, [{ n: 0 }]);
  const [, read] = await db.batch([
    { sql: "INSERT INTO e VALUES (?)", params: [3] },
    "SELECT id FROM e",
  ]);
  assert.deepEqual(read.values, [[3]]);
  await db.execute("INSERT INTO e VALUES (4)", [], { key: "e-4" });
  assert.equal((await db.execute("INSERT INTO e VALUES (4)", [], { key: "e-4" })).lastInsertId, 4);
  await assert.rejects(db.execute("INSERT INTO e VALUES (5)", [], { key: "e-4" }), (error) => {
    assert.ok(error instanceof Refused);
    assert.equal(error.status, 422);
    return true;
  });
  assert.equal((await db.outcome("e-4"))?.[0]?.rowsAffected, 1);
  assert.equal(await db.outcome("e-5"), undefined);
  const controller = new AbortController();
  controller.abort(new Error("enough"));
  const { signal } = controller;
  await assert.rejects(db.query("SELECT 1", [], { signal }), /enough/);
  await assert.rejects(db.execute("INSERT INTO e VALUES (6)", [], { signal }), /enough/);
  const slow =
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c";
  const late = new AbortController();
  setTimeout(() => late.abort(new Error("too slow")), 300);
  await assert.rejects(db.query(slow, [], { signal: late.signal }), /too slow/);
}

async function ownReads() {
  await db.execute("CREATE TABLE o (n)");
  for (let n = 1; n <= 20; n++) {
    await db.execute("INSERT INTO o VALUES (?)", [n]);
    for (const url of urls) {
      const other = new Client(url, { level: "none", discover: false, timeoutMs: 120_000 });
      other.saw(db.seenIndex);
      assert.deepEqual((await other.query("SELECT count(*) FROM o")).values, [[n]]);
    }
  }
}

async function changes() {
  const from = String(db.seenIndex + 1);
  await db.execute("INSERT INTO o VALUES (?)", [2n ** 60n]);
  for await (const group of db.changes({ from, tables: ["o"] })) {
    const [{ op, after }] = group.changes;
    assert.deepEqual([op, after], ["insert", { n: 2n ** 60n }]);
    break;
  }
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("enough")), 100);
  await assert.rejects(async () => {
    for await (const _ of db.changes({ signal: controller.signal })) assert.fail("Nothing is done");
  }, /enough/);
}

async function transactions() {
  await db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER CHECK (n >= 0))");
  await db.batch(["INSERT INTO t VALUES (1, 0)", "INSERT INTO t VALUES (2, 0)"]);
  for (const mode of ["deferred", "immediate", "concurrent"]) {
    const add = () =>
      db.transaction(async (tx) => {
        const { rows: [{ n }] } = await tx.query("SELECT n FROM t WHERE id = 1");
        await tx.execute("UPDATE t SET n = ? WHERE id = 1", [n + 1]);
        return n;
      }, { mode, attempts: 100, timeoutMs: 60_000 });
    const seen = await Promise.all(Array.from({ length: 8 }, add));
    assert.equal(new Set(seen).size, 8, `${mode}: ${seen}`);
  }
  assert.deepEqual((await db.query("SELECT n FROM t WHERE id = 1")).values, [[24]]);
  await assert.rejects(
    db.transaction(async (tx) => {
      await tx.execute("UPDATE t SET n = 100");
      throw new Error("no, rather not");
    }),
    /rather not/,
  );
  let kept;
  await db.transaction(async (tx) => {
    kept = tx;
    await assert.rejects(tx.execute("UPDATE t SET n = -1"), ConstraintError);
    await tx.batch(["UPDATE t SET n = n + 1 WHERE id = 2", "SELECT 1"]);
  });
  await assert.rejects(kept.query("SELECT 1"), TransactionOver);
  assert.deepEqual((await db.query("SELECT n FROM t")).values, [[24], [1]]);
  // Somebody is faster each time.
  const raced = db.transaction(async (tx) => {
    await tx.query("SELECT n FROM t");
    await db.execute("UPDATE t SET n = n + 1");
    await tx.execute("UPDATE t SET n = n + 1");
  }, { attempts: 3 });
  await assert.rejects(raced, (error) => {
    assert.ok(error instanceof Conflict);
    assert.match(error.message, /at each of 3 tries/);
    return true;
  });
}

const told = { written: [], unknown: [], moved: [], unknownMoves: [] };
let isEnding = false;

async function write(worker) {
  for (let n = 0; !isEnding; n++) {
    const name = `${worker}-${n}`;
    try {
      await db.execute("INSERT INTO log VALUES (?)", [name]);
      told.written.push(name);
    } catch (error) {
      if (!(error instanceof UnknownOutcome)) throw error;
      told.unknown.push(name);
    }
  }
}

async function move(worker) {
  for (let n = 0; !isEnding; n++) {
    const name = `${worker}-${n}`;
    try {
      await db.transaction(async (tx) => {
        const { rows: [{ money }] } = await tx.query("SELECT money FROM account WHERE id = 1");
        await tx.execute("UPDATE account SET money = ? WHERE id = 1", [money - 1]);
        await tx.execute("UPDATE account SET money = money + 1 WHERE id = 2");
        await tx.execute("INSERT INTO moves VALUES (?)", [name]);
      }, { attempts: 1000 });
      told.moved.push(name);
    } catch (error) {
      if (!(error instanceof UnknownOutcome)) throw error;
      told.unknownMoves.push(name);
    }
  }
}

await values();
await errors();
await ownReads();
await changes();
await transactions();
await db.batch([
  "CREATE TABLE log (name)",
  "CREATE TABLE moves (name)",
  "CREATE TABLE account (id INTEGER PRIMARY KEY, money INTEGER)",
  "INSERT INTO account VALUES (1, 0), (2, 0)",
]);
process.stdin.on("data", () => {}).on("end", () => isEnding = true);
console.log("under way");
await Promise.all([write("a"), write("b"), write("c"), move("x"), move("y")]);
await db.close();
console.log(JSON.stringify(told));
process.exit(0);
