import { strict as assert } from "node:assert";
import { Cluster } from "./harness.ts";

const comment = `/*${"c".repeat(239)}*/`;

Deno.test("/db/load of a dump on a follower gives every node the same, with foreign keys enforced and without", async () => {
  const dump = await Deno.readTextFile(new URL("../store/iterdump.sql", import.meta.url));
  const text =
    `${comment.repeat(5_000)}\nPRAGMA journal_mode=DELETE;\n${dump}\n-- done\nANALYZE;\n` +
    "CREATE TABLE drawn (v); INSERT INTO drawn VALUES (random()), (CURRENT_TIMESTAMP);";
  for (const flags of [[], ["-fk"]]) {
    await using cluster = await Cluster.start({ flags });
    const follower = await cluster.follower();
    const loaded = await follower.fetch("/db/load", { method: "POST", body: text });
    assert.deepEqual(JSON.parse(loaded.body).results, [{ last_insert_id: 2, rows_affected: 2 }]);
    const [, found, drawn] = await cluster.converged([
      "SELECT type, name, sql FROM sqlite_schema ORDER BY name",
      "SELECT x FROM five WHERE five MATCH 'hello'",
      "SELECT count(*), count(DISTINCT v) FROM drawn",
    ]);
    await cluster.converged([
      "SELECT v FROM drawn",
      "SELECT * FROM five_data",
      "SELECT * FROM docs",
    ]);
    assert.deepEqual(found, [["hello; there"]]);
    assert.deepEqual(drawn, [[2, 2]]);
  }
});
