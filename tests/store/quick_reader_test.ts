import assert from "node:assert/strict";
import { LifeCycle } from "../../src/store/life_cycle.ts";
import { QuickReader } from "../../src/store/read/quick_reader.ts";
import { type AnswerFormat, SqlReal, type SqlValue } from "../../src/store/types.ts";
import { openFiles, plain, quickParts, TestStore, text } from "./fixture.ts";

/** A store's file, a quick reader of it, and the same question put to it and to the store's readers. */
class Subject implements AsyncDisposable {
  readonly quick: QuickReader;
  readonly life = new LifeCycle();

  private constructor(readonly s: TestStore) {
    this.quick = new QuickReader(quickParts(s.path, false, this.life));
    this.life.opened();
  }

  static async open(...sql: string[]): Promise<Subject> {
    const s = await TestStore.open();
    if (sql.length > 0) await s.execute(sql);
    return new Subject(s);
  }

  ask(sql: string, positional: readonly SqlValue[] = [], format: Partial<AnswerFormat> = {}) {
    const answer = this.quick.read({
      statements: [{ sql, positional }],
      transaction: false,
      format: { ...plain, ...format },
      timeoutMs: 0,
    });
    return answer && text(answer);
  }

  /** By a reader: `transaction` is none for the main thread. */
  async askReader(sql: string, positional: readonly SqlValue[], format: Partial<AnswerFormat>) {
    const answer = await this.s.read({
      statements: [{ sql, positional }],
      transaction: true,
      format: { ...plain, ...format },
      timeoutMs: 0,
    });
    return text(answer as Uint8Array);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.life.close(() => Promise.resolve());
    await this.s.close();
  }
}

const numbers = (count: number) =>
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i FROM n`;

Deno.test("QuickReader answers to the byte what a reader answers", async () => {
  await using subject = await Subject.open(
    "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, big INT, real REAL, raw BLOB, ok BOOLEAN, at DATETIME, any)",
    "INSERT INTO t VALUES (1, 'a<b', 9007199254740993, 1.0, x'00ff', 1, '2024-01-02 03:04:05', x'41')",
    "INSERT INTO t VALUES (2, NULL, -1, 1e300, NULL, 0, 0, 'text')",
    "CREATE VIEW v AS SELECT id, upper(name) AS loud FROM t",
  );
  const questions: [string, SqlValue[]?][] = [
    ["SELECT * FROM t WHERE id = 1"],
    ["SELECT * FROM t WHERE id = ?", [2]],
    ["SELECT * FROM t WHERE id = 3"],
    ["SELECT * FROM t ORDER BY id DESC LIMIT 5"],
    ["SELECT any, id + 1, real * 2 FROM t"],
    ["SELECT ?, ?, ?, ?", [1, new SqlReal(1), "ü\0x", new Uint8Array([1, 2])]],
    ["SELECT * FROM v"],
    ["SELECT sum(id), max(name), avg(real) FROM t GROUP BY ok"],
    ["SELECT t.id, u.id FROM t JOIN t AS u ON u.id <> t.id"],
    ["SELECT json_extract('{\"a\": [1]}', '$.a')"],
    ["SELECT strftime('%Y', at), typeof(any) FROM t WHERE ok"],
    ["SELECT value FROM json_each('[1, 2]')"],
    ["EXPLAIN QUERY PLAN SELECT * FROM t WHERE id = 1"],
  ];
  const formats = [{}, { associative: true }, { blobArray: true }, { qualifyColumns: true }, {
    unified: true,
  }];
  for (const format of formats) {
    for (const [sql, positional = []] of questions) {
      // Twice: the second answer comes from what was kept of the first.
      for (const time of ["first", "second"]) {
        assert.equal(
          subject.ask(sql, positional, format),
          await subject.askReader(sql, positional, format),
          `${sql} ${JSON.stringify(format)} ${time}`,
        );
      }
    }
  }
});

Deno.test("QuickReader sees each write, and each change of the schema", async () => {
  await using subject = await Subject.open("CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1)");
  const all = () => subject.ask("SELECT * FROM t");
  assert.equal(all(), '{"columns":["a"],"types":["int"],"values":[[1]]}');
  await subject.s.execute(["UPDATE t SET a = 2"]);
  assert.equal(all(), '{"columns":["a"],"types":["int"],"values":[[2]]}');
  await subject.s.execute(["ALTER TABLE t ADD COLUMN b TEXT DEFAULT 'x'"]);
  assert.equal(all(), '{"columns":["a","b"],"types":["int","text"],"values":[[2,"x"]]}');
});

Deno.test("QuickReader copes with a schema that takes longer to read than a statement may", async () => {
  const tables = Array.from({ length: 500 }, (_, i) => `CREATE TABLE t${i} (a, b, c)`);
  await using subject = await Subject.open(...tables);
  assert.notEqual(subject.ask("SELECT * FROM t1"), undefined);
  await subject.s.execute(["CREATE TABLE more (a)"]);
  for (const table of ["t1", "t2", "more"]) {
    // The first one finds the new schema, and leaves it read.
    subject.ask(`SELECT * FROM ${table}`);
    assert.notEqual(subject.ask(`SELECT * FROM ${table}`), undefined, table);
  }
});

Deno.test("QuickReader leaves to a reader what may take long, fails or writes", async () => {
  await using subject = await Subject.open(
    "CREATE TABLE t (a PRIMARY KEY, b)",
    "INSERT INTO t VALUES (1, zeroblob(70000))",
    "CREATE VIRTUAL TABLE f USING fts5 (a)",
    "CREATE VIEW hidden AS SELECT a LIKE '%x%' FROM t",
  );
  for (
    const sql of [
      "SELECT count(*) FROM t",
      "SELECT a FROM t WHERE a LIKE '%x%'",
      "SELECT a FROM t WHERE a GLOB '*x*'",
      "SELECT instr(a, 'x') FROM t",
      "SELECT replace(a, 'x', 'y') FROM t",
      "SELECT * FROM hidden",
      "SELECT b FROM t",
      "SELECT zeroblob(100000)",
      "SELECT randomblob(10)",
      "SELECT * FROM f",
      "SELECT * FROM pragma_integrity_check",
      "PRAGMA integrity_check",
      "PRAGMA user_version",
      "SELECT 1; SELECT 2",
      "SELECT nothing",
      "SELECT",
      "",
      " ",
      "BEGIN",
      "SAVEPOINT s",
      "ATTACH ':memory:' AS other",
      "INSERT INTO t VALUES (2, 2)",
      "SELECT * FROM t WHERE a = ?",
      `SELECT 1 -- ${"x".repeat(5000)}`,
      numbers(10_000),
      `SELECT * FROM (${numbers(2_000)}) ORDER BY 1`,
    ]
  ) {
    assert.equal(subject.ask(sql) || undefined, undefined, sql);
  }
  assert.equal(subject.ask("SELECT ?", ["x".repeat(5000)]), undefined);
  assert.equal(subject.ask("SELECT 7"), '{"columns":["7"],"types":["integer"],"values":[[7]]}');
});

Deno.test("QuickReader tries a statement that took too long again, now and then", async () => {
  await using subject = await Subject.open(
    "CREATE TABLE t (id INTEGER PRIMARY KEY, kind INT)",
    `INSERT INTO t ${numbers(5_000).replace("SELECT i FROM n", "SELECT i, i > 10 FROM n")}`,
    "CREATE INDEX t_kind ON t (kind)",
  );
  const ofKind = (kind: number) => subject.ask("SELECT id FROM t WHERE kind = ?", [kind]);
  assert.match(ofKind(0) ?? "", /"values":\[\[1\],/);
  assert.equal(ofKind(1), undefined);
  let passes = 0;
  while (ofKind(0) === undefined) assert(++passes < 100, "never tried again");
  assert(passes > 10, "tried again at once");
});

Deno.test("QuickReader lets a view that was made slow under it pass to a reader", async () => {
  await using subject = await Subject.open(
    "CREATE TABLE t (a)",
    "CREATE VIEW v AS SELECT a FROM t",
  );
  assert.notEqual(subject.ask("SELECT * FROM v"), undefined);
  await subject.s.execute(["DROP VIEW v", "CREATE VIEW v AS SELECT a LIKE '%a%' FROM t"]);
  assert.equal(subject.ask("SELECT * FROM v"), undefined);
});

Deno.test("QuickReader.inspect knows what is read-only, and leaves the rest to a reader", async () => {
  await using subject = await Subject.open("CREATE TABLE t (a)");
  const inspect = (...sql: string[]) => subject.quick.inspect(sql.map((each) => ({ sql: each })));
  assert.deepEqual(inspect("SELECT * FROM t", "SELECT 1"), [true, true]);
  assert.equal(inspect("SELECT * FROM t", "DELETE FROM t"), undefined);
  assert.equal(inspect("BEGIN"), undefined);
  assert.equal(inspect("SELECT nothing"), undefined);
  // There may be an index by now: its connection would have to look.
  assert.equal(inspect("REINDEX t"), undefined);
});

Deno.test("QuickReader keeps no hold of the file while it is exchanged", async () => {
  await using subject = await Subject.open("CREATE TABLE t (a)");
  assert.notEqual(subject.ask("SELECT * FROM t"), undefined);
  const held = openFiles(subject.s.path);
  await subject.life.exchange(() => {
    assert.equal(subject.ask("SELECT * FROM t"), undefined);
    if (held !== undefined) assert(Number(openFiles(subject.s.path)) < held);
    return Promise.resolve();
  });
  assert.notEqual(subject.ask("SELECT * FROM t"), undefined);
});
