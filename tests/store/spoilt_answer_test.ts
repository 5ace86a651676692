import assert from "node:assert/strict";
import { TestStore } from "./fixture.ts";

const infinite = "Column v holds Infinity, which JSON has no number for: cast it to text";
const large = "Result is larger than 67108864 bytes: read it by a query";
const carriedOut = "; the statement was carried out";

Deno.test("an error in the answer to a write says that the write was carried out", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v)"]);
  const infinity = "INSERT INTO t VALUES (1e999) RETURNING v";
  const blob = "UPDATE t SET v = zeroblob(70000000) RETURNING v";
  assert.equal(
    await s.execute([infinity, blob]),
    `{"error":"${infinite}${carriedOut}"},{"error":"${large}${carriedOut}"}`,
  );
  const together = await s.execute([infinity, "DELETE FROM t"], { transaction: true });
  assert.equal(
    together,
    `{"error":"${infinite}${carriedOut}"},{"last_insert_id":2,"rows_affected":2}`,
  );
});

Deno.test("an error in the answer to what only reads says nothing of the kind", async () => {
  await using s = await TestStore.open();
  const statements = ["SELECT 1e999 AS v", "SELECT zeroblob(70000000) AS v"];
  assert.equal(
    await s.execute(statements, { unified: true }),
    `{"error":"${infinite}"},{"error":"${large}"}`,
  );
  assert.equal(await s.query("SELECT 1e999 AS v"), `{"error":"${infinite}"}`);
});
