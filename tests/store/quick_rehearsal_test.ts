import assert from "node:assert/strict";
import { InvariantError } from "../../src/base/assert.ts";
import { Database, type Library } from "../../src/sqlite/mod.ts";
import { QuickWriter } from "../../src/store/apply/quick_writer.ts";
import { WriteConnection } from "../../src/store/apply/write_connection.ts";
import { scriptOf } from "../../src/store/codec/script_codec.ts";
import { LifeCycle } from "../../src/store/life_cycle.ts";
import { withDirectory } from "../directory.ts";
import { Entries, library, quickParts, stepOf } from "./fixture.ts";

/** SQLITE_IOERR and SQLITE_IOERR_FSYNC. */
const [broken, unsynced] = [10, 1034];

/** The main thread's writer alone at a database, over an SQLite that fails when told to. */
class Subject implements Disposable {
  readonly life = new LifeCycle();
  readonly entries = new Entries();
  readonly quick: QuickWriter;
  readonly changesPath: string;
  failures: Error[] = [];
  /** Whether reads and writes may be tried. */
  isOn = true;
  /** What SQLite says of each step and exec; undefined where it works. */
  fails: number | undefined;

  constructor(directory: string) {
    const path = `${directory}/db.sqlite`;
    const connection = new WriteConnection(library, path, false);
    connection.own(() => connection.database.exec("CREATE TABLE t (v)"));
    connection.close();
    this.changesPath = `${path}-changes`;
    const quickSwitch = { isOn: () => this.isOn, took: () => {} };
    const parts = { ...quickParts(path, false, this.life), library: this.#failing(), quickSwitch };
    const changes = { path: this.changesPath, bytesMax: 1e6, held: true };
    this.quick = new QuickWriter(parts, 0, changes);
    this.life.hold({ fail: (error) => void this.failures.push(error) });
    this.life.opened();
  }

  #failing(): Library {
    const { sqlite3_step } = library.symbols;
    const step: typeof sqlite3_step = (statement) => this.fails ?? sqlite3_step(statement);
    return { ...library, symbols: { ...library.symbols, sqlite3_step: step } };
  }

  get base() {
    return { index: this.entries.index, schemaChanges: 0 };
  }

  /** What comes of one step of a transaction. */
  rehearse(sql: string): string | undefined {
    const script = scriptOf([stepOf(sql)]);
    const steps = { id: 1, done: 0, count: 1, script, rights: undefined, foreignKeys: false };
    return this.quick.rehearse(steps, this.base)?.type;
  }

  /** Whether the next entry is applied here. */
  apply(sql: string): boolean {
    const { base } = this;
    return this.quick.apply([this.entries.execute([sql])], base) !== undefined;
  }

  [Symbol.dispose](): void {
    this.fails = undefined;
    this.quick.release();
  }
}

const withSubject = (body: (s: Subject) => void | Promise<void>) =>
  withDirectory(async (directory) => {
    using s = new Subject(directory);
    await body(s);
  });

Deno.test("a transaction is rehearsed on the main thread only where that may be tried, and while the file is there", () =>
  withSubject(async (s) => {
    const insert = "INSERT INTO t VALUES (1)";
    assert.equal(s.rehearse(insert), "same");
    s.isOn = false;
    assert.equal(s.rehearse(insert), undefined);
    s.isOn = true;
    await s.life.exchange(() => {
      assert.equal(s.rehearse(insert), undefined);
      return Promise.resolve();
    });
    assert.equal(s.rehearse(insert), "same");
    assert.equal(s.rehearse(`INSERT INTO t VALUES ('${"x".repeat(0x1_0000)}')`), "needs_alone");
    assert.equal(s.quick.rehearsed, 1, "What was open before is so still");
  }));

Deno.test("a transaction that cannot be rehearsed here is the writer's, and the connection is closed", () =>
  withSubject((s) => {
    assert.equal(s.rehearse("INSERT INTO t VALUES (1)"), "same");
    const { size } = library.connections;
    s.fails = broken;
    assert.equal(s.rehearse("INSERT INTO t VALUES (1)"), "needs_alone");
    assert.equal(s.quick.rehearsed, undefined);
    assert.ok(library.connections.size < size);
    assert.deepEqual(s.failures, []);
    s.fails = undefined;
    assert.equal(s.rehearse("INSERT INTO t VALUES (1)"), "same");
  }));

Deno.test("a connection that cannot take back what was rehearsed is not used again", () =>
  withSubject((s) => {
    assert.equal(s.rehearse("INSERT INTO t VALUES (1)"), "same");
    const { size } = library.connections;
    s.fails = broken;
    s.quick.giveUp();
    assert.ok(library.connections.size < size);
    s.fails = undefined;
    assert.equal(s.rehearse("INSERT INTO t VALUES (1)"), "same");
  }));

Deno.test("a sync that fails, or what must not be, ends the store whose main thread meets it", () =>
  withSubject((s) => {
    assert.ok(s.apply("INSERT INTO t VALUES (1)"));
    s.fails = unsynced;
    assert.ok(!s.apply("INSERT INTO t VALUES (2)"));
    assert.match(s.failures[0]?.message ?? "", /takes no more writes: it could not be synced/);
  }));

Deno.test("an entry of an earlier term than what is applied ends the store, and changes nothing", () =>
  withSubject((s) => {
    s.entries.term = 2;
    assert.ok(s.apply("INSERT INTO t VALUES (1)"));
    s.entries.term = 1;
    assert.ok(!s.apply("INSERT INTO t VALUES (2)"));
    assert.ok(s.failures[0] instanceof InvariantError);
  }));

Deno.test("more entries than are over in a moment are the writer's, however small", () =>
  withSubject((s) => {
    const { base } = s;
    const entries = Array.from({ length: 257 }, () => s.entries.noop());
    assert.equal(s.quick.apply(entries, base), undefined);
    assert.equal(s.quick.apply(entries.slice(0, 256), base)?.entries.length, 256);
  }));

Deno.test("what is rehearsed is recorded as no change, and what is applied behind it is", () =>
  withSubject((s) => {
    const chunks = () => {
      using changes = new Database(s.changesPath, { library, readonly: true });
      return changes.scalar("SELECT count(*) FROM chunk");
    };
    assert.equal(s.rehearse("INSERT INTO t VALUES (1)"), "same");
    s.quick.giveUp();
    assert.ok(s.apply("SELECT 1"));
    assert.equal(chunks(), 0);
    assert.equal(s.rehearse("INSERT INTO t VALUES (1)"), "same");
    s.quick.giveUp();
    assert.ok(s.apply("INSERT INTO t VALUES (2)"));
    assert.equal(chunks(), 1);
  }));
