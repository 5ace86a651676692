import assert from "node:assert/strict";
import { parametersOf, splitStatements } from "../../console/sql/split.ts";

Deno.test("splitStatements cuts at semicolons that end a statement, and nowhere else", () => {
  assert.deepEqual(splitStatements("SELECT ';' ;\n-- a;\nSELECT 2; /* ; */"), [
    "SELECT ';' ;",
    "SELECT 2;",
  ]);
  const trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN\nSELECT 1;\nSELECT 2;\nEND;";
  assert.deepEqual(splitStatements(`${trigger} SELECT 3`), [trigger, "SELECT 3"]);
  assert.deepEqual(splitStatements(" \n;;-- nothing"), []);
});

Deno.test("parametersOf finds parameters outside of quotes and comments", () => {
  assert.deepEqual(parametersOf("SELECT ?, :a, '?', \":b\", [?], -- ?\n$c, @a, ?, :a /* ? */"), {
    named: [":a", "$c", "@a"],
    positions: 2,
  });
  assert.deepEqual(parametersOf("SELECT ?3, ?1"), { named: [], positions: 3 });
});
