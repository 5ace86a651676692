import assert from "node:assert/strict";
import { type Affinity, affinityOf } from "../../src/sqlite/affinity.ts";
import { identifier } from "../../src/sqlite/identifier.ts";
import { openMemory } from "./fixture.ts";

/** What a cast to each makes of '1.5' and of '1'. https://www.sqlite.org/lang_expr.html#castexpr */
const casts: Readonly<Record<string, Affinity>> = {
  "integer integer": "INTEGER",
  "text text": "TEXT",
  "blob blob": "BLOB",
  "real real": "REAL",
  "real integer": "NUMERIC",
};

Deno.test("affinityOf says of a declared type what SQLite makes of it", () => {
  using database = openMemory();
  const parts = ["int", "CHAR", "Clob", "text", "blob", "real", "FLOA", "doub", "date", "any", "x"];
  const types = parts.flatMap((one) => [one, ...parts.map((other) => `${one} ${other}`)]);
  types.push(
    "FLOATING POINT",
    "CHARINT",
    "DECIMAL(10,5)",
    "BOOLEAN",
    "BIGINT",
    "\u0131nt",
    "STRİNG",
  );
  for (const type of types) {
    const cast = (text: string) =>
      database.scalar(`SELECT typeof(CAST('${text}' AS ${identifier(type)}))`);
    assert.equal(affinityOf(type), casts[`${cast("1.5")} ${cast("1")}`], type);
  }
  assert.equal(affinityOf(""), "BLOB");
});
