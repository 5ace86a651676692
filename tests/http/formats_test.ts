import assert from "node:assert/strict";
import fc from "fast-check";
import { formatGoBytes } from "../../src/base/go_bytes.ts";
import { durationIn, formatDuration } from "../../src/base/duration.ts";
import { goJson, sortedGoJson } from "../../src/base/go_json.ts";
import { Indenter } from "../../src/http/indent.ts";
import { parametersOf, parseQueryParameters } from "../../src/http/query_parameters.ts";
import { parseStatements } from "../../src/http/statements.ts";
import { SqlReal } from "../../src/store/types.ts";

Deno.test("durationIn() reads what time.ParseDuration does", () => {
  const cases: [string, number | undefined][] = [
    ["0", 0],
    ["-0", 0],
    ["1s", 1000],
    ["1.5h", 5_400_000],
    ["1m30s", 90_000],
    [".5s", 500],
    ["5.s", 5000],
    ["-2ms", -2],
    ["+2ms", 2],
    ["1us", 0.001],
    ["1µs", 0.001],
    ["", undefined],
    ["5", undefined],
    ["s", undefined],
    [".s", undefined],
    ["1s2", undefined],
    ["1 s", undefined],
    ["1d", undefined],
    ["2562048h", undefined],
  ];
  for (const [text, expected] of cases) assert.equal(durationIn(text), expected, text);
});

Deno.test("What a request may hold a million of is read in time that grows with it", () => {
  // With the square of their number this would take hours, or all of the stack.
  const digits = "1".repeat(1_000_000);
  assert.equal(durationIn(digits), undefined);
  assert.equal(durationIn(`${digits.slice(0, 300)}ns`), undefined);
  assert.throws(() => parseStatements(`[["s", ${digits}]]`), /invalid number/);
  const long = "a".repeat(20_000_000);
  assert.throws(() => parseStatements(`"${long}" x`), /invalid request/);
  assert.throws(() => parseStatements(`["s", "${long}`), /invalid JSON body/);
});

Deno.test("formatDuration() writes as Duration.String does", () => {
  const cases: [number, string][] = [
    [0, "0s"],
    [0.000001, "1ns"],
    [0.023035, "23.035µs"],
    [0.5, "500µs"],
    [50, "50ms"],
    [1000, "1s"],
    [3075.366521, "3.075366521s"],
    [90_500, "1m30.5s"],
    [3_600_000, "1h0m0s"],
    [-90_000, "-1m30s"],
  ];
  for (const [milliseconds, expected] of cases) {
    assert.equal(formatDuration(milliseconds), expected);
  }
});

Deno.test("parseQueryParameters() decodes by Go's rules and keeps the first of a key", () => {
  const parameters = parseQueryParameters("q=a+b%2Bc%3D%e2%82%ac&q=second&flag&&=x&k%20y=%ff");
  assert.deepEqual([...parameters], [
    ["q", "a b+c=€"],
    ["flag", ""],
    ["", "x"],
    ["k y", "\ufffd"],
  ]);
});

Deno.test("parametersOf() reads a URL as it did before, however many it has read since", () => {
  const levelOf = (query: string) => parametersOf(`http://h/db/query${query}`).get("level");
  for (let round = 0; round < 2; round++) {
    assert.equal(levelOf(""), undefined);
    for (let i = 0; i < 300; i++) assert.equal(levelOf(`?level=${i}`), `${i}`);
    assert.throws(() => levelOf("?timeout=1"), /timeout is not a valid duration/);
  }
  assert.equal(levelOf("?level=299"), "299");
});

Deno.test("parseQueryParameters() decodes whatever encodeURIComponent() encodes", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    const decoded = parseQueryParameters(`k=${encodeURIComponent(text)}`).get("k");
    assert.equal(decoded, text);
  }));
});

Deno.test("goJson() escapes what Go's json.Marshal escapes", () => {
  assert.equal(
    goJson("<a&b>\u2028\u2029\u0000\b"),
    '"\\u003ca\\u0026b\\u003e\\u2028\\u2029\\u0000\\b"',
  );
  assert.equal(
    sortedGoJson({ b: [1n, { z: null, y: undefined, x: "<" }], a: 1 }),
    '{"a":1,"b":[1,{"x":"\\u003c","z":null}]}',
  );
});

Deno.test("Indenter.push() lays JSON out alike however it is cut", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 7 }), (value, size) => {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    const indenter = new Indenter();
    const decoder = new TextDecoder();
    let text = "";
    for (let at = 0; at < bytes.length; at += size) {
      text += decoder.decode(indenter.push(bytes.subarray(at, at + size)), { stream: true });
    }
    assert.equal(text, JSON.stringify(value, null, 4));
  }));
});

Deno.test("parseStatements() keeps every number as it was written", () => {
  const [statement] = parseStatements(
    '[["s", 1, -0, 1.0, 1e2, 1.5, 9007199254740993, -9223372036854775808, 9223372036854775808, "1.0", {"a": 2.0}]]',
  );
  assert.deepEqual(statement, {
    sql: "s",
    positional: [
      1,
      0,
      new SqlReal(1),
      new SqlReal(100),
      1.5,
      9007199254740993n,
      -9223372036854775808n,
      new SqlReal(9223372036854775808),
      "1.0",
    ],
    named: new Map([["a", new SqlReal(2)]]),
  });
});

Deno.test("parseStatements() gives any integer and any real back exactly", () => {
  fc.assert(fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
    const [statement] = parseStatements(`[["s",${value}]]`);
    const got = statement?.positional?.[0];
    assert.equal(typeof got === "bigint" || typeof got === "number" ? BigInt(got) : got, value);
  }));
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
    const text = Number.isInteger(value) ? value.toExponential() : String(value);
    const got = parseStatements(`[["s",${text}]]`)[0]?.positional?.[0];
    if (Number.isInteger(value)) assert.ok(got instanceof SqlReal && got.value === value, text);
    else assert.equal(got, value);
  }));
});

Deno.test("parseStatements() counts named parameters in the positions behind them", () => {
  assert.deepEqual(parseStatements('[["s", {"a": 1}, 2]]'), [
    { sql: "s", positional: [null, 2], named: new Map([["a", 1]]) },
  ]);
});

Deno.test("formatGoBytes() rounds as rqlite does", () => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [9, "9 B"],
    [41, "41 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [4096, "4.1 kB"],
    [9960, "10 kB"],
    [69_632, "70 kB"],
    [1_000_000, "1.0 MB"],
    [5e18, "5.0 EB"],
  ];
  for (const [bytes, text] of cases) assert.equal(formatGoBytes(bytes), text);
});
