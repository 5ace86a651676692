import assert from "node:assert/strict";
import { ExactNumber, parseExact, stringifyExact } from "../../console/api/exact.ts";

Deno.test("parseExact keeps every digit, and stringifyExact writes the same again", () => {
  for (
    const text of [
      "[9007199254740993,-9223372036854775808,9223372036854775807]",
      "[1.0,-0.0,1e300,1.5,0.1,100,12345678901234567890.5]",
      '{"a":[null,true,"1.0",{"b":1.0}],"c":"9007199254740993"}',
      '["\\u0000\\ud800","",[0,255]]',
    ]
  ) {
    assert.equal(stringifyExact(parseExact(text)), text);
  }
});

Deno.test("parseExact gives plain numbers wherever they say the same", () => {
  assert.deepEqual(parseExact("[1,1.5,9007199254740991]"), [1, 1.5, 9007199254740991]);
  assert.deepEqual(parseExact("[9007199254740993]"), [new ExactNumber("9007199254740993")]);
  assert.deepEqual(parseExact("[1.0]"), [new ExactNumber("1.0")]);
});
