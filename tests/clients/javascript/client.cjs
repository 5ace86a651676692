/**
 * Runs rqlite-js against a cluster: client.cjs FOLLOWER LEADER (their URLs, and more in the
 * environment: see run.ts). Prints a line for each check and `N passed, N failed`.
 */
const assert = require("node:assert/strict");
const fs = require("node:fs");
const https = require("node:https");
const process = require("node:process");
const { BackupApiClient, DataApiClient, StatusApiClient } = require("rqlite-js");

const [follower, leader] = process.argv.slice(2);
const { RQLITE_CA, RQLITE_CERT, RQLITE_KEY, RQLITE_USER, RQLITE_PASSWORD } = process.env;
const fileOf = (path) => path === undefined ? undefined : fs.readFileSync(path);
const access = {
  ...(RQLITE_USER === undefined
    ? {}
    : { authentication: { username: RQLITE_USER, password: RQLITE_PASSWORD } }),
  ...(RQLITE_CA === undefined ? {} : {
    httpsAgent: new https.Agent({
      ca: fileOf(RQLITE_CA),
      cert: fileOf(RQLITE_CERT),
      key: fileOf(RQLITE_KEY),
    }),
  }),
};
const atFollower = new DataApiClient(follower, access);
const checks = [];
const check = (name, run) => checks.push({ name, run });

check("a table is created through a follower", async () => {
  const results = await atFollower.execute(
    "CREATE TABLE js_values (id INTEGER PRIMARY KEY, name TEXT UNIQUE, n INTEGER, r REAL, b BLOB)",
  );
  assert.equal(results.hasError(), false, results.toString());
});

check("a row is inserted with parameters", async () => {
  const results = await atFollower.execute([
    [
      "INSERT INTO js_values (name, n, r, b) VALUES (?, ?, ?, ?)",
      "fiona",
      Number.MAX_SAFE_INTEGER,
      1.5,
      [0, 255],
    ],
  ]);
  assert.equal(results.get(0).getLastInsertId(), 1);
  assert.equal(results.get(0).getRowsAffected(), 1);
});

check("values and NULL come back", async () => {
  const results = await new DataApiClient([leader, follower], access).query(
    "SELECT name, n, r, b, NULL AS missing FROM js_values WHERE id = 1",
  );
  assert.deepEqual(results.get(0).toObject(), {
    name: "fiona",
    n: Number.MAX_SAFE_INTEGER,
    r: 1.5,
    b: "AP8=",
    missing: null,
  });
});

check("64-bit integers are stored exactly", async () => {
  await atFollower.execute("UPDATE js_values SET n = 9223372036854775807 WHERE id = 1");
  const results = await atFollower.query("SELECT CAST(n AS TEXT) AS n FROM js_values");
  assert.equal(results.get(0).get("n"), "9223372036854775807");
});

check("a failing statement undoes its transaction", async () => {
  const results = await atFollower.execute([
    "INSERT INTO js_values (name) VALUES ('declan')",
    "INSERT INTO js_values (name) VALUES ('fiona')",
  ], { transaction: true });
  assert.equal(results.hasError(), true);
  assert.match(
    results.getFirstError().toString(),
    /UNIQUE constraint failed: js_values\.name/,
  );
  const count = await atFollower.query("SELECT count(*) AS rows FROM js_values", {
    level: "linearizable",
  });
  assert.equal(count.get(0).get("rows"), 1);
});

for (const level of ["none", "weak", "linearizable", "strong"]) {
  check(`a query at level ${level}`, async () => {
    const name = "SELECT name FROM sqlite_schema WHERE name = 'js_values'";
    const one = await atFollower.query(name, { level });
    assert.equal(one.get(0).get("name"), "js_values");
    const two = await new DataApiClient([follower, leader], access).query([name, name], { level });
    assert.equal(two.get(1).get("name"), "js_values");
  });
}

check("a syntax error is told", async () => {
  const results = await atFollower.query("SELECT FROM");
  assert.match(results.getFirstError().toString(), /syntax error/);
});

check("the status names the leader", async () => {
  const { body } = await new StatusApiClient(follower, access).status();
  assert.notEqual(body.store.leader.node_id, "");
  const all = await new StatusApiClient([follower, leader], access).statusAllHosts();
  assert.deepEqual(all.map(({ response }) => response.status), [200, 200]);
});

const textOf = async (stream) => {
  let text = "";
  for await (const chunk of stream) text += chunk;
  return text;
};

check("a SQL backup is taken and loaded", async () => {
  const client = new BackupApiClient(follower, access);
  assert.match(await textOf(await client.backup("sql")), /CREATE TABLE js_values/);
  await textOf(await client.load("CREATE TABLE js_loaded (x); INSERT INTO js_loaded VALUES (7);"));
  const results = await atFollower.query("SELECT x FROM js_loaded");
  assert.equal(results.get(0).get("x"), 7);
});

(async () => {
  let failed = 0;
  for (const { name, run } of checks) {
    try {
      await run();
      console.log(`ok ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAILED ${name}: ${error.stack}`);
    }
  }
  console.log(`${checks.length - failed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
})();
