import assert from "node:assert/strict";
import { Transaction } from "../../src/cluster/transactions/transaction.ts";
import { encodeStep } from "../../src/store/codec/script_codec.ts";
import type { HeldRead } from "../../src/store/types.ts";
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

Deno.test("A transaction that ends while it waits for what it is to read lets go of that", async () => {
  const waiting = Promise.withResolvers<HeldRead>();
  let asked = 0;
  let letGo = 0;
  const transaction = new Transaction(
    { id: "1", mode: "read", user: "", rights: undefined, openMs: 1_000, idleMs: 5_000 },
    {
      store: {
        hold: () => {
          asked++;
          return waiting.promise;
        },
        rehearsal: () => assert.fail("It only reads"),
      },
      clock: new ManualClock(),
      takeTurn: () => assert.fail("It only reads"),
      ended: () => {},
    },
  );
  const run = transaction.next(() => transaction.run(step, false, 1_000));
  while (asked === 0) await Promise.resolve();
  transaction.rollBack("it was rolled back, open for longer than 1 s");
  waiting.resolve({
    run: () => assert.fail("What is over runs nothing"),
    letGo: () => void letGo++,
  });
  await assert.rejects(run, /is over: it was rolled back, open for longer/);
  assert.equal(letGo, 1);
});
