/**
 * Migrates by Knex, and moves money by its transactions while the leader is killed: failover.cjs
 * URL…, of all nodes. Prints `begun` when it may be killed, and `N passed, N failed`.
 */
const assert = require("node:assert/strict");
const { randomUUID } = require("node:crypto");
const fs = require("node:fs");
const process = require("node:process");
const knex = require("knex");
const dialect = require("@libsql/knex-libsql");

const urls = process.argv.slice(2);
const patienceMs = 180_000;
const transfers = { before: 5, behind: 15 };

const killed = new Promise((resolve) => process.stdin.once("data", resolve));
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

fs.mkdirSync("migrations");
fs.writeFileSync(
  "migrations/1_accounts.js",
  `exports.up = async (knex) => {
     await knex.schema.createTable("accounts", (t) => { t.increments("id"); t.integer("balance"); });
     await knex.schema.createTable("ledger", (t) => t.string("id").primary());
     await knex("accounts").insert([{ balance: 100 }, { balance: 100 }, { balance: 100 }]);
   };
   exports.down = async (knex) => {
     await knex.schema.dropTable("ledger");
     await knex.schema.dropTable("accounts");
   };`,
);
const second = `
  exports.up = (knex) => knex.schema.alterTable("accounts", (t) => {
    t.string("owner").notNullable().defaultTo("nobody");
    t.renameColumn("balance", "money");
  });
  exports.down = (knex) => knex.schema.alterTable("accounts", (t) => {
    t.renameColumn("money", "balance");
    t.dropColumn("owner");
  });`;

/** One try on a connection of its own: one that broke is of no use to Knex any more. */
async function on(url, run) {
  const filename = `${url.replace("http:", "libsql:")}?tls=0`;
  const db = knex({ client: dialect, connection: { filename }, useNullAsDefault: true });
  try {
    return await run(db);
  } finally {
    await db.destroy();
  }
}

/** Tries at one node after the other until it succeeds, or `isDone` by an error. */
async function atAny(first, run, isDone = () => false) {
  const deadline = Date.now() + patienceMs;
  for (let attempt = first;; attempt++) {
    try {
      return await on(urls[attempt % urls.length], run);
    } catch (error) {
      if (isDone(error)) return undefined;
      if (error instanceof assert.AssertionError || Date.now() > deadline) throw error;
      await pause(50);
    }
  }
}

async function transfer(attempt, id) {
  const from = 1 + Math.floor(Math.random() * 3);
  const run = (db) =>
    db.transaction(async (trx) => {
      const [row] = await trx("accounts").where({ id: from });
      assert.equal(typeof row.balance, "number");
      await trx("accounts").where({ id: from }).decrement("balance", 1);
      await trx("accounts").where({ id: 1 + from % 3 }).increment("balance", 1);
      await trx("ledger").insert({ id });
    });
  await atAny(attempt, run, (error) => /UNIQUE constraint failed: ledger.id/.test(error.message));
}

async function check() {
  const latest = (db) => db.migrate.latest({ directory: "migrations" });
  await on(urls[0], latest);
  const acknowledged = [];
  const work = async (worker, count) => {
    for (let i = 0; i < count; i++) {
      const id = randomUUID();
      await transfer(worker + i, id);
      acknowledged.push(id);
    }
  };
  await Promise.all([work(0, transfers.before), work(1, transfers.before)]);
  const working = Promise.all([work(0, transfers.behind), work(1, transfers.behind)]);
  console.log("begun");
  await killed;
  process.stdin.destroy();
  await working;
  await atAny(0, async (db) => {
    const rows = await db("ledger").select("id");
    assert.deepEqual(rows.map(({ id }) => id).toSorted(), acknowledged.toSorted());
  });
  fs.writeFileSync("migrations/2_owners.js", second);
  // A try that was cut off may have left Knex's own lock, which it says to free.
  await atAny(0, async (db) => {
    await db.migrate.forceFreeMigrationsLock({ directory: "migrations" });
    await latest(db);
  });
  await atAny(1, async (db) => {
    const rows = await db("accounts").select("owner", "money");
    assert.equal(rows.reduce((sum, { money }) => sum + money, 0), 300);
    assert.equal(rows[0].owner, "nobody");
    await db.migrate.rollback({ directory: "migrations" }, true);
    assert.equal(await db.schema.hasTable("accounts"), false);
  });
}

check().then(
  () =>
    console.log("ok Knex migrates, and its transactions outlive the leader\n1 passed, 0 failed"),
  (error) => {
    console.log(`FAILED Knex: ${error.stack} ${error.code ?? ""}\n0 passed, 1 failed`);
    process.exitCode = 1;
  },
);
