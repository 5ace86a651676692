import assert from "node:assert/strict";
import { StoreFailedError } from "../../src/store/failures.ts";
import { LifeCycle } from "../../src/store/life_cycle.ts";
import { WalKeeper } from "../../src/store/copy/wal_keeper.ts";
import { SimulatedClock } from "../simulation/clock.ts";

/** One whose checkpoints all fail with `error`, and what it logs. */
function failingKeeper(error: Error) {
  const life = new LifeCycle();
  life.opened();
  const clock = new SimulatedClock();
  const lines: string[] = [];
  const keeper = new WalKeeper({
    path: "db.sqlite",
    changesPath: undefined,
    copier: { run: () => Promise.reject(error) },
    writer: { checkpoint: () => Promise.reject(error) },
    quickWriter: { giveUp: () => {} },
    readers: { whileCalm: () => Promise.reject(error) },
    heldReads: { whileCalm: () => Promise.reject(error) },
    scrubber: { cutShort: () => {} },
    life,
    logger: { log: (level, _, text) => lines.push(`${level} ${text}`) },
    clock,
    softBytes: 1000,
    isHeldForCopy: () => false,
  });
  return { life, keeper, lines, clock };
}

Deno.test("a checkpoint that meets a broken disk ends the store: a later sync could say what is not so", async () => {
  const { life, keeper, lines, clock } = failingKeeper(new StoreFailedError("disk I/O error"));
  keeper.noteSize(1000);
  await clock.settle();
  assert.equal(
    life.refusal?.message,
    "Database db.sqlite takes no more writes: it could not be synced: disk I/O error; " +
      "check the disk, then restart the node",
  );
  await assert.rejects(life.failed, life.refusal);
  // The node's end says it; a checkpoint that failed is no more to be told of.
  assert.deepEqual(lines, []);
});

Deno.test("a checkpoint for which there was no room is told of, and made once the WAL has grown a little", async () => {
  const { life, keeper, lines, clock } = failingKeeper(new Error("no room"));
  keeper.noteSize(1000);
  await clock.settle();
  keeper.noteSize(1100);
  await clock.settle();
  const line = "WARN Checkpoint of db.sqlite failed: no room";
  assert.deepEqual([life.refusal, lines], [undefined, [line]]);
  keeper.noteSize(1250);
  await clock.settle();
  assert.deepEqual(lines, [line, line]);
  await assert.rejects(keeper.checkpoint(), /no room/);
});
