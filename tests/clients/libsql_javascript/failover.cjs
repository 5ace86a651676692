/**
 * Moves money by @libsql/client while the leader is killed: failover.cjs URL…, of all nodes. Prints
 * `begun` when it may be killed, and in the end whether every transfer that was acknowledged is
 * there, each once, and no money was made or lost; `N passed, N failed`.
 */
const assert = require("node:assert/strict");
const { randomUUID } = require("node:crypto");
const process = require("node:process");
const { createClient } = require("@libsql/client");

const clients = process.argv.slice(2).map((url) => createClient({ url }));
const accounts = 5;
const workers = 4;
const patienceMs = 180_000;
/** Transfers of each worker before the leader may be killed, and behind that. */
const transfers = { before: 5, behind: 15 };

const killed = new Promise((resolve) => process.stdin.once("data", resolve));
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function transfer(client, id) {
  const transaction = await client.transaction("write");
  try {
    const from = Math.floor(Math.random() * accounts);
    const { rows } = await transaction.execute({
      sql: "SELECT balance FROM accounts WHERE id = ?",
      args: [BigInt(from)],
    });
    assert.equal(rows.length, 1);
    const move = (account, amount) =>
      transaction.execute({
        sql: "UPDATE accounts SET balance = balance + ? WHERE id = ?",
        args: [BigInt(amount), BigInt(account)],
      });
    await move(from, -1);
    await move((from + 1) % accounts, 1);
    await transaction.execute({ sql: "INSERT INTO ledger VALUES (?)", args: [id] });
    await transaction.commit();
  } finally {
    transaction.close();
  }
}

/** Tries until it is acknowledged, or was done by a try whose answer was lost. */
async function transferOnce(worker, id) {
  const deadline = Date.now() + patienceMs;
  for (let attempt = worker;; attempt++) {
    try {
      await transfer(clients[attempt % clients.length], id);
      return;
    } catch (error) {
      if (error.code === "SQLITE_CONSTRAINT") return;
      if (error instanceof assert.AssertionError || Date.now() > deadline) throw error;
      await pause(50);
    }
  }
}

async function work(worker, count, acknowledged) {
  for (let i = 0; i < count; i++) {
    const id = randomUUID();
    await transferOnce(worker, id);
    acknowledged.push(id);
  }
}

const all = (run) => Promise.all(Array.from({ length: workers }, (_, worker) => run(worker)));

async function untilItAnswers(client) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      return await client.execute("SELECT id FROM ledger");
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await pause(50);
    }
  }
}

async function check() {
  await clients[0].executeMultiple(`
    CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER);
    CREATE TABLE ledger (id TEXT PRIMARY KEY);
    INSERT INTO accounts VALUES (0, 100), (1, 100), (2, 100), (3, 100), (4, 100);
  `);
  const acknowledged = [];
  await all((worker) => work(worker, transfers.before, acknowledged));
  const working = all((worker) => work(worker, transfers.behind, acknowledged));
  console.log("begun");
  await killed;
  process.stdin.destroy();
  await working;
  const reached = await Promise.any(clients.map(async (client) => {
    await untilItAnswers(client);
    return client;
  }));
  const { rows } = await reached.execute("SELECT id FROM ledger");
  const ids = rows.map(({ id }) => id);
  assert.equal(acknowledged.length, workers * (transfers.before + transfers.behind));
  assert.deepEqual(ids.toSorted(), acknowledged.toSorted());
  const balances = await reached.execute("SELECT sum(balance) AS sum FROM accounts");
  assert.equal(balances.rows[0].sum, 500);
}

check().then(
  () => console.log("ok transfers outlive the leader\n1 passed, 0 failed"),
  (error) => {
    console.log(`FAILED transfers: ${error.stack} ${error.code ?? ""}\n0 passed, 1 failed`);
    process.exitCode = 1;
  },
);
