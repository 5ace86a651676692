/** What clients of libSQL's protocol could ask of a node, that would cost it more than they send. */
import { strict as assert } from "node:assert";
import { basic } from "./basic.ts";
import { Cluster, type NodeProcess } from "./harness.ts";

async function pipeline(node: NodeProcess, requests: unknown[], authorization?: string) {
  const answer = await node.fetch("/v3/pipeline", {
    method: "POST",
    headers: authorization === undefined ? {} : { authorization },
    body: JSON.stringify({ requests }),
  });
  assert.equal(answer.status, 200, answer.body.slice(0, 1000));
  // deno-lint-ignore no-explicit-any
  const { results } = JSON.parse(answer.body) as { results: any[] };
  return { results, length: answer.body.length };
}

const stored = (sql: string) => ({ type: "store_sql", sql_id: 1, sql });
const execute = (sql: string) => ({ type: "execute", stmt: { sql } });

Deno.test("SQL that is stored once and run often makes no answer and no entry beyond all bounds", async (t) => {
  await using cluster = await Cluster.start({ size: 1 });
  const node = await cluster.leader();
  const times = 2_000;

  await t.step("errors that say it again", async () => {
    const sql = `SELECT :${"x".repeat(200_000)}`;
    const one = { type: "execute", stmt: { sql_id: 1 } };
    const { results, length } = await pipeline(node, [stored(sql), ...Array(times / 10).fill(one)]);
    assert(length < 11_000_000, `${length}`);
    assert.match(results[1].error.message, /value for parameter :x+ not found/);
    assert.equal(results.at(-1).error.code, results[1].error.code);
    assert.match(results.at(-1).error.message, /too large to say more/);
    const steps = Array(times / 10).fill({ stmt: { sql_id: 1 } });
    const asked = [stored(sql), { type: "batch", batch: { steps } }];
    assert((await pipeline(node, asked)).length < 11_000_000);
    const sequences = Array(times / 10).fill({ type: "sequence", sql_id: 1 });
    const table = stored(`SELECT * FROM "${"x".repeat(200_000)}"`);
    assert((await pipeline(node, [table, ...sequences])).length < 11_000_000);
  });

  await t.step("a transaction in one batch", async () => {
    await pipeline(node, [execute("CREATE TABLE t (a)")]);
    const steps: unknown[] = [{ stmt: { sql: "BEGIN" } }];
    const ok = (step: number) => ({ type: "ok", step });
    for (let i = 0; i < times; i++) {
      steps.push({ stmt: { sql_id: 1 }, condition: ok(steps.length - 1) });
    }
    steps.push({ stmt: { sql: "COMMIT" }, condition: ok(steps.length - 1) });
    const failed = { type: "not", cond: ok(steps.length - 1) };
    steps.push({ stmt: { sql: "ROLLBACK" }, condition: failed });
    const sql = `INSERT INTO t VALUES (length('${"x".repeat(200_000)}'))`;
    const { results } = await pipeline(node, [stored(sql), { type: "batch", batch: { steps } }]);
    assert.equal(results[1].type, "ok");
    const { step_errors, step_results } = results[1].response.result;
    const count = await node.fetch("/db/query?q=SELECT+count(*)+FROM+t");
    // All, or none and an error that says why.
    const isDone = step_results[times + 1] !== null;
    assert.match(count.body, isDone ? /\[\[2000\]\]/ : /\[\[0\]\]/);
    assert.equal(step_errors.some((error: unknown) => error !== null), !isDone);
  });

  await t.step("a text that is looked through again and again", async () => {
    const text = stored(";".repeat(250_000));
    for (const type of ["sequence", "describe"]) {
      const asked = [text, ...Array(300).fill({ type, sql_id: 1 }), execute("SELECT 1")];
      const { results } = await pipeline(node, asked);
      assert.equal(results.at(-2).error.code, "SQLITE_TOOBIG");
      assert.match(results.at(-2).error.message, /Stored texts of more than/);
      assert.equal(results.at(-1).type, "ok");
    }
  });

  await t.step("a description", async () => {
    const sql = `SELECT 1${"+1".repeat(600_000)}`;
    const { results } = await pipeline(node, [{ type: "describe", sql }, execute("SELECT 1")]);
    assert.equal(results[0].error.code, "SQLITE_TOOBIG");
    assert.equal(results[1].type, "ok");
  });
});

Deno.test("a user with rights by table sets no foreign keys, in a transaction or without", async () => {
  const users = await Deno.makeTempFile({ prefix: "raftlite-users-" });
  const admin = { username: "admin", password: "a", perms: ["all"] };
  const bob = {
    ...{ username: "bob", password: "b", perms: ["query", "execute"] },
    tables: { read: ["mine", "theirs"], write: ["mine"] },
  };
  await Deno.writeTextFile(
    users,
    JSON.stringify([{ username: "*", perms: ["ready", "status"] }, admin, bob]),
  );
  await using cluster = await Cluster.start({ size: 1, flags: ["-auth", users, "-fk"] });
  const node = await cluster.leader();
  const made = await pipeline(node, [
    execute("CREATE TABLE theirs (id INTEGER PRIMARY KEY)"),
    execute("CREATE TABLE mine (id INTEGER PRIMARY KEY, theirs REFERENCES theirs)"),
  ], basic("admin", "a"));
  assert(made.results.every(({ type }) => type === "ok"), JSON.stringify(made.results));
  const insert = execute("INSERT INTO mine (theirs) VALUES (7)");
  for (const off of ["PRAGMA foreign_keys = OFF", "PRAGMA main.foreign_keys(0)"]) {
    for (const within of [[], ["BEGIN"], ["BEGIN IMMEDIATE"]]) {
      const ends = within.length > 0 ? [execute("COMMIT")] : [];
      const asked = [execute(off), ...within.map(execute), insert, ...ends, { type: "close" }];
      const { results } = await pipeline(node, asked, basic("bob", "b"));
      assert.match(JSON.stringify(results), /prohibited/, within.join());
      const count = await node.fetch("/db/query?q=SELECT+count(*)+FROM+mine", {
        headers: { authorization: basic("admin", "a") },
      });
      assert.match(count.body, /\[\[0\]\]/, `${off} ${within}`);
    }
  }
  const on = [execute("BEGIN"), execute("INSERT INTO mine (id) VALUES (1)"), execute("COMMIT")];
  const { results } = await pipeline(node, on, basic("bob", "b"));
  assert(results.every(({ type }) => type === "ok"), JSON.stringify(results));
  await Deno.remove(users);
});
