import assert from "node:assert/strict";
import type { AnswerFormat, Statement } from "../../src/store/types.ts";
import { plain, TestStore, text } from "./fixture.ts";

const typed: AnswerFormat = { ...plain, typed: true };

/** The results of statements that are written, as libSQL's clients get them. */
async function write(
  s: TestStore,
  statements: (string | Statement)[],
  format: Partial<AnswerFormat> = {},
): Promise<unknown[]> {
  const execute = {
    type: "execute",
    statements: statements.map((each) => typeof each === "string" ? { sql: each } : each),
    transaction: false,
    unified: false,
    timeoutMs: 0,
    request: undefined,
    rights: undefined,
    key: undefined,
  } as const;
  const entry = s.entries.command(execute, { ...typed, ...format });
  const [applied] = await s.store.apply([entry]);
  return JSON.parse(`[${text(applied?.answer ?? "")}]`);
}

async function read(
  s: TestStore,
  sql: string,
  format: Partial<AnswerFormat> = {},
): Promise<unknown> {
  return JSON.parse(await s.query(sql, [], { typed: true, ...format }));
}

const none = { affected_row_count: 0, last_insert_rowid: null };
const col = (name: string, decltype: string | null = null) => ({ name, decltype });

Deno.test("a typed answer has each value with its type, and integers that no JavaScript number holds", async () => {
  await using s = await TestStore.open();
  await s.execute([
    "CREATE TABLE t (i INTEGER, b BOOLEAN, d DATE, r REAL, v)",
    "INSERT INTO t VALUES (9223372036854775807, 1, '2024-01-02', 1.0, NULL)",
    "INSERT INTO t VALUES (-9007199254740993, 0, 1700000000, -0.5, x'00ff')",
  ]);
  const integer = (value: string) => ({ type: "integer", value });
  const expected = {
    cols: [col("i", "INTEGER"), col("b", "BOOLEAN"), col("d", "DATE"), col("r", "REAL"), col("v")],
    rows: [
      [
        integer("9223372036854775807"),
        integer("1"),
        { type: "text", value: "2024-01-02" },
        { type: "float", value: 1 },
        { type: "null" },
      ],
      [
        integer("-9007199254740993"),
        integer("0"),
        integer("1700000000"),
        { type: "float", value: -0.5 },
        { type: "blob", base64: "AP8" },
      ],
    ],
    ...none,
  };
  assert.deepEqual(await read(s, "SELECT * FROM t"), expected);
  // A statement that is prepared already, and one whose table has changed since.
  assert.deepEqual(await read(s, "SELECT * FROM t"), expected);
  await s.execute(["ALTER TABLE t ADD COLUMN e TEXT"]);
  const { cols } = await read(s, "SELECT * FROM t") as { cols: unknown[] };
  assert.deepEqual(cols.at(-1), col("e", "TEXT"));
  assert.deepEqual(await read(s, "SELECT i FROM t WHERE 0"), {
    cols: [col("i", "INTEGER")],
    rows: [],
    ...none,
  });
  assert.deepEqual(await read(s, "SELECT 9e999 AS x"), {
    cols: [col("x")],
    rows: [[{ type: "float", value: null }]],
    ...none,
  });
});

Deno.test("a typed answer tells how many rows a write changed, and the row id of those that insert", async () => {
  await using s = await TestStore.open();
  const results = await write(s, [
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE)",
    "INSERT INTO t VALUES (5000000000, 'a'), (5000000001, 'b')",
    "UPDATE t SET v = v || '!'",
    "INSERT OR IGNORE INTO t VALUES (5000000000, 'c')",
    "DELETE FROM t WHERE id = 5000000000",
  ]);
  const changed = (count: number, id: string | null) => ({
    cols: [],
    rows: [],
    affected_row_count: count,
    last_insert_rowid: id,
  });
  assert.deepEqual(results, [
    changed(0, null),
    changed(2, "5000000001"),
    changed(2, null),
    changed(0, "0"),
    changed(1, null),
  ]);
  assert.deepEqual(await read(s, "-- nothing"), { cols: [], rows: [], ...none });
  assert.deepEqual(await write(s, ["INSERT INTO t VALUES (7, 'd') RETURNING id, v"]), [{
    cols: [col("id", "INTEGER"), col("v")],
    rows: [[{ type: "integer", value: "7" }, { type: "text", value: "d" }]],
    affected_row_count: 1,
    last_insert_rowid: "7",
  }]);
});

Deno.test("a typed answer names SQLite's code of an error, and ends rows that one cut short", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v UNIQUE)", "INSERT INTO t VALUES (1), (2)"]);
  assert.deepEqual(await write(s, ["INSERT INTO t VALUES (1)", "SELEC"]), [
    { error: { message: "UNIQUE constraint failed: t.v", code: "SQLITE_CONSTRAINT_UNIQUE" } },
    { error: { message: 'near "SELEC": syntax error', code: "SQLITE_ERROR" } },
  ]);
  assert.deepEqual(await read(s, "SELECT * FROM missing"), {
    error: { message: "no such table: missing", code: "SQLITE_ERROR" },
  });
  const notText = "Column w holds text that is not UTF-8: cast it to a blob";
  for (
    const [last, message] of [
      ["abs(i - 9223372036854775807 - 3001)", "integer overflow"],
      ["iif(i < 3000, 'w', CAST(x'ff' AS TEXT))", notText],
    ]
  ) {
    // So much that rows are on their way when the last one fails, of which nothing stays.
    const cut = await read(
      s,
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) " +
        `SELECT i, printf('%.*c', 100, 'x'), ${last} AS w FROM n`,
    ) as { rows: { value: string }[][]; error: { message: string } };
    assert.deepEqual([cut.rows.length, cut.rows.at(-1)?.[0]?.value], [2999, "2999"]);
    assert.equal(cut.error.message, message);
  }
});

Deno.test("a statement that is described is not run", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)"]);
  const describes = { describes: true } as const;
  assert.deepEqual(await read(s, "SELECT id, v AS w FROM t WHERE id = ? AND v = :v", describes), {
    params: [{ name: null }, { name: ":v" }],
    cols: [col("id", "INTEGER"), col("w", "TEXT")],
    is_explain: false,
    is_readonly: true,
  });
  assert.deepEqual(await write(s, ["INSERT INTO t VALUES (1, 'a')"], describes), [
    { params: [], cols: [], is_explain: false, is_readonly: false },
  ]);
  assert.deepEqual(await read(s, "EXPLAIN DELETE FROM t", describes).then(explained), [true, true]);
  assert.match(JSON.stringify(await read(s, "-- nothing", describes)), /no statement to describe/);
  assert.match(await s.query("SELECT count(*) FROM t"), /\[\[0\]\]/);
});

function explained(description: unknown): boolean[] {
  const { is_explain, is_readonly } = description as Record<string, boolean>;
  return [is_explain ?? false, is_readonly ?? false];
}
