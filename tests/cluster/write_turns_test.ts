import assert from "node:assert/strict";
import { Transactions } from "../../src/cluster/transactions/transactions.ts";
import { encodeTurn } from "../../src/cluster/transactions/wire.ts";
import { WriteTurns } from "../../src/cluster/transactions/write_turns.ts";
import { ForwardedWrites } from "../../src/cluster/forwarded_writes.ts";
import { encodeWrite } from "../../src/cluster/wire.ts";
import { plain } from "../store/fixture.ts";
import { ManualClock } from "../transport/fixture.ts";

const timeoutMs = 1_000;

/** The leader's side of what another node asks for, which gives up after `timeoutMs`. */
const asked = {
  "A write": (parts: object) => {
    const writes = new ForwardedWrites(parts as ConstructorParameters<typeof ForwardedWrites>[0]);
    return writes.handle(encodeWrite({ timeoutMs, format: plain }));
  },
  "A transaction": (parts: object) => {
    const all = new Transactions(parts as ConstructorParameters<typeof Transactions>[0]);
    const call = { operation: "take", transaction: "another", keptMs: 10_000, timeoutMs } as const;
    return all.handleTurn(encodeTurn(call));
  },
};

for (const [what, ask] of Object.entries(asked)) {
  Deno.test(`${what} of another node that gets no turn hears so before its node gives up`, async () => {
    const clock = new ManualClock();
    const turns = new WriteTurns(clock);
    await turns.take("one", 60_000, timeoutMs);
    const node = { id: "1", isLeader: true, propose: () => assert.fail("It is not its turn") };
    const answer = ask({ node, turns, clock });
    let heard: unknown;
    answer.catch((error) => heard = error);
    clock.jump(timeoutMs / 2);
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.equal(heard, undefined, "it waits");
    clock.jump(timeoutMs / 2 - 50);
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.match(
      String(heard),
      /database is locked: a transaction has the turn to write; nothing was/,
    );
  });
}
