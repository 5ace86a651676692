import assert from "node:assert/strict";
import { setsContext } from "../../src/cluster/request_context.ts";

Deno.test("setsContext() finds what says how others run, where a statement may begin", () => {
  for (
    const sql of [
      "BEGIN",
      "  pragma foreign_keys = off",
      "INSERT INTO t VALUES (1); COMMIT",
      "/* why */ ROLLBACK",
      "-- why\nSAVEPOINT s",
      "SELECT 1; -- why\n  RELEASE s",
    ]
  ) {
    assert.equal(setsContext([{ sql: "SELECT 1" }, { sql }]), true, sql);
  }
  for (
    const sql of [
      "INSERT INTO t VALUES ('the end')",
      "SELECT CASE a WHEN 1 THEN 2 END FROM t",
      "SELECT beginning FROM pragmas",
      "SELECT 1\nAS end",
    ]
  ) {
    assert.equal(setsContext([{ sql }]), false, sql);
  }
});

Deno.test("setsContext() looks through a text once, however many such words it holds", () => {
  const sql = `INSERT INTO t VALUES ('${"the end ".repeat(1000)}')`;
  const plain = String.prototype.includes;
  let characters = 0;
  String.prototype.includes = function (...args) {
    characters += this.length;
    return plain.apply(this, args);
  };
  try {
    assert.equal(setsContext([{ sql }]), false);
  } finally {
    String.prototype.includes = plain;
  }
  assert(characters <= 2 * sql.length, `${characters} characters of ${sql.length}`);
});
