import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { Database } from "../../src/sqlite/mod.ts";
import { setDigest } from "../../src/store/codec/script_codec.ts";
import { type OpenRehearsal, scriptConflict } from "../../src/store/types.ts";
import { library, stepOf, TestStore, text } from "./fixture.ts";
import { seeds } from "./seeds.ts";

const schema = [
  "CREATE TABLE parent (id INTEGER PRIMARY KEY, v)",
  "CREATE TABLE child (id INTEGER PRIMARY KEY AUTOINCREMENT, v UNIQUE, " +
  "parent REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
  "CREATE TABLE told (v)",
  "CREATE TRIGGER tells AFTER INSERT ON parent BEGIN INSERT INTO told VALUES (new.v); END",
  "INSERT INTO parent (id, v) VALUES (1, 1), (2, 2), (3, 3), (4, 4)",
];

/** The second one is as the store calls its own. */
const savepoints = ["s", "raftlite_entry"];

const kinds: readonly ((k: (below: number) => number) => string)[] = [
  (k) => `SELECT id, v FROM parent WHERE id = ${k(6)}`,
  (k) => `UPDATE parent SET v = v + 1 WHERE id = ${k(6)}`,
  (k) => `INSERT INTO child (v, parent) VALUES (${k(40)}, ${k(6)})`,
  (k) => `INSERT OR REPLACE INTO child (v, parent) VALUES (${k(40)}, 1)`,
  (k) => `INSERT INTO parent (id, v) VALUES (${k(9)}, 7)`,
  (k) => `DELETE FROM parent WHERE id = ${k(9)}`,
  (k) => `DELETE FROM child WHERE v > ${20 + k(20)}`,
  () => "SELECT count(*), max(id) FROM child",
  () => "SELECT count(*) FROM told",
  () => "SELECT last_insert_rowid(), changes(), total_changes()",
  (k) => `SAVEPOINT ${savepoints[k(2)]}`,
  (k) => `ROLLBACK TO ${savepoints[k(2)]}`,
  (k) => `RELEASE ${savepoints[k(2)]}`,
  (k) => k(4) === 0 ? "INSERT OR ROLLBACK INTO parent (id) VALUES (1)" : "SELECT 1",
  (k) => k(6) === 0 ? "ALTER TABLE told ADD COLUMN w" : "SELECT * FROM told LIMIT 1",
  (k) => k(6) === 0 ? "PRAGMA defer_foreign_keys = ON" : "SELECT v FROM child ORDER BY id",
];

/** SQLite itself, with what is committed. */
class Oracle implements Disposable {
  readonly #database = new Database(":memory:", { library });

  constructor() {
    this.#database.exec("PRAGMA foreign_keys = ON");
    for (const sql of schema) this.#database.exec(sql);
  }

  /** What each statement of a transaction says, run as a whole on what is committed. */
  run(texts: readonly string[]): string[] {
    const database = this.#database;
    const total = database.totalChanges;
    database.createFunction("total_changes", () => database.totalChanges - total);
    database.lastInsertRowId = 0;
    // As of a connection that has done nothing.
    database.exec("DELETE FROM told WHERE 0");
    database.exec("BEGIN");
    return texts.map((sql) => this.#result(sql));
  }

  #result(sql: string): string {
    const database = this.#database;
    try {
      using statement = database.prepare(sql);
      const rows = statement.values();
      if (/^SELECT/.test(sql)) return JSON.stringify(rows);
      return /^(INSERT|UPDATE|DELETE)/.test(sql)
        ? `${database.changes} ${database.lastInsertRowId}`
        : "";
    } catch (error) {
      return String((error as Error).message);
    }
  }

  get inTransaction(): boolean {
    return this.#database.inTransaction;
  }

  /** Ends what `run` has begun; the error, if there is one. */
  end(how: "COMMIT" | "ROLLBACK"): string | undefined {
    const database = this.#database;
    try {
      if (database.inTransaction) database.exec(how);
      return undefined;
    } catch (error) {
      database.exec("ROLLBACK");
      return String((error as Error).message);
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

/** The store's result in the oracle's words. */
function inWords(sql: string, json: string): string {
  const { error, values, rows_affected: changes = 0, last_insert_id: id = 0 } = JSON.parse(json);
  if (error !== undefined) return error;
  if (/^SELECT/.test(sql)) return JSON.stringify(values ?? []);
  return /^(INSERT|UPDATE|DELETE)/.test(sql) ? `${changes} ${id}` : "";
}

interface Open {
  readonly rehearsal: OpenRehearsal;
  readonly texts: string[];
  readonly seen: string[];
  readonly steps: Uint8Array[];
  deferred: boolean;
}

Deno.test("Transactions that take turns each answer what SQLite would, with nobody else about", async () => {
  for (const seed of seeds()) {
    const random = new Prng(seed);
    await using store = await TestStore.open({ foreignKeys: true });
    await store.execute(schema);
    using oracle = new Oracle();
    const open: Open[] = [];
    const ends = { committed: 0, conflict: 0, rolledBack: 0, refused: 0 };
    const leave = (transaction: Open) => {
      open.splice(open.indexOf(transaction), 1);
      transaction.rehearsal.letGo();
    };
    for (let turn = 0; turn < 600; turn++) {
      if (open.length < 5) {
        const rehearsal = store.store.rehearsal(undefined);
        open.push({ rehearsal, texts: [], seen: [], steps: [], deferred: false });
      }
      const transaction = open[random.below(open.length)] as Open;
      const { rehearsal, texts, seen, steps } = transaction;
      const label = `seed ${seed}, turn ${turn}: `;
      if (steps.length > 0 && !transaction.deferred && random.chance(0.12)) {
        const expected = oracle.run(texts);
        const same = JSON.stringify(expected) === JSON.stringify(seen);
        const failure = oracle.end(same ? "COMMIT" : "ROLLBACK");
        const command = { type: "script", steps, request: undefined } as const;
        const [answer] = await store.apply(store.entries.command(command));
        const error = answer === "" ? undefined : JSON.parse(answer ?? "").error;
        assert.equal(error, same ? failure : scriptConflict, `${label}${texts}`);
        ends[error === undefined ? "committed" : "conflict"]++;
        leave(transaction);
        continue;
      }
      const kind = kinds[random.below(kinds.length)] as typeof kinds[number];
      const sql = kind((below) => random.below(below));
      const step = stepOf(sql);
      const outcome = await rehearsal.run([...steps, step]);
      const expected = oracle.run([...texts, sql]);
      const isOpen = oracle.inTransaction;
      oracle.end("ROLLBACK");
      const last = expected.pop() ?? "";
      const told = `${label}${[...texts, sql].join("; ")}`;
      if (JSON.stringify(expected) !== JSON.stringify(seen)) {
        assert.equal(outcome.type, "conflict", told);
        ends.conflict++;
        leave(transaction);
        continue;
      }
      assert.equal(outcome.type, isOpen ? "same" : "rolled_back", told);
      assert(outcome.type === "same" || outcome.type === "rolled_back");
      assert.equal(inWords(sql, text(outcome.results)), last, told);
      if (outcome.type === "rolled_back") {
        ends.rolledBack++;
        leave(transaction);
        continue;
      }
      transaction.deferred = outcome.deferredForeignKeys;
      setDigest(step, outcome.digest);
      steps.push(step);
      texts.push(sql);
      seen.push(last);
      if (steps.length > 8) {
        ends.refused++;
        leave(transaction);
      }
    }
    assert(ends.committed > 0 && ends.conflict > 0, `seed ${seed}: ${JSON.stringify(ends)}`);
    for (const table of ["parent", "child", "told"]) {
      const counted = await store.query(`SELECT count(*) FROM ${table}`);
      const [row] = oracle.run([`SELECT count(*) FROM ${table}`]);
      oracle.end("ROLLBACK");
      assert.equal(JSON.stringify(JSON.parse(counted).values), row);
    }
  }
});
