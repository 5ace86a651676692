import { strict as assert } from "node:assert";
import { join } from "node:path";
import { withDirectory } from "../directory.ts";
import { basic } from "./basic.ts";
import { type Answer, Cluster, eventually, type NodeProcess } from "./harness.ts";

/** The first letter of a name is the password. */
const tables = { read: ["orders", "public_*"], write: ["public_*"] };
const users = [
  { username: "admin", password: "a", perms: ["all"] },
  { username: "reader", password: "r", perms: ["query", "status"] },
  { username: "bob", password: "b", perms: ["query", "execute", "status"], tables },
  {
    username: "quiet",
    password: "q",
    perms: ["query", "execute"],
    tables: { ...tables, write: [] },
  },
  { username: "*", perms: ["ready"] },
];

const schema = [
  "CREATE TABLE orders (id INTEGER PRIMARY KEY, item UNIQUE)",
  "INSERT INTO orders VALUES (1, 'tea')",
  "CREATE TABLE secret (x UNIQUE, y)",
  "INSERT INTO secret VALUES ('classified', 1)",
  "CREATE TABLE public_same (x UNIQUE, y)",
  "CREATE TABLE public_key (k UNIQUE, v)",
  "INSERT INTO public_key VALUES (1, 'v')",
  "CREATE VIRTUAL TABLE hidden_text USING fts5(body)",
  "INSERT INTO hidden_text VALUES ('classified')",
  "CREATE VIRTUAL TABLE public_text USING fts5(body)",
  "INSERT INTO public_text VALUES ('tea')",
];

/** Whatever writes: who may only read must not, by any road. */
const writes = [
  "INSERT INTO orders (item) VALUES ('x')",
  "INSERT INTO orders (item) VALUES ('x') RETURNING item",
  "UPDATE orders SET item = 'x' RETURNING item",
  "DELETE FROM orders RETURNING id",
  "REPLACE INTO orders VALUES (1, 'x')",
  "WITH c AS (SELECT 'x' AS item) INSERT INTO orders (item) SELECT item FROM c",
  "WITH c AS (SELECT 1) DELETE FROM orders",
  "INSERT INTO orders VALUES (1, 'x') ON CONFLICT DO UPDATE SET item = 'x'",
  "INSERT INTO orders (item) SELECT x FROM secret",
  "SELECT 1; DELETE FROM orders",
  "BEGIN; DELETE FROM orders; COMMIT",
  "SAVEPOINT s; DELETE FROM orders; RELEASE s",
  "CREATE TABLE made (a)",
  "CREATE TEMP TABLE made (a)",
  "CREATE TABLE made AS SELECT * FROM orders",
  "CREATE TABLE made (a, b AS (a + 1) STORED, CHECK (abs(a) > 0))",
  "CREATE INDEX made ON orders (item)",
  "CREATE VIEW made AS SELECT 1",
  "CREATE TRIGGER made AFTER INSERT ON orders BEGIN SELECT 1; END",
  "CREATE VIRTUAL TABLE made USING fts5(a)",
  "ALTER TABLE orders ADD COLUMN made",
  "ALTER TABLE orders RENAME TO made",
  "DROP TABLE orders",
  "INSERT INTO hidden_text (hidden_text) VALUES ('rebuild')",
  "INSERT INTO hidden_text_data VALUES (99, x'00')",
  "UPDATE sqlite_schema SET sql = 'x'",
  "PRAGMA user_version = 77",
  "PRAGMA application_id = 77",
  "PRAGMA writable_schema = ON",
  "PRAGMA journal_mode = DELETE",
  "PRAGMA optimize",
  "PRAGMA incremental_vacuum",
  "PRAGMA wal_checkpoint",
  "ANALYZE",
  "REINDEX",
  "VACUUM",
  "VACUUM INTO 'made.db'",
  "ATTACH 'made.db' AS made",
  "ATTACH ':memory:' AS made",
  "SELECT load_extension('made')",
  "SELECT writefile('made.db', 'x')",
  "SELECT readfile('/etc/hostname')",
  "SELECT * FROM pragma_user_version(77)",
];

/** Whatever reads what is not bob's, to be told or to be kept. */
const reads = [
  "SELECT x FROM secret",
  "SELECT count(*) FROM secret",
  "EXPLAIN SELECT x FROM secret",
  "EXPLAIN QUERY PLAN SELECT x FROM secret",
  "SELECT x FROM (SELECT 'guess' AS x) FULL JOIN secret USING (x)",
  "SELECT x FROM (SELECT 'guess' AS x) NATURAL FULL JOIN secret",
  "INSERT INTO public_same SELECT * FROM secret",
  "INSERT INTO public_same (x) SELECT x FROM secret",
  "INSERT INTO public_key VALUES (1, 2) ON CONFLICT DO UPDATE SET v = (SELECT x FROM secret)",
  "INSERT INTO public_key VALUES (2, 2) RETURNING (SELECT x FROM secret)",
  "UPDATE public_key SET v = x FROM secret",
  "DELETE FROM public_key WHERE EXISTS (SELECT 1 FROM secret)",
  "WITH c AS (SELECT x FROM secret) INSERT INTO public_key (v) SELECT x FROM c",
  "CREATE TABLE public_made AS SELECT * FROM secret",
  "CREATE TABLE public_made (a CHECK (a IN (SELECT x FROM secret)))",
  "CREATE TABLE public_made (a, b AS ((SELECT x FROM secret)))",
  "CREATE TABLE public_made (a DEFAULT ((SELECT x FROM secret)))",
  "CREATE INDEX public_made ON public_key (v) WHERE v IN (SELECT x FROM secret)",
  "CREATE TABLE public_made (a REFERENCES secret)",
  "CREATE VIRTUAL TABLE public_made USING fts5vocab(hidden_text, row)",
  "CREATE VIRTUAL TABLE public_made USING fts5(x, content=secret)",
  "ALTER TABLE public_key RENAME TO orders_2",
  "SELECT body FROM hidden_text",
  "SELECT * FROM hidden_text_content",
  "SELECT block FROM hidden_text_data",
  "INSERT INTO public_text_content VALUES (9, 'x')",
  "SELECT sql FROM sqlite_schema",
  "SELECT name FROM sqlite_master",
  "SELECT name FROM dbstat",
  "SELECT * FROM pragma_table_list",
  "SELECT * FROM pragma_table_info('secret')",
  "PRAGMA table_info(secret)",
  "PRAGMA index_info(sqlite_autoindex_secret_1)",
  "PRAGMA foreign_key_check(secret)",
  "PRAGMA integrity_check",
  "SELECT * FROM sqlite_raft",
];

async function send(
  node: NodeProcess,
  username: string,
  path: string,
  body: unknown,
): Promise<Answer> {
  return await node.fetch(path, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      "content-type": "application/json",
      "authorization": basic(username, username.slice(0, 1)),
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
}

async function ask(
  node: NodeProcess,
  username: string,
  path: string,
  sql?: string,
): Promise<Answer> {
  return await send(node, username, path, sql === undefined ? undefined : [sql]);
}

async function begin(node: NodeProcess, username: string): Promise<string> {
  // One that no other write has to wait for.
  const response = await send(node, username, "/db/begin", { mode: "concurrent" });
  assert.equal(response.status, 200, response.body);
  return `tx=${encodeURIComponent(JSON.parse(response.body).tx)}`;
}

async function running(
  body: (node: NodeProcess, follower: NodeProcess, file: string) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    const file = join(directory, "users.json");
    await Deno.writeTextFile(file, JSON.stringify(users));
    const idle = ["-tx-idle-timeout", "10m", "-tx-max-open", "10m"];
    const flags = ["-auth", file, "-join-as", "admin", "-fk", ...idle];
    await using cluster = await Cluster.start({ size: 2, flags });
    const [node, follower] = cluster.nodes;
    assert(node && follower);
    for (const sql of schema) {
      assert.doesNotMatch((await ask(node, "admin", "/db/execute", sql)).body, /error/, sql);
    }
    await body(node, follower, file);
  });
}

/** All that is in the database, of which nobody's SQL makes a file. */
async function everything(node: NodeProcess): Promise<string> {
  const { status, body } = await ask(node, "admin", "/db/backup?fmt=sql");
  assert.equal(status, 200);
  const versions =
    "SELECT user_version, application_id FROM pragma_user_version, pragma_application_id";
  const { body: more } = await ask(node, "admin", `/db/query?q=${encodeURIComponent(versions)}`);
  await assert.rejects(Deno.stat("made.db"), Deno.errors.NotFound);
  return body + JSON.stringify(JSON.parse(more).results[0].values);
}

/** What queries are sent to, with how fresh they are to be. */
const queryPaths = ["none", "weak", "linearizable", "strong"].map((level) =>
  `/db/query?level=${level}`
);
const bothPaths = ["/db/request", "/db/request?transaction", "/db/request?level=strong"];
const executePaths = ["/db/execute", "/db/execute?transaction"];

Deno.test("who may only query writes nothing by any SQL, at any node and level", async () => {
  await running(async (node, follower) => {
    const before = await everything(node);
    for (const at of [node, follower]) {
      for (const sql of writes) {
        for (const path of queryPaths) {
          const { status, body } = await ask(at, "reader", path, sql);
          assert.equal(status, 200, `${path} ${sql}`);
          if (!/^SELECT/.test(sql)) assert.match(body, /"error"/, `${path} ${sql}`);
        }
        const { body } = await ask(at, "reader", `/db/query?q=${encodeURIComponent(sql)}`);
        if (!/^SELECT/.test(sql)) assert.match(body, /"error"/, sql);
        for (const path of [...bothPaths, ...executePaths, "/db/execute?queue&wait", "/db/load"]) {
          assert.equal((await ask(at, "reader", path, sql)).status, 401, path);
        }
      }
      assert.equal(await everything(node), before);
    }
  });
});

Deno.test("who may write no table, or others, changes nothing there by any SQL, at any node", async () => {
  await running(async (node, follower) => {
    const before = await everything(node);
    for (const at of [node, follower]) {
      for (const username of ["bob", "quiet"]) {
        for (const sql of writes) {
          for (const path of ["/db/query?level=weak", "/db/request", ...executePaths]) {
            const { status, body } = await ask(at, username, path, sql);
            assert.equal(status, 200, `${path} ${sql}`);
            if (!/^(SELECT|BEGIN)/.test(sql)) assert.match(body, /"error"/, `${path} ${sql}`);
          }
          // Nobody is told how a queued one ended.
          await ask(at, username, "/db/execute?queue", sql);
        }
        assert.equal((await ask(at, username, "/db/execute?queue&wait", "SELECT 1")).status, 200);
        assert.equal(await everything(node), before, username);
      }
    }
  });
});

Deno.test("who may read some tables learns nothing of others, be it told or kept", async () => {
  await running(async (node, follower) => {
    const before = await everything(node);
    const told: string[] = [];
    for (const at of [node, follower]) {
      for (const sql of reads) {
        for (const path of [...queryPaths, ...bothPaths, ...executePaths]) {
          const { status, body } = await ask(at, "bob", path, sql);
          assert.equal(status, 200, `${path} ${sql}`);
          assert.match(body, /"error"/, `${path} ${sql}`);
          told.push(body);
        }
        const { body } = await ask(at, "bob", "/db/sql", sql);
        told.push(body);
      }
      for (const path of ["/status", "/debug/vars", "/nodes", "/readyz", "/metrics"]) {
        told.push((await ask(at, "bob", path)).body);
      }
      for (const path of ["/db/backup", "/db/backup?fmt=sql", "/boot", "/db/load"]) {
        const { status, body } = await ask(at, "bob", path, path === "/boot" ? "x" : undefined);
        assert(status === 401 || status === 403 || status === 405, `${path}: ${status}`);
        told.push(body);
      }
    }
    for (const text of told) assert.doesNotMatch(text, /classified|CREATE TABLE secret/);
    // Of what runs, nothing tells the names of what others have.
    const { body } = await ask(node, "bob", "/status");
    assert.doesNotMatch(body, /secret|hidden_text/);
    assert.equal(await everything(node), before);
  });
});

Deno.test("rights by table that change count for the next request, whatever was prepared before", async () => {
  await running(async (node, follower, file) => {
    const query = "SELECT x FROM secret";
    const insert = "INSERT INTO orders (item) VALUES ('x') ON CONFLICT DO NOTHING";
    const may = async (at: NodeProcess) => {
      const told = [
        await ask(at, "bob", "/db/query?level=none", query),
        await ask(at, "bob", "/db/execute", insert),
      ];
      return told.map(({ body }) => !/is prohibited/.test(body));
    };
    const give = async (given: unknown, expected: boolean[]) => {
      const changed = users.map((user) =>
        user.username === "bob" ? { ...user, tables: given } : user
      );
      await Deno.writeTextFile(file, JSON.stringify(changed));
      for (const at of [node, follower]) {
        Deno.kill(at.pid, "SIGHUP");
        await eventually(
          "the new rights",
          async () => (await may(at)).every((allowed, i) => allowed === expected[i]),
        );
        // Once they count, they count for each request.
        for (let i = 0; i < 5; i++) assert.deepEqual(await may(at), expected);
      }
    };
    for (const at of [node, follower]) {
      for (let i = 0; i < 3; i++) assert.deepEqual(await may(at), [false, false]);
    }
    const more = { read: ["orders", "secret"], write: ["orders"] };
    await give(more, [true, true]);
    const [tx, other] = [await begin(node, "bob"), await begin(follower, "bob")];
    for (const [at, open] of [[node, tx], [follower, tx], [node, other]] as const) {
      const { body } = await ask(at, "bob", `/db/query?${open}`, query);
      assert.match(body, /classified/);
    }
    await ask(
      node,
      "bob",
      `/db/execute?${tx}`,
      "INSERT INTO orders (item) VALUES ('in a transaction')",
    );
    await give({ ...more, write: [] }, [true, false]);
    // One that began with other rights is over.
    for (const [at, open] of [[follower, tx], [follower, other]] as const) {
      const { status, body } = await ask(at, "bob", `/db/request?${open}`, query);
      assert.match(`${status} ${body}`, /rolled back, as its user has other rights by table/);
    }
    assert.match((await ask(node, "bob", `/db/commit?${tx}`, "")).body, /other rights by table/);
    const { body } = await ask(node, "admin", "/db/query", "SELECT item FROM orders");
    assert.doesNotMatch(body, /in a transaction/);
    await give(tables, [false, false]);
  });
});
