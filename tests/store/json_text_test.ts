import assert from "node:assert/strict";
import fc from "fast-check";
import { JsonText, wholeNanoseconds } from "../../src/store/json/json_text.ts";

function written(write: (out: JsonText) => void): string {
  const out = new JsonText(1);
  write(out);
  return new TextDecoder("utf-8", { fatal: true }).decode(out.copy());
}

Deno.test("JsonText.text escapes as Go's encoding/json does", () => {
  const cases: [string, string][] = [
    ["", '""'],
    ["plain", '"plain"'],
    ['"\\', '"\\"\\\\"'],
    ["<a>&", '"\\u003ca\\u003e\\u0026"'],
    ["\b\f\n\r\t\0\x1f\x7f", '"\\b\\f\\n\\r\\t\\u0000\\u001f\x7f"'],
    ["é\u2028\u2029漢😀\u2027", '"é\\u2028\\u2029漢😀\u2027"'],
  ];
  for (const [given, expected] of cases) assert.equal(written((o) => o.text(given)), expected);
});

Deno.test("JsonText.text gives what JSON.parse turns back", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (given) => {
    assert.equal(JSON.parse(written((o) => o.text(given))), given);
  }));
});

Deno.test("JsonText.quoteInPlace writes the escape of U+FFFD for each byte that is not UTF-8", () => {
  const cases: [number[], string][] = [
    [[0xff], '"\\ufffd"'],
    [[0x61, 0xc3], '"a\\ufffd"'],
    [[0xe2, 0x82], '"\\ufffd\\ufffd"'],
    [[0xed, 0xa0, 0x80], '"\\ufffd\\ufffd\\ufffd"'],
    [[0xc0, 0x80, 0x62], '"\\ufffd\\ufffdb"'],
    [[0xf4, 0x90, 0x80, 0x80], '"\\ufffd\\ufffd\\ufffd\\ufffd"'],
    [[0xf0, 0x9f, 0x98, 0x80, 0x80], '"😀\\ufffd"'],
    [[0xf0, 0x9f, 0x98], '"\\ufffd\\ufffd\\ufffd"'],
    [[0xf0, 0x9f, 0x98, 0x62], '"\\ufffd\\ufffd\\ufffdb"'],
  ];
  for (const [given, expected] of cases) {
    const quoted = written((out) => {
      out.reserve(given.length + 2);
      out.bytes.set(given, out.length + 1);
      out.quoteInPlace(given.length);
    });
    assert.equal(quoted, expected);
  }
});

Deno.test("JsonText.real writes the forms of Go", () => {
  const cases: [number, string][] = [
    [1, "1"],
    [-0, "-0"],
    [0.1, "0.1"],
    [1e20, "100000000000000000000"],
    [1e21, "1e+21"],
    [1e300, "1e+300"],
    [1e-6, "0.000001"],
    [1e-7, "1e-7"],
    [123456.789, "123456.789"],
  ];
  for (const [given, expected] of cases) assert.equal(written((o) => o.real(given)), expected);
});

Deno.test("JsonText.integer is exact over all 64 bits", () => {
  fc.assert(fc.property(
    fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.maxSafeInteger(), fc.nat()),
    (given) => assert.equal(written((o) => o.integer(given)), given.toString()),
  ));
});

Deno.test("JsonText.base64 and byteArray hold the bytes", () => {
  fc.assert(fc.property(fc.uint8Array(), (given) => {
    assert.equal(
      written((o) => o.base64(given)),
      JSON.stringify(btoa(String.fromCharCode(...given))),
    );
    assert.equal(written((o) => o.byteArray(given)), JSON.stringify([...given]));
  }));
});

Deno.test("wholeNanoseconds() gives no part of a nanosecond and never none", () => {
  assert.equal(wholeNanoseconds(1.67430800000011), 0.001674308);
  assert.equal(wholeNanoseconds(0), 1e-9);
});
