import assert from "node:assert/strict";
import { Answers, receivedAnswers } from "../../src/store/answers.ts";
import { duplicate } from "../../src/store/types.ts";
import { plain, text } from "./fixture.ts";

/** Answers to a change, to nobody, to a duplicate, with that error, and to another change. */
function batch(message: string): Answers {
  const answers = new Answers();
  const answer = (format: typeof plain | undefined, write: () => void) => {
    answers.begin(format);
    write();
    answers.end();
  };
  answer(plain, () => answers.changes(7, 1, 0));
  answer(undefined, () => answers.changes(8, 1, 0));
  answers.begin(plain);
  answers.endDuplicate();
  answer(plain, () => answers.error(message, false));
  answer(plain, () => answers.changes(9, 2, 0));
  return answers;
}

function expected(message: string): unknown[] {
  return [
    '{"last_insert_id":7,"rows_affected":1}',
    undefined,
    duplicate,
    `{"error":"${message}"}`,
    '{"last_insert_id":9,"rows_affected":2}',
  ];
}

/** Bytes as their text; all else as it is. */
function readable(answers: readonly unknown[]): unknown[] {
  return answers.map((answer) => answer instanceof Uint8Array ? text(answer) : answer);
}

for (
  const [what, message] of [
    ["that are ASCII", "no such table: t"],
    ["with other characters", "Spalte für Größe 😀 fehlt"],
    ["that are long", "x".repeat(100_000)],
  ] as const
) {
  Deno.test(`Answers gives out answers ${what}, here and to another thread`, () => {
    const here = batch(message);
    const taken = here.take();
    // What is written next must not change what was taken.
    here.begin(plain);
    here.error("z".repeat(200_000), false);
    here.end();
    assert.deepEqual(readable(taken), expected(message));
    const there = receivedAnswers(batch(message).takeBytes(), 5);
    assert.deepEqual(readable(there), expected(message));
  });
}

Deno.test("Answers gives out short ASCII as text", () => {
  assert.equal(typeof batch("no such table: t").take()[0], "string");
  assert.equal(typeof receivedAnswers(batch("no such table: t").takeBytes(), 5)[4], "string");
});
