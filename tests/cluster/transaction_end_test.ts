import assert from "node:assert/strict";
import { Transaction } from "../../src/cluster/transactions/transaction.ts";
import { encodeStep } from "../../src/store/codec/script_codec.ts";
import { type HeldRead, HeldReadLostError, type Store } from "../../src/store/types.ts";
import { plain } from "../store/fixture.ts";
import { ManualClock } from "../transport/fixture.ts";

const step = encodeStep({
  statements: [{ sql: "SELECT 1" }],
  clock: 1_700_000_000_000,
  seed: 7n,
  atomic: false,
  unified: true,
  readOnly: true,
  timeoutMs: 0,
  format: plain,
});

/** A transaction that reads what `hold` gives. */
function reading(hold: Store["hold"]): Transaction {
  return new Transaction(
    { id: "1", mode: "read", user: "", rights: undefined, openMs: 1_000, idleMs: 5_000 },
    {
      store: { hold, rehearsal: () => assert.fail("It only reads") },
      clock: new ManualClock(),
      takeTurn: () => assert.fail("It only reads"),
      ended: () => {},
    },
  );
}

const options = { surelyWrites: false, resultBytesMax: Infinity, deadline: 1_000 };

Deno.test("A transaction that ends while it waits for what it is to read lets go of that", async () => {
  const waiting = Promise.withResolvers<HeldRead>();
  let asked = 0;
  let letGo = 0;
  const transaction = reading(() => {
    asked++;
    return waiting.promise;
  });
  const run = transaction.next(() => transaction.run(step, options));
  while (asked === 0) await Promise.resolve();
  transaction.rollBack("it was rolled back, open for longer than 1 s");
  waiting.resolve({
    run: () => assert.fail("What is over runs nothing"),
    letGo: () => void letGo++,
  });
  await assert.rejects(run, /is over: it was rolled back, open for longer/);
  assert.equal(letGo, 1);
});

Deno.test("A read that ends with its transaction is told why that was", async () => {
  const lost = Promise.withResolvers<never>();
  let runs = 0;
  const run = () => {
    runs++;
    return lost.promise;
  };
  const transaction = reading(() => Promise.resolve({ run, letGo: () => {} }));
  const read = transaction.next(() => transaction.run(step, options));
  while (runs === 0) await Promise.resolve();
  transaction.rollBack("it was rolled back, as its node stops");
  lost.reject(new HeldReadLostError());
  await assert.rejects(read, /is over: it was rolled back, as its node stops/);
});
