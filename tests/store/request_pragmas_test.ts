import assert from "node:assert/strict";
import fc from "fast-check";
import { Database, openLibrary } from "../../src/sqlite/mod.ts";
import { isOn } from "../../src/sqlite/pragma_value.ts";
import { Entries, library, sqlite3, sqliteFile, TestStore } from "./fixture.ts";
import { schema } from "./migration_recipes.ts";

const failed = '{"error":"FOREIGN KEY constraint failed"}';
const orphan = "INSERT INTO books VALUES (30, 99)";
const books = "SELECT id FROM books";
const untouched = /\[\[10\],\[11\],\[20\]\]/;

async function opened(foreignKeys = true, leader = foreignKeys): Promise<TestStore> {
  const s = await TestStore.open({ foreignKeys }, new Entries(leader));
  await s.execute(schema);
  return s;
}

async function foreignKeysIn(s: TestStore): Promise<boolean[]> {
  const { foreignKeys: status } = await s.store.status();
  const read = await s.query("PRAGMA foreign_keys");
  const written = await s.execute(["PRAGMA foreign_keys"], { unified: true });
  return [status, /\[\[1\]\]/.test(read), /\[\[1\]\]/.test(written)];
}

Deno.test("isOn takes for on what SQLite does", () => {
  using database = new Database(":memory:", { library: openLibrary(library) });
  const number = fc.integer({ min: -1, max: 2 ** 33 });
  const value = fc.oneof(
    fc.constantFrom("on", "Yes", "TRUE", "off", "no", "false", "full", "extra", "", "0x", "1x"),
    number.map(String),
    number.map((n) => `0x${Math.abs(n).toString(16)}`),
    fc.constantFrom("00", "01", "256", "257", "0x100", "0x101", "0xg", "4294967297", "0000000001"),
    fc.string({
      unit: fc.constantFrom("0", "1", "x", "X", "f", "-", "+", ".", " "),
      maxLength: 12,
    }),
  );
  fc.assert(
    fc.property(value, (text) => {
      database.exec("PRAGMA foreign_keys = OFF");
      database.exec(`PRAGMA foreign_keys = '${text}'`);
      assert.equal(isOn(text), database.scalar("PRAGMA foreign_keys") === 1, text);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("PRAGMA foreign_keys holds up to the end of its request, however it is spelled", async () => {
  await using s = await opened();
  const spellings = [
    "PRAGMA foreign_keys=OFF",
    "pragma FOREIGN_KEYS(0)",
    "/* rebuild */ PRAGMA main.foreign_keys = 'no' -- done",
    'PRAGMA "foreign_keys" = "false";',
    "PRAGMA main . [foreign_keys] (off) ;",
  ];
  for (const sql of spellings) {
    for (const transaction of [false, true]) {
      const answer = await s.execute([sql, orphan, "DELETE FROM books WHERE id = 30"], {
        transaction,
      });
      assert.doesNotMatch(answer, /error/, sql);
      assert.equal(await s.execute([orphan]), failed, sql);
    }
  }
  const rest = ["PRAGMA foreign_keys", "PRAGMA foreign_keys = 1", "PRAGMA foreign_keys", orphan];
  assert.match(
    await s.execute(["PRAGMA foreign_keys = 0", ...rest], { unified: true }),
    /\[\[0\]\].*\[\[1\]\].*FOREIGN KEY constraint failed"\}$/,
  );
});

Deno.test("EXPLAIN of a PRAGMA, or one that is only prepared, sets nothing", async () => {
  await using s = await opened();
  const explained = ["EXPLAIN PRAGMA foreign_keys = OFF", "EXPLAIN PRAGMA legacy_alter_table = ON"];
  for (const transaction of [false, true]) {
    const answer = await s.execute([...explained, orphan], { transaction, unified: true });
    assert.ok(answer.endsWith(failed), answer);
  }
  assert.match(
    await s.execute(["PRAGMA legacy_alter_table"], { unified: true }),
    /\[\[0\]\]/,
  );
  await s.store.inspect([{ sql: "PRAGMA foreign_keys = OFF" }]);
  assert.deepEqual(await foreignKeysIn(s), [true, true, true]);
});

Deno.test("PRAGMA foreign_keys alone sets the cluster, before every leader's flag, over restart, snapshot and load", async () => {
  await using s = await opened(true);
  const e = s.entries;
  assert.doesNotMatch(
    await s.execute(["PRAGMA foreign_keys = OFF; -- for the migration\n ;"]),
    /error/,
  );
  assert.deepEqual(await foreignKeysIn(s), [false, false, false]);
  for (const leader of [true, false]) {
    e.foreignKeys = leader;
    assert.match(await s.execute([orphan]), /"rows_affected":1/);
    assert.match(await s.execute(["DELETE FROM books WHERE id = 30"]), /"rows_affected":1/);
  }
  await s.restart();
  assert.deepEqual(await foreignKeysIn(s), [false, false, false]);

  await using other = await TestStore.open({ foreignKeys: true });
  const snapshot = await s.store.openSnapshot();
  await other.store.installSnapshot(snapshot.body);
  await snapshot.close();
  other.entries.index = e.index;
  assert.deepEqual(await foreignKeysIn(other), [false, false, false]);

  const file = await sqliteFile(schema.slice(0, 2).join(";"));
  const answers = await s.apply(...e.load(file));
  assert.deepEqual(answers, ["", ""]);
  assert.deepEqual(await foreignKeysIn(s), [false, false, false]);
  assert.match(await s.execute([orphan]), /"rows_affected":1/);

  await s.execute(["PRAGMA foreign_keys = ON"], { transaction: true });
  assert.deepEqual(await foreignKeysIn(s), [true, true, true]);
  e.foreignKeys = false;
  assert.equal(await s.execute([orphan.replace("30", "31")]), failed);
  await s.execute(["PRAGMA foreign_keys = OFF", ";"]);
  assert.deepEqual(await foreignKeysIn(s), [true, true, true]);
});

Deno.test("PRAGMA foreign_keys = OFF in a transaction that has begun fails it, and ON is passed over", async () => {
  await using s = await opened();
  const drop = "DELETE FROM authors";
  for (
    const [statements, options] of [
      [["UPDATE authors SET name = 'x'", "PRAGMA foreign_keys = OFF", drop], { transaction: true }],
      [["BEGIN", "SELECT 1", "PRAGMA foreign_keys = OFF", drop, "COMMIT", drop], {}],
      [["BEGIN; SELECT 1; PRAGMA foreign_keys = OFF; DELETE FROM authors; COMMIT", drop], {}],
    ] as const
  ) {
    assert.match(await s.execute(statements, options), /put it before the other statements"\}$/);
    assert.match(await s.query("SELECT name FROM authors"), /\[\["one"\],\["two"\]\]/);
    assert.match(await s.query(books), untouched);
  }
  const around = ["PRAGMA foreign_keys = OFF", drop, "PRAGMA foreign_keys = ON", "SELECT 1"];
  assert.doesNotMatch(await s.execute(around, { transaction: true }), /error/);
  assert.match(await s.query(books), untouched);
  assert.equal(await s.execute([orphan]), failed);
});

Deno.test("Statements from BEGIN to COMMIT in one request are all done or none, and an error ends the request", async () => {
  await using s = await opened();
  const insert = (id: number) => `INSERT INTO authors VALUES (${id}, 'a')`;
  const ids = async () => (await s.query("SELECT id FROM authors")).match(/\[\[.*\]\]/)?.[0];
  const run = async (statements: readonly string[]) =>
    JSON.parse(`[${await s.execute(statements)}]`);

  assert.equal((await run([insert(3), "BEGIN", insert(4), "END", insert(5)])).length, 5);
  assert.equal(await ids(), "[[1],[2],[3],[4],[5]]");

  const cut = await run([insert(6), "BEGIN IMMEDIATE", insert(7), insert(1), "COMMIT", insert(8)]);
  assert.equal(cut.length, 4);
  assert.match(cut[3].error, /UNIQUE/);
  assert.equal(await ids(), "[[1],[2],[3],[4],[5],[6]]");

  await run(["BEGIN", insert(7), "ROLLBACK", insert(8)]);
  await run([`BEGIN; ${insert(9)}; COMMIT; ${insert(10)}`]);
  const [, open, ...more] = await run([insert(11), "BEGIN", insert(12)]);
  assert.match(open.error, /^BEGIN without a COMMIT .* refused/);
  assert.deepEqual(more, []);
  assert.equal(await ids(), "[[1],[2],[3],[4],[5],[6],[8],[9],[10],[11]]");

  const deferred = "INSERT INTO d VALUES (99)";
  await run(["CREATE TABLE d (a REFERENCES authors DEFERRABLE INITIALLY DEFERRED)"]);
  assert.deepEqual(
    (await run(["BEGIN", deferred, "COMMIT", insert(13)])).at(2),
    JSON.parse(failed),
  );
  const kept = await run(["BEGIN", deferred, insert(99), "COMMIT", "BEGIN", "BEGIN", insert(14)]);
  assert.match(kept.at(-1).error, /has begun already/);
  assert.equal(kept.length, 6);
  assert.match(await ids() ?? "", /\[11\],\[99\]\]$/);
});

Deno.test("A refused statement that says how others are to run ends its request", async () => {
  await using s = await opened();
  const drop = "DELETE FROM authors";
  const refused = [
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT x",
    "RELEASE x",
    "ROLLBACK TO x",
    "PRAGMA recursive_triggers = ON",
    "PRAGMA case_sensitive_like = 1",
    "PRAGMA writable_schema(1)",
  ];
  for (const sql of refused) {
    for (const statements of [[sql, drop], [`SELECT 1; ${sql}; ${drop}`, drop]]) {
      assert.match(await s.execute(statements), /^\{"error":"[^"]* refused[^"]*"\}$/, sql);
    }
  }
  assert.match(await s.query(books), untouched);
  assert.match(await s.execute(["PRAGMA cache_size = 9", "SELECT 1"]), /refused.*\},\{/);
});

Deno.test("A refused statement that says how others are to run ends no later request", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY)"]);
  const insert = "INSERT INTO t VALUES (1)";
  // The one that fails is kept from the first entry on, and so not prepared after the refusal.
  const answers = await s.apply(
    s.entries.execute([insert]),
    s.entries.execute(["PRAGMA recursive_triggers = ON"]),
    s.entries.execute([insert, "INSERT INTO t VALUES (2)"]),
  );
  assert.equal(
    answers[2],
    '{"error":"UNIQUE constraint failed: t.id"},{"last_insert_id":2,"rows_affected":1}',
  );
});

Deno.test("legacy_alter_table and defer_foreign_keys hold up to the end of their request", async () => {
  const rename = [
    "ALTER TABLE authors RENAME TO writers",
    "SELECT sql FROM sqlite_schema WHERE name = 'books'",
  ];
  for (const legacy of [true, false]) {
    await using s = await opened(false);
    const on = legacy ? ["PRAGMA legacy_alter_table = ON"] : [];
    const answer = await s.execute([...on, ...rename], { unified: true });
    assert.equal(/REFERENCES authors/.test(answer), legacy, answer);
    assert.match(await s.execute(["PRAGMA legacy_alter_table"], { unified: true }), /\[\[0\]\]/);
  }
  await using s = await opened();
  const swap = [
    "UPDATE books SET author_id = 3 WHERE id = 20",
    "INSERT INTO authors VALUES (3, '')",
  ];
  const defer = "PRAGMA defer_foreign_keys = ON";
  assert.ok((await s.execute(swap, { transaction: true })).endsWith(failed));
  assert.doesNotMatch(await s.execute([defer, ...swap], { transaction: true }), /error/);
  assert.match(await s.execute([defer, orphan, "SELECT 1"]), /FOREIGN KEY constraint failed/);

  await s.execute([
    "CREATE TABLE k (a REFERENCES authors ON DELETE RESTRICT)",
    "INSERT INTO k VALUES (1)",
  ]);
  const replace = "INSERT OR REPLACE INTO authors VALUES (1, 'new')";
  assert.equal(await s.execute([replace]), failed);
  assert.doesNotMatch(await s.execute([defer, "SELECT 1", "SELECT 2", replace]), /error/);
  assert.equal(await s.execute([replace]), failed);
});

Deno.test("PRAGMA foreign_key_check in a request tells what a migration has left", async () => {
  await using s = await opened();
  for (const transaction of [true, false]) {
    const answer = await s.execute(
      [
        "PRAGMA foreign_keys = OFF",
        orphan,
        "PRAGMA foreign_key_check",
        "DELETE FROM books WHERE id = 30",
      ],
      { transaction, unified: true },
    );
    assert.match(answer, /\[\["books",30,"authors",0\]\]/);
  }
});

Deno.test("A request goes on behind a crash with what its PRAGMAs had set", async () => {
  const statements = [
    "PRAGMA legacy_alter_table = ON",
    "PRAGMA foreign_keys = OFF",
    "ALTER TABLE authors RENAME TO writers",
    "DELETE FROM writers",
  ];
  const contents =
    "SELECT sql, (SELECT count(*) FROM books), (SELECT count(*) FROM writers) FROM sqlite_schema WHERE name = 'books'";
  await using whole = await opened();
  const entry = whole.entries.execute(statements);
  await whole.apply(entry);
  const expected = await whole.query(contents);
  assert.match(expected, /REFERENCES authors.*,3,0\]/);

  await using s = await opened();
  const table = "CREATE TABLE sqlite_raft_pragma(id INTEGER PRIMARY KEY, foreign_keys INTEGER, " +
    "request_foreign_keys INTEGER, request_defer_foreign_keys INTEGER, request_legacy_alter_table INTEGER)";
  const made = "PRAGMA writable_schema = ON; " + table.replace("sqlite_raft_pragma", "made") +
    "; " +
    `UPDATE sqlite_schema SET name = 'sqlite_raft_pragma', tbl_name = 'sqlite_raft_pragma', sql = '${table}' WHERE name = 'made'; ` +
    "PRAGMA writable_schema = RESET; INSERT INTO sqlite_raft_pragma VALUES (1, NULL, 0, 0, 1); " +
    "UPDATE sqlite_raft SET resume_statement = 2, resume_counter = 2";
  await s.edit((path) => assert.equal(sqlite3(path, made), ""));
  await s.restart();
  await s.apply(entry);
  s.entries.index = entry.entry.index;
  assert.equal(await s.query(contents), expected);
  assert.match(await s.execute(["PRAGMA legacy_alter_table"], { unified: true }), /\[\[0\]\]/);
  assert.deepEqual(await foreignKeysIn(s), [true, true, true]);
});
