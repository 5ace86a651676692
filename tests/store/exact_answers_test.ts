import assert from "node:assert/strict";
import { TestStore } from "./fixture.ts";

Deno.test("an exact answer tells what SQLite has: a whole real from an integer, and no column's declaration changes it", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (b BOOLEAN, d DATETIME)", "INSERT INTO t VALUES (1, 86400)"]);
  const values = "1, 1.0, 9007199254740993, 0.1, 9e999, -9e999, 'ä', x'00ff', NULL";
  const answer = await s.query(`SELECT b, d, ${values} FROM t`, [], { exact: true });
  const expected = '[1,86400,1,1.0,9007199254740993,0.1,1e999,-1e999,"ä",[0,255],null]';
  assert.ok(answer.includes(`"values":[${expected}]`), answer);
});

Deno.test("an answer to nothing is one, in each form", async () => {
  await using s = await TestStore.open();
  assert.equal(await s.query("-- nothing", [], { associative: true }), '{"rows":[]}');
  assert.equal(await s.query("-- nothing"), "{}");
  const timed = await s.query("-- nothing", [], { associative: true, timings: true });
  assert.match(timed, /^\{"rows":\[\],"time":[\d.e-]+\}$/);
});
