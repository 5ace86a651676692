import assert from "node:assert/strict";
import { partsAhead, ReaderSignals } from "../../src/store/read/reader_signals.ts";

/** The reader's side of memory whose main side it is given; one that would have to wait fails. */
function readerOf(main: ReaderSignals): ReaderSignals {
  return new ReaderSignals(main.memory, () => assert.fail("It waits"));
}

Deno.test("ReaderSignals cancels the stream that is meant, and not the one that has begun since", () => {
  const main = new ReaderSignals();
  const reader = readerOf(main);
  reader.beginStream();
  assert.ok(reader.awaitCredit(1));
  // The main thread has not heard that the first has ended, as its client goes.
  reader.beginStream();
  main.cancel(1);
  assert.ok(reader.awaitCredit(2));
  main.cancel(2);
  assert.equal(reader.awaitCredit(2), false);
  reader.beginStream();
  assert.ok(reader.awaitCredit(3));
});

Deno.test("ReaderSignals has so many parts ahead and those that are granted, and none after the end", () => {
  const main = new ReaderSignals();
  const reader = readerOf(main);
  reader.beginStream();
  for (let part = 0; part < partsAhead; part++) assert.ok(reader.awaitCredit(1));
  assert.throws(() => reader.awaitCredit(1), /It waits/);
  main.grant(1);
  assert.ok(reader.awaitCredit(1));
  main.end();
  for (const task of [1, 2, 3]) assert.equal(reader.awaitCredit(task), false);
});
