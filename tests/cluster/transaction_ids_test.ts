import { strict as assert } from "node:assert";
import fc from "fast-check";
import { newId, nodeIn } from "../../src/cluster/transactions/ids.ts";
import { parseQueryParameters } from "../../src/http/query_parameters.ts";

Deno.test("A transaction's id goes into a URL as it is, whatever its node is called", () => {
  const check = (name: string) => {
    const id = newId(name);
    assert.match(id, /^[\w.~-]+$/, "a character that means something else in a URL or a shell");
    const tx = parseQueryParameters(`timeout=1s&tx=${id}`).get("tx");
    assert.equal(tx, id);
    assert.equal(nodeIn(id), name);
  };
  for (const name of ["127.0.0.1:4002", "[::1]:4002", "a b+c", "~%~3A", "é.'(!)*", ""]) check(name);
  fc.assert(fc.property(fc.string({ unit: "binary" }).map((name) => name.toWellFormed()), check));
});

Deno.test("What is no transaction's id names no node", () => {
  for (const id of ["nobody.~", "nobody.~zz", "nobody.~ff"]) assert.equal(nodeIn(id), undefined);
});
