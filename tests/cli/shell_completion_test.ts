import assert from "node:assert/strict";
import { complete } from "../../src/cli/shell/completion.ts";

const schema = new Map([
  ["People", ["id", "full_name"]],
  ["posts", ["id", "title", "two words"]],
]);

Deno.test("complete offers keywords in the case of what was typed, and names", () => {
  assert.deepEqual(complete("sel", schema), [["select"], "sel"]);
  assert.deepEqual(complete("SEL", schema), [["SELECT"], "SEL"]);
  assert.deepEqual(complete("select * from peo", schema), [["people"], "peo"]);
  assert.deepEqual(complete("select full_", schema), [["full_name"], "full_"]);
  assert.deepEqual(complete("select tw", schema), [[], "tw"]);
  assert.deepEqual(complete("select ", schema), [[], ""]);
});

Deno.test("complete offers the columns of the table before the dot", () => {
  assert.deepEqual(complete("select people.", schema), [["full_name", "id"], ""]);
  assert.deepEqual(complete("select posts.t", schema), [["title"], "t"]);
  assert.deepEqual(complete("select unknown.t", schema), [[], "t"]);
});

Deno.test("complete offers dot commands and their arguments", () => {
  assert.deepEqual(complete(".mo", schema), [[".mode"], ".mo"]);
  assert.deepEqual(complete(".mode j", schema), [["json"], "j"]);
  assert.deepEqual(complete(".timer o", schema), [["off", "on"], "o"]);
  assert.deepEqual(complete(".dump f.sql posts,Pe", schema), [["People"], "Pe"]);
});
