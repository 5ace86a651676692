import assert from "node:assert/strict";
import { namedTables } from "../../src/store/named_tables.ts";

const cases: [string, string | undefined, string[]][] = [
  ["ALTER TABLE a RENAME TO b", "b", []],
  ["alter/**/table main . [a b] rename -- to x\n to 'it''s'", "it's", []],
  ['EXPLAIN QUERY PLAN ALTER TABLE `table` RENAME TO "b""c"', 'b"c', []],
  ["ALTER TABLE rename RENAME TO rename", "rename", []],
  ["ALTER TABLE a RENAME b TO c", undefined, []],
  ["ALTER TABLE a RENAME COLUMN b TO c", undefined, []],
  ["ALTER TABLE a RENAME rename TO c", undefined, []],
  ["ALTER TABLE a DROP COLUMN rename", undefined, []],
  ["ALTER TABLE a ADD COLUMN b REFERENCES c (d) DEFAULT 'REFERENCES e'", undefined, ["c"]],
  [
    'CREATE TABLE a (b REFERENCES c, "REFERENCES" references [d e](f) ON DELETE CASCADE, ' +
    "FOREIGN KEY (b) REFERENCES 'g') -- REFERENCES h",
    undefined,
    ["c", "d e", "g"],
  ],
  ["CREATE TABLE a AS SELECT 'REFERENCES b'", undefined, []],
];

Deno.test("namedTables() reads new names and parents, and takes no other name for one", () => {
  for (const [sql, renamedTo, references] of cases) {
    assert.deepEqual(namedTables(sql), { renamedTo, references }, sql);
  }
});
