import assert from "node:assert/strict";
import { SqlTexts } from "../../src/store/apply/sql_texts.ts";

const encoder = new TextEncoder();

Deno.test("SqlTexts reads every text as it is, whatever it read before", () => {
  const texts = new SqlTexts();
  const all = [
    "SELECT 1",
    "SELECT 2",
    "SELECT 1",
    "SELECT 'Größe'",
    "",
    // As long as the first, but for a whole number of places.
    "SELECT 1".padEnd(72),
    "SELECT 1",
    "x".repeat(5000),
    "x".repeat(4999) + "y",
  ];
  for (const sql of [...all, ...all]) {
    const bytes = encoder.encode(`--${sql}--`);
    assert.equal(texts.read(bytes, 2, bytes.length - 4), sql);
  }
});

Deno.test("SqlTexts keeps a text although the bytes that it was read from change", () => {
  const texts = new SqlTexts();
  const bytes = encoder.encode("SELECT 1");
  assert.equal(texts.read(bytes, 0, 8), "SELECT 1");
  bytes[7] = 0x32;
  assert.equal(texts.read(bytes, 0, 8), "SELECT 2");
  assert.equal(texts.read(encoder.encode("SELECT 1"), 0, 8), "SELECT 1");
});
