import assert from "node:assert/strict";
import { TestStore } from "./fixture.ts";

const ways = ["as one batch", "one by one", "each on a new connection"] as const;

/** Applies requests in several ways, each to a store of its own: all must end alike. Returns the answer to `query`. */
async function sameInAllWays(
  requests: readonly { sql: readonly string[]; transaction?: boolean }[],
  query: string,
): Promise<string> {
  const results = new Set<string>();
  let answer = "";
  for (const way of ways) {
    await using s = await TestStore.open();
    const entries = requests.map(({ sql, transaction = false }) =>
      s.entries.execute(sql, { transaction })
    );
    const answers: string[] = [];
    if (way === "as one batch") answers.push(...await s.apply(...entries));
    for (const entry of way === "as one batch" ? [] : entries) {
      answers.push(...await s.apply(entry));
      if (way === "each on a new connection") await s.restart();
    }
    answer = await s.query(query);
    results.add([...answers, answer].join("\n"));
    assert.equal(results.size, 1, `Another result ${way}: ${[...results].join("\n\n")}`);
  }
  return answer;
}

Deno.test("Store.apply lets changes() be what it is behind an EXPLAIN", async () => {
  const log = { sql: ["INSERT INTO log SELECT changes()"] };
  const result = await sameInAllWays([
    { sql: ["CREATE TABLE m (x)", "CREATE TABLE log (n)"] },
    { sql: ["INSERT INTO m VALUES (1), (2), (3)"] },
    { sql: ["EXPLAIN DELETE FROM m"] },
    log,
  ], "SELECT n FROM log");
  assert.match(result, /\[\[3\]\]/);
});

Deno.test("Store.apply lets changes() be what it is behind a change of the schema that was taken back", async () => {
  const log = "CREATE TRIGGER g AFTER INSERT ON m BEGIN INSERT INTO log VALUES (changes()); END";
  const result = await sameInAllWays([
    { sql: ["CREATE TABLE m (x)", "CREATE TABLE log (n)", log] },
    { sql: ["INSERT INTO m VALUES (1), (2), (3)", "DELETE FROM log"] },
    {
      sql: ["DROP TRIGGER g", "INSERT INTO m VALUES (4)", "INSERT INTO missing VALUES (1)"],
      transaction: true,
    },
    { sql: ["UPDATE m SET x = 0"] },
    { sql: ["INSERT INTO m VALUES (4)"] },
    {
      sql: ["CREATE TABLE u (y)", "INSERT INTO u VALUES (7)", "INSERT INTO missing VALUES (1)"],
      transaction: true,
    },
    { sql: ["UPDATE m SET x = 0"] },
    { sql: ["INSERT INTO u VALUES (7)"] },
    { sql: ["INSERT INTO log SELECT changes()"] },
  ], "SELECT n FROM log");
  assert.match(result, /\[\[3\],\[4\]\]/);
});
