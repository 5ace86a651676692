import assert from "node:assert/strict";
import { JsonText } from "../../src/store/json/json_text.ts";
import { writeChanged, writeFailure, writeNone } from "../../src/store/json/result_writer.ts";
import type { AnswerFormat } from "../../src/store/types.ts";
import { plain } from "./fixture.ts";

function written(write: (out: JsonText) => void): string {
  const out = new JsonText();
  write(out);
  return new TextDecoder().decode(out.copy());
}

const rows: AnswerFormat = { ...plain, unified: true, associative: true };

Deno.test("what a write has changed is told with its time, and with null for rows where others have rows", () => {
  const changed = (rowId: number, changes: number, seconds: number, format = plain) =>
    written((out) => writeChanged(out, rowId, changes, seconds, format));
  assert.equal(changed(0, 0, 0), "{}");
  assert.equal(changed(7, 2, 0), '{"last_insert_id":7,"rows_affected":2}');
  assert.equal(changed(0, 2, 0.25), '{"rows_affected":2,"time":0.25}');
  assert.equal(changed(0, 0, 0.25), '{"time":0.25}');
  assert.equal(changed(0, 0, 0, rows), '{"rows":null}');
  assert.equal(
    changed(7, 0, 0.25, rows),
    '{"last_insert_id":7,"time":0.25,"rows":null}',
  );
});

Deno.test("a text without a statement has no rows, in whatever form rows would have been", () => {
  const none = (read: boolean, seconds: number, format: AnswerFormat) =>
    written((out) => writeNone(out, read, seconds, format));
  assert.equal(none(true, 0, plain), "{}");
  assert.equal(none(true, 0.25, rows), '{"rows":[],"time":0.25}');
  assert.equal(none(false, 0.25, rows), '{"time":0.25,"rows":null}');
});

Deno.test("a query that fails has no rows, where others have them as objects", () => {
  const failure = { message: "no such table: t", code: "SQLITE_ERROR" };
  const failed = (format: AnswerFormat, query: boolean) =>
    written((out) => writeFailure(out, failure, format, query));
  assert.equal(failed(plain, true), '{"error":"no such table: t"}');
  assert.equal(failed(rows, false), '{"error":"no such table: t"}');
  assert.equal(failed(rows, true), '{"rows":[],"error":"no such table: t"}');
});
