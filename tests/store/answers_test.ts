import assert from "node:assert/strict";
import { Answers, receivedAnswers } from "../../src/store/apply/answers.ts";
import { Database, SqlSource } from "../../src/sqlite/mod.ts";
import { prepareNext } from "../../src/store/prepared_statement.ts";
import { duplicate } from "../../src/store/types.ts";
import { library, plain, text } from "./fixture.ts";
import { SimulatedClock } from "../simulation/clock.ts";

/** Answers to a change, to nobody, to a duplicate, with so many of that error, and to another change. */
function batch(message: string, count = 1): Answers {
  const answers = new Answers(new SimulatedClock());
  const answer = (format: typeof plain | undefined, write: () => void) => {
    answers.begin(format);
    write();
    answers.end();
  };
  answer(plain, () => answers.changes(7, 1, 0));
  answer(undefined, () => answers.changes(8, 1, 0));
  answers.begin(plain);
  answers.endDuplicate();
  answer(plain, () => {
    for (let i = 0; i < count; i++) answers.error(message, false);
  });
  answer(plain, () => answers.changes(9, 2, 0));
  return answers;
}

function expected(message: string, count: number): unknown[] {
  return [
    '{"last_insert_id":7,"rows_affected":1}',
    undefined,
    duplicate,
    new Array(count).fill(`{"error":"${message}"}`).join(","),
    '{"last_insert_id":9,"rows_affected":2}',
  ];
}

/** Bytes as their text; all else as it is. */
function readable(answers: readonly unknown[]): unknown[] {
  return answers.map((answer) => answer instanceof Uint8Array ? text(answer) : answer);
}

for (
  const [what, message, count] of [
    ["that are ASCII", "no such table: t", 1],
    ["with other characters", "Spalte für Größe 😀 fehlt", 1],
    ["that are long", "x".repeat(1000), 100],
  ] as const
) {
  Deno.test(`Answers gives out answers ${what}, here and to another thread`, () => {
    const here = batch(message, count);
    const taken = here.take();
    // What is written next must not change what was taken.
    here.begin(plain);
    for (let i = 0; i < 200; i++) here.error("z".repeat(1000), false);
    here.end();
    assert.deepEqual(readable(taken), expected(message, count));
    const there = receivedAnswers(batch(message, count).takeBytes(), 5);
    assert.deepEqual(readable(there), expected(message, count));
  });
}

Deno.test("Answers gives out short ASCII as text", () => {
  assert.equal(typeof batch("no such table: t").take()[0], "string");
  assert.equal(typeof receivedAnswers(batch("no such table: t").takeBytes(), 5)[4], "string");
});

Deno.test("Answers that are kept are bounded, by nothing but their own entry", () => {
  using database = new Database(":memory:", { library });
  const limits = { resultBytesMax: 1000, batchBytesMax: 4000 };
  const answers = new Answers(new SimulatedClock(), limits);
  const put = (statements: number) => {
    answers.begin(plain);
    answers.keep(plain);
    for (let i = 0; i < statements; i++) {
      const prepared = prepareNext(
        database,
        undefined,
        new SqlSource("SELECT printf('%.*c', 900, 'x')"),
      );
      assert(prepared);
      using _ = prepared.statement;
      answers.rows(prepared, 0, database);
    }
    const kept = text(answers.results);
    answers.end();
    return kept;
  };
  const alone = put(100);
  assert(alone.length < 12_000, `${alone.length}`);
  assert.match(alone, /x",?.*Result is larger/);
  assert.equal(put(100), alone, "whatever is before it in its batch");
  const [first, second] = answers.take().map(text);
  assert.equal(first, `0${alone}`);
  assert.match(second ?? "", /^0{"error":"Results are too large beside those of others/);
});
