import assert from "node:assert/strict";
import fc from "fast-check";
import { readRights, rightsOf, tableRightsFault } from "../../src/access/table_rights.ts";

function mayRead(pattern: string, table: string): boolean {
  return readRights(JSON.stringify({ username: "bob", read: [pattern], write: [] })).mayRead(table);
}

Deno.test("a pattern's * stands for any characters, and all else for itself", () => {
  const cases: [string, string, boolean][] = [
    ["orders", "orders", true],
    ["orders", "ORDERS", true],
    ["ORDERS", "orders", true],
    ["orders", "orders2", false],
    ["public_*", "public_", true],
    ["public_*", "Public_X", true],
    ["public_*", "publicx", false],
    ["*", "", true],
    ["*", "sqlite_schema", true],
    ["a*a", "a", false],
    ["a*a", "aa", true],
    ["*b*b*", "abab", true],
    ["*b*b*", "ab", false],
    ["a*bc*c", "abc", false],
    ["a*bc*c", "abcc", true],
    ["a?", "ab", false],
    ["a.", "ab", false],
    ["[a]", "a", false],
    ["%", "a", false],
    // SQLite folds ASCII only: these are two tables.
    ["ä", "Ä", false],
    // The Kelvin sign is no k.
    ["k", "\u212a", false],
  ];
  for (const [pattern, table, expected] of cases) {
    assert.equal(mayRead(pattern, table), expected, `${pattern} ${table}`);
  }
});

Deno.test("a pattern is about SQLite's own tables only when it says so", () => {
  const cases: [string, boolean][] = [
    ["*", true],
    ["sqlite_schema", true],
    ["SQLite_*", true],
    ["s*", false],
    ["sqlite*", false],
    ["*schema", false],
    ["**", false],
  ];
  for (const [pattern, expected] of cases) {
    assert.equal(mayRead(pattern, "sqlite_Schema"), expected, pattern);
  }
  assert.equal(mayRead("s*", "sqlites"), true);
});

Deno.test("a pattern matches as a regular expression of the same meaning does", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "A", "_"), maxLength: 8 });
  const pattern = fc.string({
    unit: fc.constantFrom("a", "b", "B", "*"),
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(fc.property(pattern, letters, (glob, name) => {
    const expected = new RegExp(`^${glob.replaceAll("*", ".*")}$`, "i").test(name);
    assert.equal(mayRead(glob, name), expected);
  }));
});

Deno.test("equal rights are one text, and rights to everything are none", () => {
  const one = rightsOf({ username: "bob", tables: { read: ["B", "a", "a"], write: [] } });
  const other = rightsOf({ username: "bob", tables: { read: ["a", "b"], write: [] } });
  assert.equal(one, other);
  assert.notEqual(one, rightsOf({ username: "eve", tables: { read: ["a", "b"], write: [] } }));
  const shared = { read: ["a"], write: ["b"] };
  const bob = rightsOf({ username: "bob", tables: shared });
  assert.notEqual(bob, rightsOf({ username: "eve", tables: shared }));
  assert.equal(bob, rightsOf({ username: "bob", tables: shared }));
  assert.equal(rightsOf({ username: "bob" }), undefined);
  assert.equal(rightsOf({ username: "b", tables: { read: ["*", "a"], write: ["*"] } }), undefined);
  assert.notEqual(rightsOf({ username: "b", tables: { read: ["*"], write: [] } }), undefined);
  assert.notEqual(rightsOf({ username: "b", tables: { read: [], write: [] } }), undefined);
});

Deno.test("texts that are no rights are format errors, and too many or too long names are faults", () => {
  const texts = ["", "null", "[]", "{}", '{"username":1,"read":[],"write":[]}', "{"];
  texts.push('{"username":"b","read":[1],"write":[]}', '{"username":"b","read":[""],"write":[]}');
  texts.push(JSON.stringify({ username: "b", read: new Array(257).fill("a"), write: [] }));
  texts.push(JSON.stringify({ username: "b".repeat(1025), read: [], write: [] }));
  for (const text of texts) assert.throws(() => readRights(text), { name: "FormatError" }, text);
  assert.match(tableRightsFault({ read: [""], write: [] }) ?? "", /0 characters/);
  assert.match(tableRightsFault({ read: [], write: ["a".repeat(257)] }) ?? "", /257 characters/);
  assert.equal(tableRightsFault({ read: ["a"], write: ["*"] }), undefined);
});
