import { strict as assert } from "node:assert";
import { assertSameBytes } from "../base/long_bytes.ts";
import { sliceBytes } from "../../src/base/slices.ts";
import {
  decodeCommand,
  encodeCommand,
  encodeLongCommand,
  isLongCommand,
} from "../../src/store/codec/command_codec.ts";
import {
  joinStatements,
  plainStatements,
  sqlTexts,
} from "../../src/store/codec/statement_codec.ts";
import { type Command, EncodedStatements, SqlReal, type Statement } from "../../src/store/types.ts";
import { plain, stepOf, TestStore } from "./fixture.ts";

const decoder = new TextDecoder();

function turns() {
  const turns = { count: 0, next: () => (turns.count++, Promise.resolve()) };
  return turns;
}

const statements: Statement[] = [
  { sql: "SELECT 1" },
  { sql: "SELECT ?, ?", positional: [1, "ä"] },
  { sql: `SELECT '${"😀".repeat(sliceBytes)}'`, positional: [null, new SqlReal(2), 2n ** 60n] },
  // Cut in the middle of each character.
  { sql: `SELECT ' ${"😀".repeat(sliceBytes)}'` },
  { sql: "SELECT :a", named: new Map([["a", new Uint8Array(3 * sliceBytes).fill(7)]]) },
  { sql: "SELECT ?", positional: [-1, -(2 ** 53 - 1), 2 ** 53 - 1, 2 ** 32, -(2 ** 32), 0.5] },
];

Deno.test("joinStatements() encodes as encodeCommand() does, with pauses, whatever comes encoded", async () => {
  const joined = await joinStatements([statements], () => Promise.resolve());
  for (const cut of [0, 1, 3, 5, 6]) {
    const first = await joinStatements([statements.slice(0, cut)], () => Promise.resolve());
    const pauses = turns();
    const { bytes, length } = await joinStatements([first, statements.slice(cut)], pauses.next);
    assert.equal(length, statements.length);
    assertSameBytes(bytes, joined.bytes);
    assert(pauses.count >= 6, `${pauses.count} pauses for ${bytes.length} bytes`);
  }
  assert.deepEqual(
    [...sqlTexts(joined)].map((sql) => decoder.decode(sql)),
    statements.map((s) => s.sql),
  );
  assert.equal(plainStatements(joined).length, statements.length);
});

Deno.test("encodeLongCommand() makes the bytes of encodeCommand(), with pauses", async () => {
  const request = { origin: 5n, sequence: 7, floor: 3 };
  const execute: Command = {
    type: "execute",
    statements,
    transaction: true,
    unified: false,
    timeoutMs: 12,
    request,
  };
  const sql = new TextEncoder().encode(`SELECT '${"x".repeat(3 * sliceBytes)}'`);
  const joined = await joinStatements([statements], () => Promise.resolve());
  const commands: Command[] = [
    execute,
    { ...execute, statements: joined, request: undefined },
    { type: "load_sql", sql, request },
  ];
  for (const command of commands) {
    const pauses = turns();
    const bytes = await encodeLongCommand(command, pauses.next);
    assertSameBytes(bytes, encodeCommand(command));
    assert(isLongCommand(command));
    assert(pauses.count >= 2 * Math.floor(bytes.length / sliceBytes), `${pauses.count} pauses`);
    decodeCommand(bytes);
  }
});

Deno.test("isLongCommand() says of a long text, or many steps, that they are to be encoded with pauses", async () => {
  const step = stepOf(`SELECT '${"x".repeat(sliceBytes)}'`);
  const script: Command = { type: "script", steps: [step], request: undefined };
  assert(isLongCommand(script));
  assertSameBytes(await encodeLongCommand(script, turns().next), encodeCommand(script));
  const execute = { type: "execute", transaction: false, unified: false, timeoutMs: 0 } as const;
  const short = [{ sql: "SELECT 1" }];
  const commands: Command[] = [
    { ...script, steps: [stepOf("SELECT 1")] },
    { ...execute, statements: short, request: undefined },
    { ...execute, statements: await encoded(short), request: undefined },
    { type: "load_sql", sql: new Uint8Array(8), request: undefined },
    { type: "load_abort", loadId: 1n, request: undefined },
  ];
  for (const command of commands) assert(!isLongCommand(command), command.type);
});

/** Statements as a large request has them. */
async function encoded(list: readonly Statement[]): Promise<EncodedStatements> {
  return await joinStatements([list], () => Promise.resolve());
}

function read(s: TestStore, statements: EncodedStatements, timeoutMs = 0) {
  return s.store.read({ statements, format: plain, transaction: false, timeoutMs });
}

Deno.test("Store.read and inspect take statements that are encoded, however long", async () => {
  await using s = await TestStore.open();
  for (const length of [10, 300_000, 3_000_000]) {
    const long = "y".repeat(length);
    const list = [{ sql: "SELECT length(?)", positional: [long] }, {
      sql: `SELECT '${long}' = '' AS e`,
    }];
    const answers = await Promise.all(
      [1, 2, 3].map(async () => await read(s, await encoded(list))),
    );
    for (const answer of answers) {
      assert(answer instanceof Uint8Array);
      assert.match(decoder.decode(answer), new RegExp(`\\[\\[${length}\\]\\].*\\[\\[0\\]\\]`));
    }
    const verdicts = await s.store.inspect(
      await encoded([...list, { sql: `DROP TABLE t -- ${long}` }, { sql: "CREATE TABLE t (a)" }]),
    );
    assert.deepEqual(verdicts, [true, true, "no such table: t", false]);
  }
});

Deno.test("Store.read of large statements that no reader can begin in time says so", async () => {
  await using s = await TestStore.open({ readers: 1 });
  const endless =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
  const controller = new AbortController();
  const busy = s.store.read(
    { statements: [{ sql: endless }], format: plain, transaction: true, timeoutMs: 0 },
    () => controller.signal,
  );
  assert(busy instanceof Promise);
  busy.catch(() => {});
  const late = read(s, await encoded([{ sql: "SELECT ?", positional: ["z".repeat(300_000)] }]), 20);
  assert(late instanceof Promise);
  await assert.rejects(late, /could not begin within its db_timeout/);
  controller.abort();
  await assert.rejects(busy);
});

Deno.test("Store.apply keeps the order of batches when the first is long", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
  const entry = (v: string) =>
    s.entries.command({
      type: "execute",
      statements: [{ sql: "INSERT INTO t (v) VALUES (?)", positional: [v] }],
      transaction: false,
      unified: false,
      timeoutMs: 0,
      request: undefined,
    });
  const batches = ["a".repeat(5_000_000), "b", "c".repeat(2_000_000), "d"].map((v) => [entry(v)]);
  const applied = await Promise.all(batches.map((batch) => s.store.apply(batch)));
  assert.deepEqual(
    applied.map(([entry]) => /"last_insert_id":(\d)/.exec(String(entry?.answer))?.[1]),
    ["1", "2", "3", "4"],
  );
  const rows = await s.query("SELECT substr(v, 1, 1), length(v) FROM t ORDER BY id");
  assert.match(rows, /\[\["a",5000000\],\["b",1\],\["c",2000000\],\["d",1\]\]/);
});
