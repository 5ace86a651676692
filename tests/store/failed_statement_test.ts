import assert from "node:assert/strict";
import { openLibrary } from "../../src/sqlite/mod.ts";
import { Answers } from "../../src/store/apply/answers.ts";
import { toBatchEntry } from "../../src/store/apply/apply_batch.ts";
import { EntryApplier } from "../../src/store/apply/entry_applier.ts";
import { WriteConnection } from "../../src/store/apply/write_connection.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { Entries, library, TestStore, text } from "./fixture.ts";

const done = (id: number, rows = 1) => `{"last_insert_id":${id},"rows_affected":${rows}}`;
const failed = (message: string) => JSON.stringify({ error: message });

Deno.test("Store.apply takes back what OR FAIL and RAISE(FAIL) leave when a deferred foreign key is violated", async () => {
  const error = failed("FOREIGN KEY constraint failed");
  const statements = [
    "INSERT OR FAIL INTO c (p, q) VALUES (3, 1), (1, 1)",
    "INSERT INTO c VALUES (7, 5, 14)",
  ];
  for (const transaction of [false, true]) {
    await using s = await TestStore.open({ foreignKeys: true });
    const { entries: e } = s;
    await s.execute([
      "CREATE TABLE a (id INTEGER PRIMARY KEY)",
      "CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES a (id) DEFERRABLE INITIALLY DEFERRED, q UNIQUE)",
      "CREATE TRIGGER g AFTER INSERT ON c WHEN NEW.q = 14 BEGIN SELECT RAISE(FAIL, 'fourteen'); END",
    ]);
    const answers = await s.apply(
      e.execute(["INSERT INTO a VALUES (1)"]),
      e.execute(statements, { transaction }),
      e.execute(["SELECT changes(), total_changes(), last_insert_rowid()"], { unified: true }),
      e.execute(["INSERT OR FAIL INTO c (p, q) VALUES (1, 2), (1, 2)"]),
      e.execute(["SELECT changes(), total_changes(), last_insert_rowid()"], { unified: true }),
    );
    const duplicate = failed("UNIQUE constraint failed: c.q");
    assert.equal(answers[1], transaction ? duplicate : `${error},${error}`);
    assert.match(answers[2] ?? "", transaction ? /\[\[1,2,1\]\]/ : /\[\[0,1,7\]\]/);
    assert.equal(answers[3], duplicate);
    assert.match(answers[4] ?? "", transaction ? /\[\[1,3,1\]\]/ : /\[\[1,2,1\]\]/);
    await s.restart();
    assert.equal(await s.execute(["INSERT INTO a VALUES (2)"]), done(2));
    assert.match(await s.query("SELECT p, q FROM c"), /"values":\[\[1,2\]\]/);
  }
});

Deno.test("Store.apply refuses the largest row id of the statement that gives it, failed or not, and of no other", async () => {
  const refused = failed(
    "Row id 9223372036854775807 is refused: behind it SQLite draws row ids at random, " +
      "differently on every node",
  );
  const insert = (way: string) => `INSERT ${way} INTO t VALUES (9223372036854775807, 5), (2, 1)`;
  for (const transaction of [false, true]) {
    for (const way of ["OR ABORT", "OR FAIL", "OR ROLLBACK"]) {
      await using s = await TestStore.open();
      const { entries: e } = s;
      await s.execute([
        "CREATE TABLE t (id INTEGER PRIMARY KEY, u UNIQUE)",
        "INSERT INTO t VALUES (1, 1)",
      ]);
      const answers = await s.apply(
        e.execute([insert(way)], { transaction }),
        e.execute(["INSERT INTO t VALUES (50, 50)"]),
        e.execute(["PRAGMA user_version = 1", insert(way), "INSERT INTO t VALUES (51, 51)"]),
        e.execute(["INSERT INTO t VALUES (52, 52)"]),
      );
      assert.deepEqual(
        answers,
        [refused, done(50), `${done(50)},${refused},${done(51)}`, done(52)],
        `${way}, transaction ${transaction}`,
      );
      assert.match(await s.query("SELECT id FROM t"), /\[\[1\],\[50\],\[51\],\[52\]\]/);
    }
  }
});

Deno.test("EntryApplier takes a full disk for an exhausted AUTOINCREMENT key in no statement but one that inserts there", async () => {
  const directory = await Deno.makeTempDir({ prefix: "raftlite-store-" });
  const connection = new WriteConnection(openLibrary(library), `${directory}/db.sqlite`, false);
  try {
    const entries = new Entries();
    const answers = new Answers(new SimulatedClock());
    const applier = new EntryApplier(connection, answers);
    const apply = (...statements: string[]) => {
      applier.apply([toBatchEntry(entries.execute(statements))], 0);
      return answers.take().map(text);
    };
    apply(
      "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v)",
      "CREATE TABLE u (v)",
      "INSERT INTO t (v) VALUES (1)",
      "UPDATE sqlite_sequence SET seq = 9223372036854775807",
      "CREATE TRIGGER g AFTER INSERT ON u WHEN new.v = 'key' BEGIN INSERT INTO t (v) VALUES (1); END",
    );
    const full = failed("database or disk is full");
    assert.deepEqual(apply("INSERT INTO t (v) VALUES (2)"), [full]);
    assert.deepEqual(apply("INSERT INTO u VALUES ('key')"), [full]);
    apply("DROP TRIGGER g");
    const pages = connection.own(() => connection.database.scalar("PRAGMA page_count"));
    connection.own(() => connection.database.exec(`PRAGMA max_page_count = ${pages}`));
    assert.throws(
      () => apply("INSERT INTO u VALUES (randomblob(100000))"),
      /cannot be written: database or disk is full/,
    );
  } finally {
    connection.close();
    await Deno.remove(directory, { recursive: true });
  }
});
