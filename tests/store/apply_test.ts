import assert from "node:assert/strict";
import { checksum } from "../../src/base/checksum.ts";
import { SqlReal } from "../../src/store/types.ts";
import { withDirectory } from "../directory.ts";
import { Entries, sqlite3, TestStore, text } from "./fixture.ts";

const done = (id: number, rows = 1) => `{"last_insert_id":${id},"rows_affected":${rows}}`;
const failed = (message: string) => JSON.stringify({ error: message });

Deno.test("foreign keys are enforced as each entry's leader did, whatever this node was started with", async () => {
  const schema = [
    "CREATE TABLE p (id INTEGER PRIMARY KEY)",
    "CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p (id) ON DELETE CASCADE)",
    "INSERT INTO p VALUES (1)",
    "INSERT INTO c VALUES (1, 1)",
  ];
  const contents: string[] = [];
  for (const foreignKeys of [false, true]) {
    for (const together of [false, true]) {
      await using s = await TestStore.open({ foreignKeys }, new Entries(false));
      const made = [s.entries.execute([...schema, "INSERT INTO c VALUES (2, 99)"])];
      s.entries.foreignKeys = true;
      made.push(s.entries.execute(["INSERT INTO c VALUES (3, 99)"]));
      made.push(s.entries.execute(["PRAGMA foreign_keys = ON", "DELETE FROM p WHERE id = 1"]));
      s.entries.foreignKeys = false;
      made.push(s.entries.noop());
      made.push(s.entries.execute(["INSERT INTO c VALUES (4, 99)"], { transaction: true }));
      const answers = [];
      if (together) answers.push(...await s.apply(...made));
      else for (const entry of made) answers.push(...await s.apply(entry));
      contents.push(answers.join("\n") + await s.query("SELECT * FROM c"));
    }
  }
  assert.match(contents[0] ?? "", /FOREIGN KEY constraint failed/);
  assert.match(contents[0] ?? "", /"values":\[\[2,99\],\[4,99\]\]/);
  for (const other of contents) assert.equal(other, contents[0]);
});

Deno.test("Store.apply answers entry by entry, and readers see the effects", async () => {
  await using s = await TestStore.open();
  const { entries: e } = s;
  assert.deepEqual(
    await s.apply(
      e.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)"]),
      e.noop(),
      e.execute([{ sql: "INSERT INTO t (v) VALUES (?)", positional: ["a<b"] }]),
      e.execute(["INSERT INTO nope VALUES (1)"]),
      e.execute(["", "SELECT 1", "UPDATE t SET v = 'c'", "DELETE FROM t WHERE id = 9"]),
    ),
    [
      "{}",
      "undefined",
      done(1),
      failed("no such table: nope"),
      `${done(1)},${done(1)},{"last_insert_id":1}`,
    ],
  );
  assert.deepEqual(s.store.applied, { index: 5, term: 1 });
  assert.equal(
    await s.query("SELECT * FROM t"),
    '{"columns":["id","v"],"types":["integer","text"],"values":[[1,"c"]]}',
  );
});

Deno.test("Store.apply keeps the entries around one that rolls its transaction back", async () => {
  await using s = await TestStore.open();
  const { entries: e } = s;
  await s.execute([
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE)",
    "CREATE TRIGGER g BEFORE INSERT ON t WHEN NEW.v = 'no' BEGIN SELECT RAISE(ROLLBACK, 'not so'); END",
  ]);
  assert.deepEqual(
    await s.apply(
      e.execute(["INSERT INTO t (v) VALUES (1)"]),
      e.execute(["INSERT INTO t (v) VALUES (2)", "INSERT OR ROLLBACK INTO t (v) VALUES (1)"]),
      e.execute(["INSERT INTO t (v) VALUES (3)", "INSERT INTO t (v) VALUES ('no')"]),
      e.execute(["INSERT INTO t (v) VALUES (4)", "INSERT INTO t (v) VALUES ('no')"], {
        transaction: true,
      }),
      e.execute(["INSERT INTO t (v) VALUES (5)"]),
    ),
    [
      done(1),
      `${done(2)},${failed("UNIQUE constraint failed: t.v")}`,
      `${done(3)},${failed("not so")}`,
      `${done(4)},${failed("not so")}`,
      done(4),
    ],
  );
  assert.match(await s.query("SELECT v FROM t"), /\[\[1\],\[2\],\[3\],\[5\]\]/);
});

Deno.test("Store.apply runs VACUUM and PRAGMA in the middle of a batch, and of an entry", async () => {
  await using s = await TestStore.open();
  const { entries: e } = s;
  assert.deepEqual(
    await s.apply(
      e.execute(["CREATE TABLE t (v)"]),
      e.execute(["INSERT INTO t VALUES (1)"]),
      e.execute(["VACUUM"]),
      e.execute([
        "INSERT INTO t VALUES (2); VACUUM; INSERT INTO t VALUES (3)",
        "PRAGMA user_version = 7",
        {
          sql: "INSERT INTO t VALUES (?); PRAGMA application_id = 5; INSERT INTO t VALUES (?)",
          positional: [4, 5],
        },
      ]),
      e.execute(["INSERT INTO t VALUES (6)", "VACUUM"], { transaction: true }),
      e.execute(["INSERT INTO t VALUES (7)"]),
    ),
    [
      "{}",
      done(1),
      done(1),
      `${done(3)},${done(3)},${done(5)}`,
      `${done(6)},${failed("cannot VACUUM from within a transaction")}`,
      done(6),
    ],
  );
  assert.match(await s.query("SELECT v FROM t"), /\[\[1\],\[2\],\[3\],\[4\],\[5\],\[7\]\]/);
  assert.match(await s.query("PRAGMA user_version"), /\[\[7\]\]/);
});

Deno.test("Store.apply keeps what came before an error where ON CONFLICT FAIL says so", async () => {
  await using s = await TestStore.open();
  const { entries: e } = s;
  await s.execute(["CREATE TABLE t (v UNIQUE)", "INSERT INTO t VALUES (3)"]);
  const [alone, inTransaction] = await s.apply(
    e.execute(["INSERT OR FAIL INTO t VALUES (1), (2), (3), (4)"]),
    e.execute(["INSERT OR FAIL INTO t VALUES (8), (9), (3)"], { transaction: true }),
  );
  assert.equal(alone, failed("UNIQUE constraint failed: t.v"));
  assert.equal(inTransaction, failed("UNIQUE constraint failed: t.v"));
  assert.match(await s.query("SELECT v FROM t ORDER BY v"), /\[\[1\],\[2\],\[3\]\]/);
});

Deno.test("Store.apply checks deferred foreign keys at the end of each statement or transaction", async () => {
  await using s = await TestStore.open({ foreignKeys: true });
  const { entries: e } = s;
  await s.execute([
    "CREATE TABLE p (id INTEGER PRIMARY KEY)",
    "CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
  ]);
  const error = failed("FOREIGN KEY constraint failed");
  assert.deepEqual(
    await s.apply(
      e.execute(["INSERT INTO p VALUES (1)"]),
      e.execute(["INSERT INTO c VALUES (2)", "INSERT INTO p VALUES (3)"]),
      e.execute(["INSERT INTO c VALUES (2)", "INSERT INTO p VALUES (2)"], { transaction: true }),
      e.execute(["INSERT INTO c VALUES (9)", "INSERT INTO p VALUES (8)"], { transaction: true }),
      e.execute(["INSERT INTO p VALUES (4)"]),
    ),
    [done(1), `${error},${done(3)}`, `${done(1)},${done(2)}`, error, done(4)],
  );
  assert.match(await s.query("SELECT id FROM p"), /\[\[1\],\[2\],\[3\],\[4\]\]/);
  assert.match(await s.query("SELECT p FROM c"), /\[\[2\]\]/);
});

Deno.test("Store.apply gives clock and randomness of the entry, statement by statement", async () => {
  const run = async () => {
    await using s = await TestStore.open();
    await s.execute([
      "CREATE TABLE t (at DEFAULT CURRENT_TIMESTAMP, r DEFAULT (random()), b DEFAULT (randomblob(4)))",
    ]);
    await s.execute([
      "INSERT INTO t DEFAULT VALUES",
      "INSERT INTO t DEFAULT VALUES",
      "INSERT INTO t (at) SELECT datetime('now', 'localtime')",
    ]);
    await s.execute([
      "CREATE TABLE o AS SELECT value FROM json_each('[1,2,3,4,5,6,7]') ORDER BY random()",
    ]);
    return await s.query("SELECT at, r, hex(b) FROM t") + await s.query("SELECT value FROM o");
  };
  const first = await run();
  assert.equal(await run(), first);
  assert.equal(new Set(first.match(/-?\d{15,}/g)).size, 3);
  assert.equal(first.match(/2023-11-14 22:13:22/g)?.length, 3);
});

Deno.test("Store.apply runs several statements of a text, and answers with the last one's result", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v)"]);
  assert.equal(
    await s.execute([{
      sql: "INSERT INTO t VALUES (?); INSERT INTO t VALUES (?), (?)",
      positional: [1, 2, 3],
    }]),
    done(3, 2),
  );
  assert.equal(await s.execute(["INSERT INTO t VALUES (4); -- c"]), "{}");
  assert.equal(await s.execute([" ", ";", "-- c", "/* c */"]), "{},{},{},{}");
  assert.equal(
    await s.execute(["INSERT INTO t VALUES (5); INSERT INTO nope VALUES (1); DELETE FROM t"]),
    failed("no such table: nope"),
  );
  assert.match(await s.query("SELECT count(*) FROM t"), /\[\[5\]\]/);
});

Deno.test("Store.apply binds by position and by name", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (a, b, c)"]);
  const put = (statement: Parameters<typeof s.execute>[0][0]) => s.execute([statement]);
  const values = [null, 2n ** 62n, new SqlReal(1)];
  assert.equal(await put({ sql: "INSERT INTO t VALUES (?, ?, ?)", positional: values }), done(1));
  const named = new Map([["a", 1], ["b", 2], ["z", 3]]);
  assert.equal(await put({ sql: "INSERT INTO t VALUES (:a, @b, $c)", named }), done(2));
  assert.equal(
    await put({ sql: "INSERT INTO t VALUES (?, ?, ?)", positional: [1, 2] }),
    failed("not enough args to execute query: want 3 got 2"),
  );
  assert.match(
    await s.query("SELECT a, b, typeof(b), typeof(c) FROM t"),
    /\[\[null,4611686018427387904,"integer","real"\],\[1,2,"integer","null"\]\]/,
  );
});

Deno.test("Store.apply answers a unified request with rows where it reads", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
  assert.equal(
    await s.execute([
      "INSERT INTO t (v) VALUES (1)",
      "SELECT * FROM t",
      "INSERT INTO t (v) VALUES (2) RETURNING id, v",
      "SELECT * FROM nope",
    ], { unified: true }),
    `${done(1)},` +
      '{"columns":["id","v"],"types":["integer","integer"],"values":[[1,1]]},' +
      '{"columns":["id","v"],"types":["integer","integer"],"values":[[2,2]]},' +
      failed("no such table: nope"),
  );
  assert.equal(
    await s.execute(["INSERT INTO t (v) VALUES (3)", "SELECT * FROM nope"], {
      unified: true,
      transaction: true,
    }),
    `${done(3)},${failed("no such table: nope")}`,
  );
  assert.match(await s.query("SELECT count(*) FROM t"), /\[\[2\]\]/);
});

Deno.test("Store.apply refuses what would break replication, saying what to do instead", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v)"]);
  const cases: [sql: string, advice: RegExp][] = [
    ["BEGIN", /transaction parameter/],
    ["COMMIT", /transaction parameter/],
    ["SAVEPOINT x", /transaction parameter/],
    ["ATTACH 'x' AS y", /backup/],
    ["VACUUM INTO '/tmp/raftlite-should-not-exist'", /backup/],
    ["PRAGMA journal_mode = DELETE", /refused/],
    ["PRAGMA legacy_alter_table = ON", /within its request/],
    ["PRAGMA recursive_triggers = ON", /one connection/],
    ["PRAGMA writable_schema = ON", /refused/],
    ["CREATE TABLE c AS SELECT cache_size FROM pragma_cache_size", /one node/],
    ["CREATE TABLE c AS SELECT data_version FROM pragma_data_version", /one node/],
    ["CREATE TABLE c AS SELECT * FROM pragma_optimize", /one node/],
    ["SELECT load_extension('x')", /load_extension/],
    ["SELECT fts3_tokenizer('simple')", /address/],
    ["SELECT FTS3_TOKENIZER('simple', zeroblob(8))", /address/],
    ["INSERT INTO t SELECT sqlite_version()", /different versions/],
    ["INSERT INTO t SELECT sqlite_source_id()", /different versions/],
    ["INSERT INTO t SELECT sqlite_compileoption_get(1)", /different builds/],
    ["INSERT INTO t SELECT sqlite_compileoption_used('X')", /different builds/],
    ["CREATE TEMP TABLE x (y)", /not replicated/],
    ["CREATE TABLE temp.t (y)", /not replicated/],
    ["CREATE TABLE temp.t AS SELECT 1", /not replicated/],
    ["CREATE VIEW temp.t AS SELECT 1", /not replicated/],
    ["CREATE VIRTUAL TABLE temp.t USING fts5(y)", /not replicated/],
    ["CREATE TRIGGER temp.g AFTER INSERT ON t BEGIN SELECT 1; END", /not replicated/],
    ["CREATE TEMP TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END", /not replicated/],
    ["INSERT INTO temp.sqlite_schema VALUES ('table', 't', 't', 0, '')", /not replicated/],
    ["UPDATE sqlite_raft SET applied_index = 1", /bookkeeping/],
    ["CREATE TABLE c AS SELECT applied_index FROM sqlite_raft", /bookkeeping/],
    ["DROP TABLE sqlite_raft", /may not be dropped|bookkeeping/],
  ];
  for (const [sql, advice] of cases) {
    const answer = await s.execute([sql]);
    assert.match(answer, /^\{"error":/, sql);
    assert.match(answer, advice, sql);
  }
  assert.equal(
    await s.execute(["ALTER TABLE t RENAME COLUMN v TO w", "INSERT INTO t VALUES (1)"]),
    `{},${done(1)}`,
  );
  await assert.rejects(Deno.stat("/tmp/raftlite-should-not-exist"));
  assert.match(await s.query("SELECT applied_index FROM sqlite_raft"), /\[\[32\]\]/);
});

Deno.test("Store refuses tables of one node's file in writes, and addresses of its process in reads", async () => {
  await using s = await TestStore.open();
  const { compileOptions: options } = await s.store.status();
  if (options.includes("ENABLE_DBSTAT_VTAB")) {
    const copy = "CREATE TABLE c AS SELECT pgsize FROM dbstat";
    assert.match(await s.execute([copy]), /dbstat is refused: .*this node's file/);
    const other = "CREATE VIRTUAL TABLE d USING dbstat(main)";
    assert.match(await s.execute([other]), /dbstat is refused: .*this node's file/);
    assert.doesNotMatch(await s.query("SELECT pgsize FROM dbstat"), /error/);
  }
  assert.doesNotMatch(await s.query("SELECT sqlite_version()"), /error/);
  assert.match(await s.query("SELECT fts3_tokenizer(?)", ["simple"]), /refused: .*address/);
});

Deno.test("Store.apply lets a client's own PRAGMA ask for what may not be stored", async () => {
  await using s = await TestStore.open();
  assert.match(
    await s.execute(["PRAGMA cache_size"], { unified: true }),
    /"values":\[\[-\d+\]\]/,
  );
  for (const sql of ["PRAGMA journal_mode", "PRAGMA foreign_keys = off", "PRAGMA shrink_memory"]) {
    assert.equal(await s.execute([sql]), "{}", sql);
  }
});

Deno.test("Store.apply runs virtual tables that use PRAGMAs of their own", async () => {
  await using s = await TestStore.open();
  assert.doesNotMatch(
    await s.execute([
      "CREATE VIRTUAL TABLE boxes USING rtree(id, low, high)",
      "CREATE VIRTUAL TABLE shapes USING geopoly(name)",
      "CREATE VIRTUAL TABLE old USING fts4(text)",
      "CREATE VIRTUAL TABLE texts USING fts5(text)",
    ]),
    /error/,
  );
  await s.execute(["INSERT INTO texts VALUES ('one two'), ('three')"]);
  assert.equal(
    await s.execute(["DELETE FROM texts WHERE rowid IN (SELECT rowid FROM texts('two'))"]),
    '{"last_insert_id":2,"rows_affected":1}',
  );
  await s.execute(["INSERT INTO old VALUES ('(one OR two) three')"]);
  assert.match(await s.query("SELECT text FROM old WHERE old MATCH '(one OR x) three'"), /three/);
  assert.match(await s.execute(["PRAGMA integrity_check"], { unified: true }), /"ok"/);
});

Deno.test("Store.apply optimizes every table, whichever its connection has queried", async () => {
  await using s = await TestStore.open();
  const rows = (count: number) =>
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) ` +
    "INSERT INTO t SELECT i FROM n";
  await s.execute(["CREATE TABLE t (v)", "CREATE INDEX i ON t (v)", rows(10), "ANALYZE"]);
  await s.execute([rows(2000)]);
  // A new connection has queried nothing yet.
  await s.restart();
  assert.match(await s.execute(["PRAGMA optimize"]), /^\{"last_insert_id":/);
  assert.match(await s.query("SELECT tbl, idx, stat FROM sqlite_stat1"), /"i","20\d\d 1"/);
});

Deno.test("Store.apply ends an endless write after its time limit's worth of work", async () => {
  await using s = await TestStore.open();
  const { entries: e } = s;
  const endless = "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) " +
    "SELECT i FROM n WHERE i < 0";
  assert.deepEqual(
    await s.apply(
      e.execute(["CREATE TABLE t (v)", "INSERT INTO t VALUES (1)"]),
      e.execute([endless, "INSERT INTO t VALUES (2)"], { timeoutMs: 20 }),
      e.execute(["INSERT INTO t VALUES (3)", endless], { timeoutMs: 20, transaction: true }),
      e.execute(["INSERT INTO t VALUES (4)"]),
    ),
    [
      `{},${done(1)}`,
      `${failed("execute timeout")},${done(2)}`,
      `${done(3)},${failed("execute timeout")}`,
      done(3),
    ],
  );
});

Deno.test("Store.apply refuses the row id behind which SQLite draws ids at random", async () => {
  await using s = await TestStore.open();
  const { entries: e } = s;
  const [, one, all, after] = await s.apply(
    e.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]),
    e.execute(["INSERT INTO t VALUES (9223372036854775807, 1)"]),
    e.execute(["INSERT INTO t (v) VALUES (2)", "INSERT INTO t VALUES (9223372036854775807, 3)"], {
      transaction: true,
    }),
    e.execute(["INSERT INTO t (v) VALUES (4)"]),
  );
  assert.match(one ?? "", /^\{"error":"Row id 9223372036854775807 is refused/);
  assert.match(all ?? "", /,\{"error":"Row id/);
  assert.equal(after, done(1));
  assert.match(await s.query("SELECT id, v FROM t"), /\[\[1,4\]\]/);
});

Deno.test("Store.apply makes an exhausted AUTOINCREMENT key the statement's error", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v)"]);
  await s.execute(["INSERT INTO t (v) VALUES (1)"]);
  await s.execute(["UPDATE sqlite_sequence SET seq = 9223372036854775807"]);
  assert.equal(
    await s.execute(["INSERT INTO t (v) VALUES (2)"]),
    failed("database or disk is full"),
  );
  assert.equal(await s.execute(["DELETE FROM t"]), done(1));
});

Deno.test("Store.apply says duplicate for a request applied before, also after a restart", async () => {
  await using s = await TestStore.open();
  const { entries: e } = s;
  const insert = (sequence: number, floor = 1) =>
    e.execute(["INSERT INTO t VALUES (1)"], { request: { origin: 99n, sequence, floor } });
  await s.execute(["CREATE TABLE t (v)"]);
  assert.deepEqual(await s.apply(insert(1), insert(2), insert(1)), [done(1), done(2), "duplicate"]);
  await s.restart();
  assert.deepEqual(await s.apply(insert(2), insert(3)), ["duplicate", done(3)]);
  assert.deepEqual(await s.apply(insert(9, 8), insert(5, 1)), [done(4), "duplicate"]);
  assert.match(await s.query("SELECT count(*) FROM t"), /\[\[4\]\]/);
});

Deno.test("Store.apply remembers a request whose batch was rolled back and applied again", async () => {
  await using s = await TestStore.open();
  const { entries: e } = s;
  const request = (sequence: number) => ({ request: { origin: 1n, sequence, floor: 1 } });
  await s.execute(["CREATE TABLE t (v UNIQUE)", "INSERT INTO t VALUES (1)"]);
  assert.deepEqual(
    await s.apply(
      e.execute(["INSERT INTO t VALUES (2)"], request(1)),
      e.execute(["INSERT OR ROLLBACK INTO t VALUES (1)"], request(2)),
      e.execute(["INSERT INTO t VALUES (3)"], request(1)),
      e.execute(["INSERT INTO t VALUES (3)"], request(2)),
      e.execute(["INSERT INTO t VALUES (3)"], request(3)),
    ),
    [done(2), failed("UNIQUE constraint failed: t.v"), "duplicate", "duplicate", done(3)],
  );
});

Deno.test("Store.apply stops the store at an entry that was damaged, and applies none of it", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v)"]);
  const good = s.entries.execute(["INSERT INTO t VALUES (1)"]);
  const data = good.entry.data.slice();
  data[data.length - 9] = (data[data.length - 9] ?? 0) ^ 4;
  const damaged = { ...good, entry: { ...good.entry, data } };
  await assert.rejects(s.store.apply([damaged]), /Entry 2 \(term 1\) is damaged/);
  await assert.rejects(s.store.failed, /damaged/);
  await assert.rejects(s.store.apply([good]), /damaged/);
  await assert.rejects(s.query("SELECT 1"), /damaged/);
  await s.restart();
  assert.equal(await s.query("SELECT v FROM t"), '{"columns":["v"],"types":[""]}');
  assert.deepEqual((await s.store.apply([good])).map(({ answer }) => text(answer)), [done(1)]);
});

Deno.test("Store.apply stops the store at a damaged stamp, and at a command of a newer version", async () => {
  const stamp = (data: Uint8Array) => data[3] = (data[3] ?? 0) ^ 1;
  const version = (data: Uint8Array) => {
    data[16 + 4] = 4;
    new DataView(data.buffer, data.byteOffset).setUint32(16, checksum(data.subarray(20)), true);
  };
  for (
    const [change, summed, why] of [
      [stamp, false, /Entry 1 \(term 1\) is damaged/],
      [
        version,
        true,
        /Entry 1 \(term 1\) cannot be applied.* its command has version 4 and type 1/,
      ],
    ] as const
  ) {
    await using s = await TestStore.open();
    const good = s.entries.execute(["CREATE TABLE t (some, columns, here)"]).entry;
    const data = good.data.slice();
    change(data);
    const entry = { ...good, data, checksum: summed ? checksum(data) : good.checksum };
    await assert.rejects(s.store.apply([{ entry, answer: undefined }]), why);
  }
});

Deno.test("Store.apply gives a command that was damaged before it was appended an error for its result", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v)"]);
  const good = s.entries.execute(["INSERT INTO t VALUES ('some text')"]);
  const data = good.entry.data.slice();
  data[60] = (data[60] ?? 0) ^ 1;
  const damaged = { ...good, entry: { ...good.entry, data, checksum: checksum(data) } };
  const next = s.entries.execute(["INSERT INTO t VALUES (2)"]);
  const [first, second] = await s.apply(damaged, next);
  assert.match(
    first ?? "",
    /^\{"error":"The write was damaged on its way to the leader, and was not done: /,
  );
  assert.equal(second, done(1));
  await s.restart();
  assert.match(await s.query("SELECT v FROM t"), /"values":\[\[2\]\]/);
});

Deno.test("Store.apply lets changes() be seen by a trigger that came after its statement was prepared", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v)", "CREATE TABLE log (c)"]);
  const insert = "INSERT INTO t VALUES (1)";
  await s.execute([insert]);
  await s.execute([
    "CREATE TRIGGER g BEFORE INSERT ON t BEGIN INSERT INTO log VALUES (changes()); END",
  ]);
  await s.execute(["UPDATE t SET v = 2", "INSERT INTO t SELECT v FROM t", "UPDATE t SET v = 3"]);
  await s.execute([insert]);
  assert.match(await s.query("SELECT c FROM log"), /\[\[1\],\[2\]\]/);
});

Deno.test("Store.apply stops the store at an entry that is not the next one", async () => {
  await using s = await TestStore.open();
  s.entries.index = 4;
  await assert.rejects(
    s.store.apply([s.entries.execute(["CREATE TABLE t (v)"])]),
    /Entry 5 cannot be applied: the next one is 1/,
  );
});

Deno.test("Store.apply numbers rows, changes and connection state the same in any batching and after restarts", async () => {
  const script = (e: Entries) => [
    e.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)", "CREATE TABLE log (a, b, c)"]),
    e.execute(["INSERT INTO t (v) VALUES (1), (2), (3)"]),
    e.execute(["SELECT changes(), total_changes(), last_insert_rowid()"], { unified: true }),
    e.execute(["INSERT INTO log VALUES (changes(), total_changes(), last_insert_rowid())"]),
    e.execute(["PRAGMA user_version = 1"]),
    e.execute(["INSERT INTO log VALUES (changes(), total_changes(), last_insert_rowid())"]),
    e.execute(["UPDATE t SET v = 0 WHERE id > 1", "CREATE TABLE x (y)"]),
    e.execute(["INSERT INTO log VALUES (changes(), total_changes(), last_insert_rowid())"]),
    e.execute(["CREATE INDEX i ON t (v)"]),
  ];
  await using together = await TestStore.open();
  const answers = await together.apply(...script(together.entries));
  assert.match(answers[2] ?? "", /\[\[3,3,3\]\]/);
  assert.match(
    await together.query("SELECT * FROM log"),
    /\[\[3,3,3\],\[1,4,1\],\[2,7,2\]\]/,
  );
  await using apart = await TestStore.open();
  const single: string[] = [];
  for (const entry of script(apart.entries)) {
    single.push(...await apart.apply(entry));
    await apart.restart();
  }
  assert.deepEqual(single, answers);
  assert.equal(await apart.query("SELECT * FROM log"), await together.query("SELECT * FROM log"));
});

Deno.test("Store.apply goes on within an entry whose first statements were committed before a crash", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v, r DEFAULT (random()))"]);
  const first = "INSERT INTO t (v) VALUES (?); ";
  const statements = [
    "INSERT INTO t (v) VALUES ('done')",
    { sql: `${first}INSERT INTO t (v) VALUES (?)`, positional: ["also done", "to do"] },
    "INSERT INTO t (v) VALUES ('last')",
  ];
  const request = { origin: 1n, sequence: 1, floor: 1 };
  const entry = s.entries.execute(statements, { request });
  const resume = `UPDATE sqlite_raft SET resume_statement = 1, resume_offset = ${first.length}, ` +
    "resume_parameter = 1, resume_counter = 2";
  await s.edit((path) => assert.equal(sqlite3(path, resume), ""));
  await s.restart();
  assert.deepEqual(await s.apply(entry), [`${done(1)},${done(2)}`]);
  assert.match(await s.query("SELECT v FROM t"), /\[\["to do"\],\["last"\]\]/);
  const randoms = await s.query("SELECT r FROM t");
  assert.deepEqual(s.store.applied, { index: 2, term: 1 });
  assert.match(
    await s.query("SELECT resume_statement + resume_counter FROM sqlite_raft"),
    /\[\[0\]\]/,
  );

  await using whole = await TestStore.open();
  await whole.apply(...[
    new Entries().execute(["CREATE TABLE t (v, r DEFAULT (random()))"]),
    entry,
  ]);
  assert.equal(await whole.query("SELECT r FROM t WHERE rowid > 2"), randoms);
});

Deno.test("openStore hides its own tables from tools, and names a damaged file", async () => {
  const s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v)"]);
  await s.store.close();
  assert.equal(sqlite3(s.path, ".tables"), "t\n");
  assert.equal(sqlite3(s.path, "PRAGMA integrity_check"), "ok\n");
  await Deno.writeFile(s.path, new Uint8Array(8192).fill(7));
  await assert.rejects(
    TestStore.open({ directory: s.directory }),
    new RegExp(`Database ${s.path} cannot be used: .*backup`),
  );
  await Deno.remove(s.directory, { recursive: true });
});

Deno.test("openStore takes no file that another program has made, and leaves it as it is", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/db.sqlite`;
    sqlite3(path, "CREATE TABLE t (v); INSERT INTO t VALUES (1)");
    const content = await Deno.readFile(path);
    await assert.rejects(
      TestStore.open({ directory }),
      new RegExp(
        `Database ${path} cannot be used: another program has made it\\. Move it away, .*load`,
      ),
    );
    assert.deepEqual(await Deno.readFile(path), content);
    // One without tables may be what a node has left that was killed at its first start.
    sqlite3(path, "DROP TABLE t");
    const s = await TestStore.open({ directory });
    await s.execute(["CREATE TABLE u (v)"]);
    await s.store.close();
  }));

Deno.test("Store.apply says duplicate for, and loads pieces of, entries whose leader enforced foreign keys otherwise", async () => {
  await using s = await TestStore.open();
  const { entries: e } = s;
  await s.execute(["CREATE TABLE t (v)"]);
  const insert = () =>
    e.execute(["INSERT INTO t VALUES (1)"], { request: { origin: 7n, sequence: 1, floor: 1 } });
  const first = insert();
  e.foreignKeys = true;
  const again = insert();
  e.foreignKeys = false;
  const before = e.execute(["INSERT INTO t VALUES (2)"]);
  e.foreignKeys = true;
  const bytes = new Uint8Array(100);
  const piece = e.command({ type: "load_chunk", loadId: 1n, offset: 0, bytes, request: undefined });
  assert.deepEqual(await s.apply(first, again, before, piece), [done(1), "duplicate", done(2), ""]);
  assert.match(await s.query("SELECT count(*) FROM t"), /\[\[2\]\]/);
  assert.match(await s.query("SELECT length(bytes) FROM sqlite_raft_load"), /\[\[100\]\]/);
});

Deno.test("Store.apply knows changes() after a change of so many rows that nobody could repeat it", async () => {
  const rows = 1_000_000_000_000;
  await using s = await TestStore.open();
  await s.execute([
    "CREATE TABLE log (a, b, c)",
    "CREATE TABLE w (v)",
    "CREATE TRIGGER g AFTER INSERT ON w BEGIN INSERT INTO log (a) VALUES (changes()); " +
    "INSERT INTO log (b) SELECT 1 UNION ALL SELECT 2; INSERT INTO log (c) VALUES (changes()); END",
  ]);
  await s.edit((path) =>
    assert.equal(sqlite3(path, `UPDATE sqlite_raft SET changes = ${rows}`), "")
  );
  await s.restart();
  assert.match(await s.execute(["SELECT changes()"], { unified: true }), /\[\[1000000000000\]\]/);
  assert.equal(await s.execute(["INSERT INTO w VALUES (1), (2)"]), done(2, 2));
  assert.match(
    await s.query("SELECT a, c FROM log WHERE b IS NULL"),
    /\[\[1000000000000,null\],\[null,2\],\[1000000000000,null\],\[null,2\]\]/,
  );
  assert.match(await s.execute(["SELECT changes()"], { unified: true }), /\[\[2\]\]/);
});
