import assert from "node:assert/strict";
import { rightsOf } from "../../src/access/table_rights.ts";
import { Prng } from "../../src/base/prng.ts";
import { Database } from "../../src/sqlite/mod.ts";
import { type ScriptStep, setDigest } from "../../src/store/codec/script_codec.ts";
import {
  KeyedAnswer,
  type OpenRehearsal,
  type Rehearsal,
  scriptConflict,
} from "../../src/store/types.ts";
import { library, stepOf, TestStore, text } from "./fixture.ts";
import { keyOf } from "./random_entries.ts";
import { seeds } from "./seeds.ts";

const schema = [
  "CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE, n INTEGER DEFAULT 0)",
  "CREATE TABLE p (id INTEGER PRIMARY KEY)",
  "CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
  "CREATE TABLE r (v UNIQUE ON CONFLICT ROLLBACK)",
  "CREATE VIRTUAL TABLE f USING fts5(x)",
];
const tables = ["t", "p", "c", "r", "f"];

function randomStatement(random: Prng): string {
  const k = () => random.below(12);
  const statements = [
    () => `INSERT INTO t (v) VALUES (${k()})`,
    () => `INSERT INTO t (v) VALUES (${k()}), (${k()}) RETURNING id, v`,
    () => `UPDATE t SET n = n + 1 WHERE v < ${k()}`,
    () => `DELETE FROM t WHERE v = ${k()}`,
    () => `SELECT * FROM t WHERE v >= ${k()} ORDER BY id`,
    () => "SELECT count(*), sum(n) FROM t",
    () => `INSERT OR IGNORE INTO p VALUES (${k()})`,
    () => `DELETE FROM p WHERE id = ${k()}`,
    () => `INSERT INTO c VALUES (${k()})`,
    () => "DELETE FROM c WHERE p NOT IN (SELECT id FROM p)",
    () => `INSERT INTO f VALUES ('word${k()} more')`,
    () => `SELECT rowid FROM f WHERE f MATCH 'word${k()}'`,
    () => "SELECT nonsense",
    () => `CREATE TABLE IF NOT EXISTS e${k() % 2} (x)`,
    () => `INSERT INTO e${k() % 2} VALUES (1)`,
    () => `DROP TABLE IF EXISTS e${k() % 2}`,
    () => `SAVEPOINT s${k() % 2}`,
    () => `ROLLBACK TO s${k() % 2}`,
    () => `RELEASE S${k() % 2}`,
  ];
  if (random.chance(0.02)) return `INSERT INTO r VALUES (${k()})`;
  return (statements[random.below(statements.length)] as () => string)();
}

/** SQLite itself, of which the answers are in the store's form. */
class Oracle implements Disposable {
  readonly #database = new Database(":memory:", { library });

  constructor() {
    this.#database.exec("PRAGMA foreign_keys = ON");
    for (const sql of schema) this.#database.exec(sql);
  }

  get inTransaction(): boolean {
    return this.#database.inTransaction;
  }

  run(sql: string): unknown {
    try {
      using statement = this.#database.prepare(sql);
      if (statement.columnCount === 0) {
        const changes = statement.run();
        return changed(sql, changes, Number(this.#database.lastInsertRowId));
      }
      return statement.values();
    } catch (error) {
      return { error: (error as Error).message };
    }
  }

  rows(table: string): unknown[][] {
    using statement = this.#database.prepare(`SELECT rowid, * FROM ${table} ORDER BY rowid`);
    return statement.values();
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

/** What a statement without rows has done: which row id it gave, where it gave one. */
function changed(sql: string, changes: number, rowId: number): unknown {
  if (/^INSERT/.test(sql) && changes > 0) return { changes, rowId };
  return /^(INSERT|UPDATE|DELETE)/.test(sql) ? { changes } : "done";
}

/** What an answer of the store's says, as the oracle would. */
function said(answer: string, sql = ""): unknown {
  const { columns, values = [], error, ...done } = JSON.parse(answer === "" ? "{}" : answer);
  if (error !== undefined) return { error };
  if (columns !== undefined) return values;
  return changed(sql, done.rows_affected ?? 0, done.last_insert_id ?? 0);
}

/** A transaction on one store, request by request. */
class Script {
  readonly steps: Uint8Array[] = [];
  readonly #rehearsal: OpenRehearsal;

  constructor(store: TestStore) {
    this.#rehearsal = store.store.rehearsal(undefined);
  }

  async run(step: Uint8Array): Promise<Rehearsal> {
    const rehearsal = await this.#rehearsal.run([...this.steps, step]);
    if (rehearsal.type === "same") {
      setDigest(step, rehearsal.digest);
      this.steps.push(step);
    }
    return rehearsal;
  }
}

async function rowsOf(store: TestStore, table: string): Promise<unknown> {
  return said(await store.query(`SELECT rowid, * FROM ${table} ORDER BY rowid`));
}

const isControl = /^(SAVEPOINT|ROLLBACK|RELEASE)/;

Deno.test("A transaction is committed if its statements have the results there that SQLite gives, else not at all", async () => {
  let conflictsOfAll = 0;
  for (const seed of seeds(4)) {
    const random = new Prng(seed);
    using oracle = new Oracle();
    await using store = await TestStore.open({ foreignKeys: true });
    await using other = await TestStore.open({ foreignKeys: true });
    const entries = [store.entries.execute(schema)];
    await store.apply(...entries);
    let conflicts = 0;
    let commits = 0;
    for (let transaction = 0; transaction < 40; transaction++) {
      const script = new Script(store);
      const label = `seed ${seed}, transaction ${transaction}`;
      const asked: string[] = [];
      const answered: unknown[] = [];
      let open = true;
      for (let left = 1 + random.below(8); left > 0 && open; left--) {
        if (random.chance(0.3)) {
          const sql = randomStatement(random).replace(isControl, "-- ");
          const entry = store.entries.execute([sql]);
          entries.push(entry);
          await store.apply(entry);
          oracle.run(sql);
        }
        const sql = randomStatement(random);
        const rehearsal = await script.run(stepOf(sql));
        open = rehearsal.type === "same";
        asked.push(sql);
        if ("results" in rehearsal) answered.push(said(text(rehearsal.results), sql));
      }
      // What SQLite answers where the transaction now is.
      oracle.run("BEGIN");
      const expected: unknown[] = [];
      for (const sql of asked) {
        expected.push(oracle.run(sql));
        if (!oracle.inTransaction) break;
      }
      const isSame = JSON.stringify(expected) === JSON.stringify(answered);
      if (!open) {
        if (oracle.inTransaction) oracle.run("ROLLBACK");
        const before = expected.slice(0, answered.length);
        if (answered.length === asked.length) assert.deepEqual(answered, expected, label);
        else {
          assert.notDeepEqual(answered, before, `${label}: no reason for a conflict`);
          conflicts++;
        }
        continue;
      }
      const entry = store.entries.command({
        type: "script",
        steps: script.steps,
        request: undefined,
      });
      entries.push(entry);
      const [answer = ""] = await store.apply(entry);
      if (!isSame) {
        assert.equal(
          answer,
          JSON.stringify({ error: scriptConflict }),
          `${label}: ${asked.join("; ")}\n${JSON.stringify(answered)}\n${JSON.stringify(expected)}`,
        );
        if (oracle.inTransaction) oracle.run("ROLLBACK");
        conflicts++;
      } else {
        const committed = oracle.run("COMMIT");
        if (committed !== "done") oracle.run("ROLLBACK");
        assert.deepEqual(said(answer), committed, `${label}: ${asked.join("; ")}`);
        commits++;
      }
      for (const table of tables) {
        assert.deepEqual(await rowsOf(store, table), oracle.rows(table), `${label}, ${table}`);
      }
    }
    assert(commits > 5, `seed ${seed}: ${commits} commits, ${conflicts} conflicts`);
    conflictsOfAll += conflicts;
    for (let at = 0; at < entries.length;) {
      const size = 1 + random.below(9);
      await other.apply(...entries.slice(at, at + size));
      at += size;
    }
    for (const table of tables) {
      assert.deepEqual(await rowsOf(other, table), await rowsOf(store, table), `seed ${seed}`);
    }
  }
  assert(conflictsOfAll > 0);
});

Deno.test("Time and randomness of a transaction are those of the first run of each statement", async () => {
  await using store = await TestStore.open();
  await store.execute(["CREATE TABLE t (at, r)"]);
  const script = new Script(store);
  await script.run(
    stepOf("INSERT INTO t VALUES (unixepoch(), random())", { clock: 5000, seed: 1n }),
  );
  await script.run(
    stepOf("INSERT INTO t VALUES (unixepoch(), random())", { clock: 9000, seed: 2n }),
  );
  const seen = await script.run(stepOf("SELECT * FROM t"));
  assert(seen.type === "same");
  const { steps } = script;
  const [answer] = await store.apply(
    store.entries.command({ type: "script", steps, request: undefined }),
  );
  assert.equal(answer, "");
  const rows = JSON.parse(await store.query("SELECT * FROM t")).values;
  assert.deepEqual(rows.map(([at]: number[]) => at), [5, 9]);
  assert.deepEqual(rows, JSON.parse(text(seen.results)).values);
});

Deno.test("A rehearsal leaves nothing, and tells what a commit would find", async () => {
  await using store = await TestStore.open({ foreignKeys: true });
  await store.execute(schema);
  const run = (...steps: Uint8Array[]) => store.store.rehearsal(undefined).run(steps);
  const before = await store.query("SELECT * FROM sqlite_raft");
  const orphan = await run(stepOf("INSERT INTO c VALUES (1)"));
  assert(orphan.type === "same" && orphan.deferredForeignKeys);
  assert.equal((await run(stepOf("INSERT INTO p VALUES (1)"))).type, "same");
  const rolledBack = await run(
    stepOf(["INSERT INTO r VALUES (1), (1)", "INSERT INTO p VALUES (2)"]),
  );
  assert(rolledBack.type === "rolled_back");
  assert.equal(text(rolledBack.results), '{"error":"UNIQUE constraint failed: r.v"}');
  assert.equal(await store.query("SELECT * FROM sqlite_raft"), before);
  for (const table of tables) assert.deepEqual(await rowsOf(store, table), []);
  assert.equal(
    await store.execute(["INSERT INTO p VALUES (1)"]),
    '{"last_insert_id":1,"rows_affected":1}',
  );
});

Deno.test("What is not for a transaction is refused within it, and it goes on", async () => {
  await using store = await TestStore.open();
  await store.execute(["CREATE TABLE t (v)"]);
  const script = new Script(store);
  const answer = async (sql: string | string[], options: Partial<ScriptStep> = {}) => {
    const rehearsal = await script.run(stepOf(sql, options));
    assert(rehearsal.type === "same");
    return text(rehearsal.results);
  };
  assert.match(await answer("BEGIN"), /cannot start a transaction within a transaction/);
  assert.match(await answer(["INSERT INTO t VALUES (1)", "COMMIT"]), /COMMIT is refused/);
  assert.match(await answer("VACUUM"), /cannot VACUUM from within a transaction/);
  assert.match(await answer("INSERT INTO t VALUES (2)", { readOnly: true }), /attempt to change/);
  assert.match(await answer("ATTACH 'x' AS y"), /are refused/);
  assert.match(await answer(["SAVEPOINT Ä", "RELEASE ä"]), /no such savepoint: ä/);
  assert.match(
    await answer(["INSERT INTO t VALUES (3)", "SELECT nonsense"], { atomic: true }),
    /no such column/,
  );
  assert.match(await answer("SELECT v FROM t"), /"values":\[\[1\]\]/);
});

Deno.test("A commit that is repeated under its key is done once, be its times others", async () => {
  await using store = await TestStore.open();
  await store.execute(["CREATE TABLE t (v)"]);
  const commit = async (clock: number) => {
    const script = new Script(store);
    await script.run(stepOf("INSERT INTO t VALUES (1)", { clock }));
    const { steps } = script;
    const key = keyOf("k");
    const [answer] = await store.apply(
      store.entries.command({ type: "script", steps, request: undefined, key }),
    );
    return answer;
  };
  assert.equal(await commit(1000), "0");
  assert.equal(await commit(2000), "1");
  assert.match(await store.query("SELECT count(*) FROM t"), /\[\[1\]\]/);
});

Deno.test("A commit under the key of one that was asked for otherwise is refused", async () => {
  await using store = await TestStore.open();
  await store.execute(["CREATE TABLE t (v)"]);
  const commit = async (options: Partial<ScriptStep>, name: string) => {
    const script = new Script(store);
    await script.run(stepOf(["SELECT v FROM t", "SELECT 1"], options));
    const { steps } = script;
    const [answer = ""] = await store.apply(
      store.entries.command({ type: "script", steps, request: undefined, key: keyOf(name) }),
    );
    return answer.charCodeAt(0);
  };
  for (const option of ["atomic", "unified", "readOnly"] as const) {
    const other = { [option]: option !== "unified" };
    assert.equal(await commit({}, option), KeyedAnswer.first);
    assert.equal(await commit({}, option), KeyedAnswer.repeated);
    assert.equal(await commit(other, option), KeyedAnswer.other, option);
  }
});

Deno.test("A transaction is held to its user's rights by table, when it is rehearsed and when it is committed", async () => {
  await using store = await TestStore.open({ foreignKeys: true });
  await store.execute([
    "CREATE TABLE mine (x, y)",
    "CREATE TABLE secret (x, y)",
    "INSERT INTO secret VALUES ('classified', 1)",
  ]);
  const rights = rightsOf({ username: "bob", tables: { read: ["mine"], write: ["mine"] } });
  const steps = [
    "INSERT INTO mine VALUES (1, 2)",
    "SELECT x FROM secret",
    "INSERT INTO mine SELECT * FROM secret",
    "PRAGMA user_version = 7",
    "DELETE FROM secret",
  ].map((sql) => stepOf(sql));
  for (let i = 1; i < steps.length; i++) {
    const rehearsal = await store.store.rehearsal(rights).run(steps.slice(0, i + 1));
    assert.match(rehearsal.type === "same" ? text(rehearsal.results) : "", / is prohibited: /);
  }
  const command = { type: "script", steps, request: undefined } as const;
  await store.apply(store.entries.command({ ...command, rights }));
  const rows = "SELECT (SELECT group_concat(x) FROM mine), (SELECT count(*) FROM secret)";
  assert.match(await store.query(rows), /\[\["1",1\]\]/);
});
