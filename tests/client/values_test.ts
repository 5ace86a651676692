import { strict as assert } from "node:assert";
import fc from "fast-check";
import { parseExact, valueOf } from "../../client/src/exact_json.ts";
import { Nodes } from "../../client/src/nodes.ts";
import { statementsText, type Value } from "../../client/src/values.ts";

const value: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.string({ unit: "binary" }),
  fc.stringMatching(/^["\\\d.e-]{0,40}$/),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double({ noNaN: true }),
  fc.uint8Array({ maxLength: 20 }),
);

/** As a client gets it that asks for numbers where they are exact. */
function plain(value: Value): Value {
  if (typeof value !== "bigint") return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

Deno.test("Values are written, and read, to the last bit", () => {
  fc.assert(fc.property(fc.array(value), (values) => {
    const text = statementsText([{ sql: "SELECT 1e5", params: values }]);
    const [[sql, ...read]] = parseExact(text, "exact") as [unknown[]];
    assert.equal(sql, "SELECT 1e5");
    assert.deepEqual(read.map((json) => valueOf(json, "exact")), values.map(plain));
    const [[, ...every]] = parseExact(text, "bigint") as [unknown[]];
    const expected = values.map((value) =>
      Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(Number(value)) : value
    );
    assert.deepEqual(every.map((json) => valueOf(json, "bigint")), expected);
  }));
});

Deno.test("Long answers are read in time that grows with them", () => {
  const text = JSON.stringify(['"\\'.repeat(500_000), "\\".repeat(1_000_001)]);
  const long = `[${text},12345678901234567890,${"1".repeat(20)}]`;
  const read = parseExact(long, "exact") as unknown[];
  assert.deepEqual(read[0], JSON.parse(text));
  assert.equal(valueOf(read[1], "exact"), 12345678901234567890n);
});

Deno.test("Nodes that are learned are bounded, and of the schemes of those that were given", () => {
  const nodes = new Nodes(["https://a:1/db/", "https://b:1"]);
  assert.equal(nodes.current, "https://a:1/db");
  nodes.learn(["http://c:1", "https://c:1", "nonsense", "ftp://c:1"]);
  assert.deepEqual(nodes.all, ["https://a:1/db", "https://b:1", "https://c:1"]);
  nodes.failed("https://a:1/db");
  assert.equal(nodes.current, "https://b:1");
  nodes.failed("https://a:1/db");
  nodes.failed("https://b:1");
  assert.equal(nodes.current, "https://c:1");
  nodes.learn(Array.from({ length: 1000 }, (_, i) => `https://n${i}:1`));
  assert.equal(nodes.all.length, 2 + 64);
  for (const bad of ["a:1", "ftp://a", "http://bob:secret@a:1", ""]) {
    assert.throws(() => new Nodes([bad]), TypeError);
  }
  assert.throws(() => new Nodes([]), TypeError);
});
