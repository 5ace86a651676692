import { strict as assert } from "node:assert";
import fc from "fast-check";
import { ResultErrors } from "../../src/cluster/result_errors.ts";

function errorsIn(text: string, pieceBytes = Infinity): [number, string][] {
  const found: [number, string][] = [];
  const errors = new ResultErrors((index, error) => void found.push([index, error]));
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    errors.push(bytes.subarray(at, Math.min(bytes.length, at + pieceBytes)));
  }
  return found;
}

Deno.test("ResultErrors finds the errors of results, and nothing in their rows", () => {
  const text = '{"rows_affected":1},{"error":"no \\"x\\" é \\u00e9"},' +
    '{"columns":["error"],"values":[["{\\"error\\":\\"a\\"}"],["error",{"error":"b"}]]},' +
    '{"types":{"error":"text"},"rows":[{"error":"c"}]},{"rows":[],"error":"d"},{"a":"error","b":"e"}';
  const expected = [[1, 'no "x" é é'], [4, "d"]];
  assert.deepEqual(errorsIn(text), expected);
  for (const pieceBytes of [1, 2, 3, 7]) assert.deepEqual(errorsIn(text, pieceBytes), expected);
  assert.deepEqual(errorsIn(""), []);
});

Deno.test("ResultErrors finds what JSON.parse() finds, in any results", () => {
  const key = fc.oneof(fc.constant("error"), fc.string());
  const result = fc.dictionary(key, fc.jsonValue(), { maxKeys: 4 });
  fc.assert(fc.property(fc.array(result, { maxLength: 5 }), fc.nat({ max: 9 }), (results, size) => {
    const text = results.map((one) => JSON.stringify(one)).join(",");
    const expected = results.flatMap((one, index) => {
      const error = Object.hasOwn(one, "error") ? one.error : undefined;
      return typeof error === "string" ? [[index, error]] : [];
    });
    assert.deepEqual(errorsIn(text, size + 1), expected);
  }));
});
