import { DenoClock } from "../../src/io/deno_clock.ts";
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { rightsOf } from "../../src/access/table_rights.ts";
import { Prng } from "../../src/base/prng.ts";
import { openLibrary } from "../../src/sqlite/mod.ts";
import { QuickWriter } from "../../src/store/apply/quick_writer.ts";
import type { ApplyEntry, SqlValue } from "../../src/store/types.ts";
import { LifeCycle } from "../../src/store/life_cycle.ts";
import { Writer } from "../../src/store/apply/writer.ts";
import { WorkerThreads } from "../../src/store/worker_threads.ts";
import { type Entries, library, openFiles, quickParts, TestStore, text } from "./fixture.ts";
import { PlainSqlite } from "./plain_sqlite.ts";
import { contents, entriesOf, type RandomRequest, requestsOf } from "./random_entries.ts";
import { seeds } from "./seeds.ts";

const opened = openLibrary(library);

/** A store's file with the writer's Worker and a quick writer at it, as the store has them. */
class Subject implements AsyncDisposable {
  readonly quick: QuickWriter;
  readonly life: LifeCycle;
  readonly #writer: Writer;
  #ended = false;
  /** Where the database is. */
  applied: number;
  /** As the writer has said. */
  schemaChanges = 0;

  private constructor(readonly s: TestStore, life: LifeCycle, writer: Writer, breakMs: number) {
    this.life = life;
    this.#writer = writer;
    this.quick = new QuickWriter(quickParts(s.path, true, life), breakMs);
    this.applied = s.entries.index;
  }

  static async open(breakMs: number, ...sql: string[]): Promise<Subject> {
    const s = await TestStore.open({ foreignKeys: true });
    if (sql.length > 0) await s.execute(sql);
    await s.store.close();
    const life = new LifeCycle();
    const writer = new Writer(life, new DenoClock(), new WorkerThreads(), {
      checkLoad: () => {},
      exchange: () => {},
      full: () => {},
      slow: () => {},
      ranUpkeep: () => {},
    });
    await writer.open(library, s.path, true);
    life.opened();
    return new Subject(s, life, writer, breakMs);
  }

  get entries(): Entries {
    return this.s.entries;
  }

  tryQuickly(...entries: ApplyEntry[]): string[] | undefined {
    const { applied: index, schemaChanges } = this;
    const result = this.quick.apply(entries, { index, schemaChanges });
    if (result !== undefined) this.applied = entries.at(-1)?.entry.index ?? this.applied;
    return result?.entries.map(({ answer }) => text(answer));
  }

  async byWriter(...entries: ApplyEntry[]): Promise<string[]> {
    const applied = await this.#writer.apply(entries);
    this.schemaChanges = applied.schemaChanges;
    this.applied = entries.at(-1)?.entry.index ?? this.applied;
    return applied.entries.map(({ answer }) => text(answer));
  }

  /** The next entry, by the quick writer, or else by the writer: what it answered, and whose answer it is. */
  async execute(sql: string, positional: readonly SqlValue[] = []): Promise<[string, boolean]> {
    const entry = this.entries.execute([{ sql, positional }]);
    const quick = this.tryQuickly(entry);
    const [answer = ""] = quick ?? await this.byWriter(entry);
    return [answer, quick !== undefined];
  }

  /** Nothing here writes any more. */
  async #end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.life.close(() => this.#writer.letGo());
  }

  /** The database as an ordinary store sees it. */
  async reopened(): Promise<TestStore> {
    await this.#end();
    return await TestStore.open({ foreignKeys: true, directory: this.s.directory });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
    await Deno.remove(this.s.directory, { recursive: true });
  }
}

Deno.test("QuickWriter and the writer taking turns answer as SQLite itself does", async () => {
  for (const seed of seeds()) {
    const random = new Prng(seed);
    const requests = requestsOf(random, 500);
    const entries = entriesOf(requests);
    await using subject = await Subject.open(0);
    using sqlite = new PlainSqlite(opened);
    let quickly = 0;
    for (let at = 0; at < entries.length;) {
      const batch = entries.slice(at, at + 1 + random.below(random.chance(0.7) ? 1 : 5));
      const quick = random.chance(0.8) ? subject.tryQuickly(...batch) : undefined;
      if (quick !== undefined) quickly++;
      const answers = quick ?? await subject.byWriter(...batch);
      answers.forEach((answer, i) => {
        const request = requests[at + i] as RandomRequest;
        assert.deepEqual(
          JSON.parse(`[${answer}]`),
          sqlite.run(request),
          `seed ${seed}, entry ${at + i + 1}, ${quick ? "quick" : "writer"}: ${
            JSON.stringify(request)
          }`,
        );
      });
      at += batch.length;
    }
    const turns = await subject.reopened();
    await using alone = await TestStore.open({ foreignKeys: true });
    await alone.apply(...entries.map((entry) => ({ ...entry, answer: undefined })));
    assert.equal(await contents(turns), await contents(alone), `seed ${seed}`);
    await turns.store.close();
    assert(quickly > 20, `seed ${seed}: ${quickly} batches only`);
  }
});

Deno.test("QuickWriter applies plain changes, and the next one goes on from the writer's", async () => {
  await using subject = await Subject.open(
    0,
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE, at DEFAULT CURRENT_TIMESTAMP, x DEFAULT (random()))",
    "CREATE TABLE log (v)",
    "CREATE TRIGGER noted AFTER INSERT ON t BEGIN INSERT INTO log VALUES (last_insert_rowid()); END",
  );
  const plain: [string, SqlValue[]?][] = [
    ["INSERT INTO t (v) VALUES (?)", ["a"]],
    ["INSERT INTO t (v) VALUES (?), (?) RETURNING id, v", ["b", 2n ** 60n]],
    ["INSERT INTO t (v) VALUES ('a') ON CONFLICT (v) DO UPDATE SET v = upper(v)"],
    ["UPDATE t SET v = v || 1 WHERE id = 2"],
    ["DELETE FROM t WHERE id = 3"],
    ["INSERT INTO t (v) SELECT v || id FROM t WHERE id < 3"],
    ["DELETE FROM log"],
  ];
  for (const [sql, positional] of plain) {
    assert.equal((await subject.execute(sql, positional))[1], true, sql);
  }
  assert.equal((await subject.execute("ALTER TABLE t ADD COLUMN more DEFAULT 'new'"))[1], false);
  const [answer, quick] = await subject.execute(
    "INSERT INTO t (v) VALUES ('z') RETURNING id, more",
  );
  assert.equal(quick, true);
  assert.match(answer, /\[\[5,"new"\]\]/);
});

Deno.test("QuickWriter leaves to the writer what fails, or could take long", async () => {
  const numbers = (count: number) =>
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i FROM n`;
  await using subject = await Subject.open(
    0,
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE)",
    "CREATE TABLE big (id INTEGER PRIMARY KEY, v)",
    `INSERT INTO big (v) ${numbers(5000)}`,
    "CREATE VIRTUAL TABLE f USING fts5(v)",
    "INSERT INTO t VALUES (1, 'one')",
  );
  const others: [string, SqlValue[]?][] = [
    ["INSERT INTO t (v) VALUES ('one')"],
    ["INSERT INTO missing VALUES (1)"],
    ["INSERT INTO t VALUES (2, (SELECT count(*) FROM big))"],
    [`INSERT INTO t (v) ${numbers(3000)}`],
    ["DELETE FROM big"],
    ["UPDATE t SET v = 'x' WHERE v LIKE '%e'"],
    ["INSERT INTO t (v) VALUES (randomblob(100000))"],
    ["INSERT INTO t (v) VALUES (?)", ["long".repeat(2000)]],
    ["INSERT INTO f VALUES ('words')"],
    ["CREATE INDEX i ON big (v)"],
    ["PRAGMA user_version = 7"],
    ["VACUUM"],
    ["ANALYZE"],
    ["INSERT INTO sqlite_stat1 VALUES ('t', NULL, '1')"],
    ["INSERT INTO t (v) VALUES (changes())"],
  ];
  for (const [sql, positional] of others) {
    assert.equal((await subject.execute(sql, positional))[1], false, sql);
    assert.equal((await subject.execute("UPDATE t SET v = v WHERE id = 1"))[1], true, sql);
  }
});

Deno.test("QuickWriter applies all of a batch or nothing", async () => {
  await using subject = await Subject.open(0, "CREATE TABLE t (id INTEGER PRIMARY KEY)");
  const { entries } = subject;
  const batch = [
    entries.execute(["INSERT INTO t VALUES (1)"]),
    entries.execute(["INSERT INTO t VALUES (1)"]),
  ];
  assert.equal(subject.tryQuickly(...batch), undefined);
  assert.match((await subject.byWriter(...batch)).join(), /rows_affected":1.*UNIQUE constraint/);
  const [rows, quick] = await subject.execute(
    "INSERT INTO t SELECT max(id) + 1 FROM t RETURNING id",
  );
  assert.deepEqual([JSON.parse(rows).values, quick], [[[2]], true]);
});

Deno.test("QuickWriter applies little that nobody waits for, and much only if it wrote last; and nothing for a while after what was not for it", async () => {
  await using subject = await Subject.open(60_000, "CREATE TABLE t (id INTEGER PRIMARY KEY)");
  const unawaited = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({
      ...subject.entries.execute([`INSERT INTO t VALUES (${from + i})`]),
      answer: undefined,
    }));
  const many = unawaited(1000, 33);
  assert.equal(subject.tryQuickly(...many), undefined);
  await subject.byWriter(...many);
  assert.notEqual(subject.tryQuickly(...unawaited(2000, 32)), undefined);
  assert.notEqual(subject.tryQuickly(...unawaited(3000, 33)), undefined, "It has the database now");
  assert.equal((await subject.execute("SELECT count(*) FROM t"))[1], false);
  assert.equal((await subject.execute("INSERT INTO t VALUES (2)"))[1], false);
});

Deno.test("QuickWriter keeps no hold of the file while it is exchanged", async () => {
  await using subject = await Subject.open(0, "CREATE TABLE t (id INTEGER PRIMARY KEY)");
  assert.equal((await subject.execute("INSERT INTO t VALUES (1)"))[1], true);
  const entry = subject.entries.execute(["INSERT INTO t VALUES (2)"]);
  const held = openFiles(subject.s.path);
  await subject.life.exchange(() => {
    assert.equal(subject.tryQuickly(entry), undefined);
    if (held !== undefined) assert(Number(openFiles(subject.s.path)) < held);
    return Promise.resolve();
  });
  assert.notEqual(subject.tryQuickly(entry), undefined);
  // The store opens and closes the file, which needs it for itself to empty the WAL.
  const store = await subject.reopened();
  assert.equal(
    await store.query("SELECT count(*) FROM t"),
    '{"columns":["count(*)"],"types":["integer"],"values":[[2]]}',
  );
  await store.store.close();
});

/** The salt of a WAL, another one each time it is started anew: https://www.sqlite.org/walformat.html */
function walSalt(path: string): number {
  using file = Deno.openSync(`${path}-wal`);
  const header = new Uint8Array(32);
  return file.readSync(header) === 32 ? new DataView(header.buffer).getUint32(16) : 0;
}

Deno.test("Store.apply starts the WAL anew again and again under a steady load of small writes", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
  const salts = new Set<number>();
  const largeBytes = 100_000_000;
  let size = 0;
  for (let i = 0, slow = 0; salts.size < 4; i++) {
    await s.execute([{ sql: "INSERT INTO t (v) VALUES (?)", positional: ["v".repeat(3000)] }]);
    // As in a node, where each batch comes by an event: else no Worker would be heard. On a busy
    // machine it may take seconds until one runs at all: the load is steady then, but less.
    if (size < largeBytes) await new Promise((resolve) => setImmediate(resolve));
    else await new Promise((resolve) => setTimeout(resolve, 1));
    if (size < largeBytes && i % 50 !== 0) continue;
    salts.add(walSalt(s.path));
    size = Deno.statSync(`${s.path}-wal`).size;
    if (salts.size > 1 || size < largeBytes) continue;
    assert.ok(slow++ < 60_000, `WAL has ${size} bytes, and never started anew`);
  }
});

Deno.test("Store.apply has the writer start a WAL anew, which takes a sync", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
  const byMainThread = async () => {
    const before = await s.store.status();
    await s.execute(["INSERT INTO t (v) VALUES (1)"]);
    const after = await s.store.status();
    return after.batchesApplied.mainThread !== before.batchesApplied.mainThread;
  };
  assert.equal(await byMainThread(), true);
  await s.store.checkpoint();
  const salt = walSalt(s.path);
  assert.equal(await byMainThread(), false);
  assert.notEqual(walSalt(s.path), salt);
  assert.equal(await byMainThread(), true);
});

Deno.test("a quick writer applies what rights by table allow, and leaves to the writer what they do not", async () => {
  const tables = { read: ["a", "same"], write: ["a", "same"] };
  const rights = rightsOf({ username: "bob", tables });
  const schema = [
    "CREATE TABLE a (x, y)",
    "CREATE TABLE same (x, y)",
    "CREATE TABLE secret (x, y)",
    "INSERT INTO secret VALUES ('classified', 1)",
  ];
  await using subject = await Subject.open(0, ...schema);
  const refusal = /access to secret is prohibited: user \\"bob\\" may not read it/;
  const execute = async (sql: string): Promise<[boolean, string]> => {
    const entry = subject.entries.execute([sql], { rights });
    const quick = subject.tryQuickly(entry);
    const [answer = ""] = quick ?? await subject.byWriter(entry);
    return [quick !== undefined, answer];
  };
  for (const time of ["first", "kept"]) {
    for (const sql of ["INSERT INTO a VALUES (1, 2)", "UPDATE a SET x = x + 1 WHERE y = 2"]) {
      const [quick, answer] = await execute(sql);
      assert.ok(quick, `${sql}, ${time}: ${answer}`);
    }
  }
  for (
    const sql of [
      "INSERT INTO same SELECT * FROM secret",
      "INSERT INTO a (x) SELECT x FROM (SELECT 'guess' AS x) FULL JOIN secret USING (x)",
    ]
  ) {
    const [quick, answer] = await execute(sql);
    assert.deepEqual([quick, refusal.test(answer)], [false, true], answer);
  }
  // A schema that takes long to look through is the writer's.
  const many = Array.from({ length: 500 }, (_, i) => `CREATE TABLE many${i} (x)`);
  await subject.byWriter(subject.entries.execute(many));
  const [quick, answer] = await execute("INSERT INTO a VALUES (1, 2)");
  assert.deepEqual([quick, /error/.test(answer)], [false, false], answer);
});
