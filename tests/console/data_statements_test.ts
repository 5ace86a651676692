import assert from "node:assert/strict";
import type { Results, Statement } from "../../console/api/client.ts";
import { parseExact, stringifyExact } from "../../console/api/exact.ts";
import type { Column, Structure } from "../../console/data/schema.ts";
import {
  deleteStatement,
  type Filter,
  insertStatement,
  keyOf,
  pageStatement,
  rowStatement,
  type Sorting,
  type StoredRow,
  storedRows,
  updateStatement,
} from "../../console/data/statements.ts";
import { Cluster, type NodeProcess } from "../cluster/harness.ts";

function structure(
  name: string,
  columns: readonly string[],
  keys: readonly string[] = [],
): Structure {
  const all = columns.map((column): Column => ({
    name: column,
    type: "",
    notNull: false,
    defaultSql: undefined,
    keyPlace: keys.indexOf(column) + 1,
    isGenerated: false,
  }));
  return {
    relation: { name, kind: "table", columns: columns.length, withoutRowid: keys.length > 0 },
    columns: all,
    ...{ foreignKeys: [], referredBy: [], indexes: [], statements: [], triggers: [] },
  };
}

async function send(node: NodeProcess, route: string, statement: Statement): Promise<Results> {
  const { body } = await node.fetch(`${route}?blob_array`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: stringifyExact([statement]),
  });
  const answer = parseExact(body) as Results;
  assert.equal(answer.results[0]?.error, undefined, String(statement[0]));
  return answer;
}

async function rowsFor(node: NodeProcess, table: Structure, statement: Statement) {
  const { results: [result] } = await send(node, "/db/query", statement);
  return storedRows(result?.values ?? [], keyOf(table)?.length ?? 0);
}

async function allPages(
  node: NodeProcess,
  table: Structure,
  sorting: Sorting | undefined,
  filters: readonly Filter[] = [],
): Promise<StoredRow[]> {
  const all: StoredRow[] = [];
  for (let page = 0;; page++) {
    const asked = { structure: table, sorting, filters, after: all.at(-1), page };
    const rows = await rowsFor(node, table, pageStatement(asked));
    all.push(...rows);
    if (rows.length < 200) return all;
  }
}

Deno.test("pages of a table give each row once, in order, whatever it is sorted by and holds", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  // Every type, many that are equal, none at all, and values longer than a page shows.
  const values = `CASE n % 9 WHEN 0 THEN NULL WHEN 1 THEN n % 7 WHEN 2 THEN n % 5 + 0.5
    WHEN 3 THEN 'X''00''' WHEN 4 THEN printf('%.500c%d', 'x', n % 3) WHEN 5 THEN zeroblob(600 + n % 2)
    WHEN 6 THEN '' WHEN 7 THEN 9007199254740993 ELSE x'' END`;
  const numbers = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 850)";
  await node.execute([
    "CREATE TABLE a (v)",
    `INSERT INTO a ${numbers} SELECT ${values} FROM s`,
    "CREATE TABLE b (k TEXT, l, v, PRIMARY KEY (k, l)) WITHOUT ROWID",
    `INSERT INTO b ${numbers} SELECT CASE n % 2 WHEN 0 THEN 'X''ff''' ELSE n % 4 END, n, ${values} FROM s`,
  ]);
  for (const table of [structure("a", ["v"]), structure("b", ["k", "l", "v"], ["k", "l"])]) {
    const key = (keyOf(table) ?? []).join(", ");
    for (const order of ["", "v", "v DESC"]) {
      const sorting = order === ""
        ? undefined
        : { column: "v", isDescending: order.endsWith("DESC") };
      const rows = await allPages(node, table, sorting);
      const { name } = table.relation;
      const sql = `SELECT ${key} FROM ${name} ORDER BY ${order}${order && ","} ${key}`;
      const { results: [result] } = await send(node, "/db/query", [sql]);
      const expected = result?.values;
      assert.deepEqual(rows.map((row) => row.key.map(({ value }) => value)), expected, sql);
    }
  }
  const table = structure("a", ["v"]);
  const filtered = async (operator: Filter["operator"], text = "") =>
    (await allPages(node, table, undefined, [{ column: "v", operator, text }])).length;
  const counted = async (where: string) =>
    (await send(node, "/db/query", [`SELECT count(*) FROM a WHERE ${where}`])).results[0]?.values
      ?.[0]?.[0];
  assert.equal(await filtered("is null"), await counted("v IS NULL"));
  assert.equal(await filtered("=", "3"), await counted("v = 3"));
  assert.equal(await filtered("=", "X'00'"), await counted("v = 'X''00'''"));
  assert.equal(await filtered("=", "9007199254740993"), await counted("v = 9007199254740993"));
  assert.equal(await filtered("contains", "XXX2"), await counted("v LIKE '%xxx2%'"));
});

Deno.test("a row is changed, or taken away, only as long as it is as it was read", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  await node.execute(["CREATE TABLE t (a TEXT COLLATE NOCASE, b, c)"]);
  const table = structure("t", ["a", "b", "c"]);
  const values = [
    ["text", "X'00'"],
    ["text", "a'\"\0é"],
    ["integer", parseExact("9223372036854775807")],
    ["real", 1],
    ["blob", [0, 255]],
    ["null", null],
    ["text", ""],
  ] as const;
  for (const [type, value] of values) {
    const changes = new Map(
      [["a", { type: "text", value: "Name" }], ["b", { type, value }]] as const,
    );
    await send(node, "/db/execute", insertStatement(table, changes as never));
  }
  const asked = { structure: table, sorting: undefined, filters: [], after: undefined, page: 0 };
  const rows = await rowsFor(node, table, pageStatement(asked));
  assert.deepEqual(
    rows.map(({ cells }) => [cells[1]?.type, cells[1]?.value]),
    values.map(([type, value]) => [type, value]),
  );
  const changed = async (statement: Statement) =>
    (await send(node, "/db/execute", statement)).results[0]?.rows_affected ?? 0;
  for (const [place, row] of rows.entries()) {
    const [whole] = await rowsFor(node, table, rowStatement(table, row.key));
    assert(whole);
    const update = updateStatement(
      table,
      whole,
      new Map([["c", { type: "integer", value: place }]]),
    );
    assert.equal(await changed(update), 1, JSON.stringify(values[place]));
    assert.equal(await changed(update), 0, "It is another row by now");
    assert.equal(await changed(deleteStatement(table, whole)), 0);
  }
  // Not even a change that the column's collation takes for none is passed over.
  const [row] = await rowsFor(node, table, pageStatement(asked));
  assert(row);
  await node.execute(["UPDATE t SET a = 'NAME'"]);
  assert.equal(await changed(deleteStatement(table, row)), 0);
  const [again] = await rowsFor(node, table, pageStatement(asked));
  assert(again);
  assert.equal(await changed(deleteStatement(table, again)), 1);
  assert.equal(await changed(insertStatement(table, new Map())), 1);
});
