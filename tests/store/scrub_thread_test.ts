import assert from "node:assert/strict";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { Database, locationOf } from "../../src/sqlite/mod.ts";
import { createRaftTables } from "../../src/store/apply/raft_table.ts";
import {
  type ScrubReply,
  type ScrubRequest,
  scrubThread,
} from "../../src/store/scrub/scrub_thread.ts";
import { ScrubWord } from "../../src/store/scrub/throttle.ts";
import type { CopyDigest, RowChunk } from "../../src/store/scrub_types.ts";
import { withDirectory } from "../directory.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { library } from "./fixture.ts";

/** Enough that SQLite looks at the word in the midst of it. */
const rows = 6_000;
const fill = (table: string) =>
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) ` +
  `INSERT INTO ${table} SELECT i, 'row ' || i FROM n`;

/** So much passes between two looks at it that whoever is throttled rests at each. */
class FastClock extends SimulatedClock {
  #looks = 0;

  override now(): number {
    return this.#looks++ * 1000;
  }
}

/** A database, and the thread that reads it; `rests` is called whenever that rests. */
function subject(path: string, schema: readonly string[]) {
  const database = new Database(path, { library });
  database.exec("PRAGMA journal_mode = WAL");
  createRaftTables(database);
  for (const sql of schema) database.exec(sql);
  const word = new Int32Array(new SharedArrayBuffer(4));
  let last: ScrubReply | undefined;
  const state = { rests: () => {} };
  const receive = scrubThread({
    clock: new FastClock(),
    disk: new DenoDisk(),
    openLibrary: () => library,
    post: (reply) => last = reply,
    wait: () => state.rests(),
  });
  const start = { type: "start", library: locationOf(library), path, share: 0.5 } as const;
  receive({ ...start, word: word.buffer });
  const ask = <Result>(request: ScrubRequest): Result => {
    receive({ type: "request", id: 1, request });
    assert.ok(last !== undefined);
    if (last.type === "failed") throw new Error(last.message);
    return last.value as Result;
  };
  return {
    database,
    state,
    ask,
    tell: (said: number) => void Atomics.store(word, 0, said),
    digest: (after = "") => ask<CopyDigest>({ type: "digest", after }),
    [Symbol.dispose]() {
      this.tell(ScrubWord.goOn);
      ask({ type: "end" });
      database.close();
    },
  };
}

const names = (tables: readonly { readonly name: string }[]) => tables.map(({ name }) => name);

Deno.test("copies that differ in a row differ in one chunk of its table, and in one row of that", () =>
  withDirectory((directory) => {
    const schema = ["CREATE TABLE t (id INTEGER PRIMARY KEY, v)", fill("t")];
    using one = subject(`${directory}/one`, schema);
    using other = subject(`${directory}/other`, [
      ...schema,
      "UPDATE t SET v = 'x' WHERE id = 3000",
    ]);
    const [left = [], right = []] = [one, other].map(({ ask, digest }) => {
      ask({ type: "hold" });
      digest();
      return ask<RowChunk[]>({ type: "chunks", table: "t" });
    });
    assert.equal(left.reduce((sum, chunk) => sum + chunk.rows, 0), rows);
    let from = 0;
    const differing = left.flatMap(({ rows: count, sum }, i) => {
      const at = from;
      from += count;
      return sum === right[i]?.sum ? [] : [{ at, count }];
    });
    assert.ok(left.length > 3 && differing.length === 1, JSON.stringify(differing));
    const [{ at, count } = { at: 0, count: 0 }] = differing;
    const [ours = [], theirs = []] = [one, other].map(({ ask }) =>
      ask<number[]>({ type: "rows", table: "t", from: at, count })
    );
    assert.deepEqual([ours.length, theirs.length], [count, count]);
    assert.deepEqual(ours.flatMap((sum, i) => sum === theirs[i] ? [] : [at + i + 1]), [3000]);
    assert.deepEqual(one.ask({ type: "chunks", table: "none" }), []);
    assert.throws(
      () => one.ask({ type: "rows", table: "none", from: 0, count: 1 }),
      /Table none was not read/,
    );
  }));

Deno.test("a copy that is not held is not read", () =>
  withDirectory((directory) => {
    using made = subject(`${directory}/db`, []);
    assert.throws(() => made.digest(), /The copy is held no more/);
    made.ask({ type: "hold" });
    assert.deepEqual(names(made.digest().tables), ["sqlite_schema"]);
    made.ask({ type: "end" });
    assert.throws(() => made.digest(), /The copy is held no more/);
  }));

Deno.test("a comparison that is cut short ends before its next table, and says so", () =>
  withDirectory((directory) => {
    using made = subject(`${directory}/db`, ["CREATE TABLE a (v)", "CREATE TABLE b (v)"]);
    made.ask({ type: "hold" });
    made.tell(ScrubWord.cutShort);
    const { tables, unread, complete, checked } = made.digest("sqlite_schema");
    assert.deepEqual([names(tables), unread, complete, checked], [["a"], [], false, false]);
  }));

Deno.test("a table that is cut short is begun with next time, and left out where it was the first", () =>
  withDirectory((directory) => {
    using made = subject(`${directory}/db`, [
      "CREATE TABLE a (v)",
      "CREATE TABLE b (id INTEGER PRIMARY KEY, v)",
      fill("b"),
    ]);
    made.ask({ type: "hold" });
    // The first two rests are before `a` and before `b`.
    let rests = 0;
    made.state.rests = () => ++rests > 2 && made.tell(ScrubWord.cutShort);
    const first = made.digest("sqlite_schema");
    assert.deepEqual([names(first.tables), first.unread, first.complete], [["a"], [], false]);
    const { tables, unread, complete } = made.digest("a");
    assert.deepEqual([names(tables), complete], [[], false]);
    assert.deepEqual(unread, [{
      name: "b",
      why: "too much was written meanwhile to hold it any longer",
      cutShort: true,
    }]);
  }));

Deno.test("SQLite's check is cut short in the midst of it, and a comparison had nothing else left", () =>
  withDirectory((directory) => {
    using made = subject(`${directory}/db`, [
      "CREATE TABLE t (id INTEGER PRIMARY KEY, v)",
      "CREATE INDEX tv ON t (v)",
      fill("t"),
    ]);
    made.ask({ type: "hold" });
    let rests = 0;
    made.state.rests = () => ++rests > 1 && made.tell(ScrubWord.cutShort);
    const { tables, damage, checked, complete } = made.digest("t");
    assert.ok(rests > 1);
    assert.deepEqual([tables, damage, checked, complete], [[], [], false, true]);
  }));

for (const [what, after] of Object.entries({ "a table": "sqlite_schema", "SQLite's check": "t" })) {
  Deno.test(`a copy whose database is taken away is read no further: ${what}`, () =>
    withDirectory((directory) => {
      using made = subject(`${directory}/db`, [
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v)",
        fill("t"),
      ]);
      made.ask({ type: "hold" });
      made.tell(ScrubWord.end);
      assert.throws(() => made.digest(after), /interrupted/);
    }));
}

Deno.test("a table that cannot be read is named as damaged, and all others are read", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/db`;
    {
      using made = subject(path, [
        "CREATE TABLE a (v)",
        "CREATE TABLE b (id INTEGER PRIMARY KEY, v)",
        "CREATE TABLE c (v)",
        fill("b"),
        "PRAGMA wal_checkpoint(TRUNCATE)",
      ]);
      const page = Number(
        made.database.scalar("SELECT rootpage FROM sqlite_schema WHERE name = 'b'"),
      );
      using file = await Deno.open(path, { write: true });
      await file.seek((page - 1) * 4096, Deno.SeekMode.Start);
      await file.write(new Uint8Array(4096).fill(0xee));
    }
    using made = subject(path, []);
    made.ask({ type: "hold" });
    const { tables, unread, damage, complete } = made.digest("sqlite_schema");
    assert.deepEqual([names(tables), names(unread), complete], [["a", "c"], ["b"], true]);
    assert.equal(unread[0]?.cutShort, false);
    assert.match(damage[0] ?? "", /^b: .*malformed \(SQLITE_CORRUPT/);
  }));
