/** Bodies of libSQL's protocol that are nearly right, and wrong: none ends a node, or is its fault. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Cluster, type NodeProcess } from "../cluster/harness.ts";
import { damage, damaged, seed, test } from "./damage.ts";
import { sqlTexts } from "./http_sql.ts";

const parameters = { seed, numRuns: 600 };

const text = fc.oneof(fc.constantFrom("", "a", "\0", "\ud800", ":a", "é"), fc.string());
const sql = fc.oneof(
  fc.constantFrom(
    ...sqlTexts,
    ...["BEGIN", "BEGIN READONLY", "COMMIT", "ROLLBACK", "SAVEPOINT a", "ROLLBACK TO a"],
    ...["SELECT ?1, ?300, :a", "SELECT last_insert_rowid()", "PRAGMA foreign_keys=on"],
    ...[
      "INSERT INTO t VALUES (?)",
      "CREATE TABLE IF NOT EXISTS t (a)",
      "",
      "--",
      "/*",
      "'",
      "?99999",
    ],
  ),
  text,
);
const value = fc.oneof(
  fc.constantFrom({ type: "null" }, { type: "blob", base64: "AP8" }, { type: "blob", base64: "=" }),
  fc.bigInt().map((integer) => ({ type: "integer", value: String(integer) })),
  fc.double().map((value) => ({ type: "float", value })),
  text.map((value) => ({ type: "text", value })),
  fc.jsonValue(),
);
const stmt = fc.record({
  sql,
  sql_id: fc.nat(3),
  args: fc.array(value, { maxLength: 3 }),
  named_args: fc.array(fc.record({ name: text, value }), { maxLength: 2 }),
  want_rows: fc.boolean(),
}, { requiredKeys: [] });
const condition = fc.letrec((tie) => ({
  one: fc.oneof(
    { maxDepth: 4 },
    fc.record({ type: fc.constantFrom("ok", "error"), step: fc.integer({ min: -1, max: 4 }) }),
    fc.constant({ type: "is_autocommit" }),
    fc.record({ type: fc.constant("not"), cond: tie("one") }),
    fc.record({
      type: fc.constantFrom("and", "or"),
      conds: fc.array(tie("one"), { maxLength: 3 }),
    }),
  ),
})).one;
const steps = fc.array(
  fc.record({ stmt, condition }, { requiredKeys: ["stmt"] }),
  { maxLength: 6 },
);
const batch = fc.record({ steps });
const request = fc.oneof(
  fc.record({ type: fc.constant("execute"), stmt }),
  fc.record({ type: fc.constant("batch"), batch }),
  fc.record({ type: fc.constantFrom("sequence", "describe"), sql, sql_id: fc.nat(3) }, {
    requiredKeys: ["type"],
  }),
  fc.record({ type: fc.constant("store_sql"), sql_id: fc.nat(3), sql }),
  fc.record({ type: fc.constantFrom("close_sql", "get_autocommit", "close"), sql_id: fc.nat(3) }),
);
const baton = fc.oneof(
  fc.constant(null),
  fc.tuple(fc.constantFrom("f", "s", "x"), fc.constantFrom("node-1-", "%", "node-9-", ""))
    .map(([kind, node]) => `${kind}.${"A".repeat(24)}.${node}`),
);
const body = fc.oneof(
  fc.record({ baton, requests: fc.array(request, { maxLength: 5 }) }),
  fc.record({ baton, batch }),
  fc.record({ stmt }),
  fc.jsonValue(),
).map((value) => new TextEncoder().encode(JSON.stringify(value)));
const paths = ["/v2/pipeline", "/v3/pipeline", "/v3/cursor", "/v1/execute", "/v1/batch"];

async function check(node: NodeProcess, path: string, body: Uint8Array<ArrayBuffer>) {
  const response = await fetch(`${node.url}${path}`, { method: "POST", body });
  const told = await response.text();
  assert([200, 400, 503].includes(response.status), `${response.status} ${told}`);
  assert.equal(response.headers.get("content-type"), "application/json");
  const isCursor = response.ok && path === "/v3/cursor";
  const messages = isCursor ? told.trimEnd().split("\n") : [told];
  for (const message of messages) {
    assert.doesNotMatch(message, /INTERNAL_ERROR|SQLITE_INTERNAL|Assertion/);
    const { results, code } = JSON.parse(message);
    if (!response.ok) assert(code, told);
    for (const { type, error } of results ?? []) if (type === "error") assert(error.code, told);
  }
}

test("a node outlives whatever is sent to it in libSQL's protocol", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const node = await cluster.leader();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...paths),
      body,
      fc.option(damage),
      (path, body, changes) => check(node, path, changes ? damaged(body, changes) : body),
    ),
    parameters,
  );
  assert.deepEqual(await node.query("SELECT 1"), [[1]]);
});
