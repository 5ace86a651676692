/**
 * Runs libSQL's clients in JavaScript, and what is built on them, against a cluster:
 * client.cjs FOLLOWER LEADER (their URLs, and more in the environment: see run.ts). Prints a line
 * for each check and `N passed, N failed`.
 */
const assert = require("node:assert/strict");
const { Buffer } = require("node:buffer");
const fs = require("node:fs");
const process = require("node:process");
const { createClient } = require("@libsql/client");
const { LibsqlDialect } = require("@libsql/kysely-libsql");
const { eq, sql } = require("drizzle-orm");
const { drizzle } = require("drizzle-orm/libsql");
const { migrate } = require("drizzle-orm/libsql/migrator");
const { blob, integer, real, sqliteTable, text } = require("drizzle-orm/sqlite-core");
const { Kysely } = require("kysely");

const [follower, leader] = process.argv.slice(2);
const authToken = process.env.RAFTLITE_TOKEN;
const client = createClient({ url: follower, authToken });
const atLeader = createClient({ url: leader, authToken });
const checks = [];
const check = (name, run) => checks.push({ name, run });
const countOf = async (at, table) =>
  (await at.execute(`SELECT count(*) AS n FROM ${table}`)).rows[0].n;

check("values are exact in both directions", async () => {
  await client.execute(
    "CREATE TABLE js (id INTEGER PRIMARY KEY, t TEXT UNIQUE, r REAL, b BLOB, x)",
  );
  const inserted = await client.execute({
    sql: "INSERT INTO js (t, r, b, x) VALUES (?, ?, ?, ?)",
    args: ["fiona\0", 123456789.12345679, new Uint8Array([0, 255]), 9223372036854775807n],
  });
  assert.equal(inserted.rowsAffected, 1);
  assert.equal(inserted.lastInsertRowid, 1n);
  const big = createClient({ url: leader, authToken, intMode: "bigint" });
  const { rows, columns, columnTypes } = await big.execute("SELECT * FROM js");
  assert.deepEqual(columns, ["id", "t", "r", "b", "x"]);
  assert.deepEqual(columnTypes, ["INTEGER", "TEXT", "REAL", "BLOB", ""]);
  assert.equal(rows[0].id, 1n);
  assert.equal(rows[0].t, "fiona\0");
  assert.equal(rows[0].r, 123456789.12345679);
  assert.deepEqual(new Uint8Array(rows[0].b), new Uint8Array([0, 255]));
  assert.equal(rows[0].x, 9223372036854775807n);
});

check("a number is a real, as in libSQL", async () => {
  const { rows } = await client.execute({ sql: "SELECT typeof(?) AS t", args: [1] });
  assert.equal(rows[0].t, "real");
});

check("errors have libSQL's codes", async () => {
  await assert.rejects(client.execute("INSERT INTO js (t) SELECT t FROM js"), (error) => {
    assert.equal(error.code, "SQLITE_CONSTRAINT");
    assert.match(error.message, /UNIQUE constraint failed: js\.t/);
    return true;
  });
  await assert.rejects(client.execute("SELEC"), { code: "SQL_PARSE_ERROR" });
  await assert.rejects(client.execute({ sql: "SELECT ?", args: [] }), { code: "ARGS_INVALID" });
  await assert.rejects(client.execute("SELECT 1; SELECT 2"), { code: "SQL_MANY_STATEMENTS" });
});

check("a batch is all or nothing", async () => {
  const before = await countOf(atLeader, "js");
  const results = await client.batch([
    { sql: "INSERT INTO js (t) VALUES (:name)", args: { name: "one" } },
    "SELECT count(*) AS n FROM js",
  ], "write");
  assert.equal(results[0].rowsAffected, 1);
  assert.equal(results[1].rows[0].n, before + 1);
  await assert.rejects(
    client.batch(
      ["INSERT INTO js (t) VALUES ('two')", "INSERT INTO js (t) VALUES ('one')"],
      "write",
    ),
    { code: "SQLITE_CONSTRAINT" },
  );
  assert.equal(await countOf(client, "js"), before + 1);
  const read = await client.batch(["SELECT 1 AS a", "SELECT 2 AS a"], "read");
  assert.deepEqual(read.map(({ rows }) => rows[0].a), [1, 2]);
});

check("a transaction sees what it wrote, and others do not until its commit", async () => {
  for (const mode of ["write", "deferred"]) {
    const before = await countOf(client, "js");
    const transaction = await client.transaction(mode);
    await transaction.execute({ sql: "INSERT INTO js (t) VALUES (?)", args: [`tx ${mode}`] });
    assert.equal(await countOf(transaction, "js"), before + 1);
    assert.equal(await countOf(atLeader, "js"), before);
    await assert.rejects(transaction.execute("INSERT INTO js (t) VALUES ('one')"));
    await transaction.batch(["SELECT 1", "SELECT 2"]);
    await transaction.commit();
    assert.equal(transaction.closed, true);
    assert.equal(await countOf(atLeader, "js"), before + 1);
  }
});

check("a transaction is rolled back, and one that is closed too", async () => {
  const before = await countOf(client, "js");
  const first = await client.transaction("write");
  await first.execute("DELETE FROM js");
  await first.rollback();
  const second = await client.transaction("write");
  await second.execute("DELETE FROM js");
  second.close();
  const third = await client.transaction("read");
  assert.equal(await countOf(third, "js"), before);
  await third.commit();
});

check("executeMultiple takes triggers and stops at an error", async () => {
  await client.executeMultiple(`
    CREATE TABLE js_log (x); -- a comment; with a semicolon
    CREATE TRIGGER js_t AFTER INSERT ON js_log BEGIN DELETE FROM js_log WHERE x < 0; SELECT 1; END;
    BEGIN; INSERT INTO js_log VALUES (1); INSERT INTO js_log VALUES (-1); COMMIT;
  `);
  assert.equal(await countOf(atLeader, "js_log"), 1);
  await assert.rejects(
    client.executeMultiple("INSERT INTO js_log VALUES (2); SELEC; INSERT INTO js_log VALUES (3)"),
  );
  assert.equal(await countOf(client, "js_log"), 2);
});

check("migrate() keeps the rows that refer to a table that is rebuilt", async () => {
  await client.executeMultiple(`
    CREATE TABLE js_parent (id INTEGER PRIMARY KEY);
    CREATE TABLE js_child (p REFERENCES js_parent (id) ON DELETE CASCADE);
    INSERT INTO js_parent VALUES (1); INSERT INTO js_child VALUES (1);
  `);
  await client.migrate([
    "CREATE TABLE js_new (id INTEGER PRIMARY KEY, name TEXT)",
    "INSERT INTO js_new (id) SELECT id FROM js_parent",
    "DROP TABLE js_parent",
    "ALTER TABLE js_new RENAME TO js_parent",
  ]);
  assert.equal(await countOf(atLeader, "js_child"), 1);
});

const users = sqliteTable("drizzle_users", {
  id: integer("id").primaryKey({ autoIncrement: true }),
  name: text("name").notNull().unique(),
  score: real("score"),
  photo: blob("photo", { mode: "buffer" }),
  born: integer("born", { mode: "timestamp" }),
});

check("Drizzle migrates, and does what it does in and out of transactions", async () => {
  const db = drizzle(client);
  const folder = fs.mkdtempSync("migrations-");
  fs.mkdirSync(`${folder}/meta`);
  fs.writeFileSync(
    `${folder}/0000_first.sql`,
    "CREATE TABLE `drizzle_users` (`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL, `name` text " +
      "NOT NULL, `score` real, `photo` blob, `born` integer);\n--> statement-breakpoint\n" +
      "CREATE UNIQUE INDEX `drizzle_name` ON `drizzle_users` (`name`);",
  );
  const entries = [{ idx: 0, version: "6", when: 1, tag: "0000_first", breakpoints: true }];
  fs.writeFileSync(`${folder}/meta/_journal.json`, JSON.stringify({ dialect: "sqlite", entries }));
  await migrate(db, { migrationsFolder: folder });
  await migrate(db, { migrationsFolder: folder });
  const born = new Date("2001-02-03T04:05:06Z");
  const photo = Buffer.from([1, 0, 2]);
  const [row] = await db.insert(users).values({ name: "ann", score: 1.5, photo, born }).returning();
  assert.deepEqual({ ...row, photo: Buffer.from(row.photo) }, {
    id: 1,
    name: "ann",
    score: 1.5,
    photo,
    born,
  });
  await db.transaction(async (tx) => {
    await tx.insert(users).values({ name: "bob" });
    await assert.rejects(tx.transaction(async (nested) => {
      await nested.insert(users).values({ name: "carl" });
      throw new Error("no");
    }));
    await tx.update(users).set({ score: 2 }).where(eq(users.name, "bob"));
  });
  await assert.rejects(db.transaction(async (tx) => {
    await tx.delete(users);
    throw new Error("no");
  }));
  const seen = await drizzle(atLeader).select({ name: users.name, score: users.score }).from(users)
    .orderBy(users.id);
  assert.deepEqual(seen, [{ name: "ann", score: 1.5 }, { name: "bob", score: 2 }]);
  const both = await db.batch([db.insert(users).values({ name: "dora" }), db.select().from(users)]);
  assert.equal(both[1].length, 3);
  assert.deepEqual(await db.get(sql`SELECT max(id) AS m FROM drizzle_users`), { m: 3 });
});

check("Kysely's dialect makes tables, reads, writes and runs transactions", async () => {
  const db = new Kysely({ dialect: new LibsqlDialect({ url: follower, authToken }) });
  await db.schema.createTable("kysely_t").addColumn("id", "integer", (c) => c.primaryKey())
    .addColumn("name", "text").execute();
  const { insertId, numInsertedOrUpdatedRows } = await db.insertInto("kysely_t")
    .values({ name: "a" }).executeTakeFirst();
  assert.equal(insertId, 1n);
  assert.equal(numInsertedOrUpdatedRows, 1n);
  await db.transaction().execute(async (trx) => {
    await trx.insertInto("kysely_t").values({ name: "b" }).execute();
    await trx.updateTable("kysely_t").set({ name: "c" }).where("id", "=", 1).execute();
  });
  await assert.rejects(
    db.transaction().execute(async (trx) => {
      await trx.deleteFrom("kysely_t").execute();
      throw new Error("no");
    }),
  );
  const rows = await db.selectFrom("kysely_t").select("name").orderBy("id").execute();
  assert.deepEqual(rows.map(({ name }) => name), ["c", "b"]);
  await db.destroy();
});

check("Turso's serverless driver reads by cursors, and runs batches and transactions", async () => {
  // Only a module can be had.
  const { connect } = await import(["@tursodatabase", "serverless"].join("/"));
  const turso = connect({ url: follower, authToken });
  await turso.exec("CREATE TABLE turso_t (id INTEGER PRIMARY KEY, v)");
  const insert = await turso.prepare("INSERT INTO turso_t (v) VALUES (?)");
  const { changes, lastInsertRowid } = await insert.run([7]);
  assert.equal(changes, 1);
  assert.equal(Number(lastInsertRowid), 1);
  await turso.batch(["INSERT INTO turso_t (v) VALUES (8)", "INSERT INTO turso_t (v) VALUES (9)"]);
  const inTransaction = turso.transaction(async () => {
    await insert.run([10]);
  });
  await inTransaction();
  const all = await (await turso.prepare("SELECT v FROM turso_t ORDER BY id")).all();
  assert.deepEqual(all.map(({ v }) => v), [7, 8, 9, 10]);
  await assert.rejects(
    turso.exec("INSERT INTO turso_t (id) VALUES (1)"),
    /UNIQUE constraint failed/,
  );
  await turso.close();
});

(async () => {
  let failed = 0;
  for (const { name, run } of checks) {
    try {
      await run();
      console.log(`ok ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAILED ${name}: ${error.stack} ${error.code ?? ""} ${error.cause ?? ""}`);
    }
  }
  console.log(`${checks.length - failed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
})();
