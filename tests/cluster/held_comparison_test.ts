import assert from "node:assert/strict";
import { HeldComparison } from "../../src/cluster/held_comparison.ts";
import type { HeldCopy } from "../../src/store/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";

/** A node whose copies are read at once. */
function subject() {
  const clock = new SimulatedClock();
  const copies: { isInPlace: boolean }[] = [];
  let marked: ((index: number) => Promise<void>) | undefined;
  const held = new HeldComparison({
    clock,
    node: {
      damage: undefined,
      stopAtScrub: (hold) => {
        marked = hold;
        return () => {};
      },
    },
    store: {
      prepareCopy: () => {},
      holdCopy: () => {
        const copy = {
          index: 7,
          isInPlace: true,
          digest: () =>
            Promise.resolve({
              ...{ index: 7, tables: [], unread: [], damage: [] },
              ...{ checked: true, complete: true },
            }),
          chunks: () => Promise.resolve([]),
          rows: () => Promise.resolve([]),
          end: () => {},
        } satisfies HeldCopy;
        copies.push(copy);
        return Promise.resolve(copy);
      },
    },
  });
  const read = async (id: string) => {
    held.arm(id, "");
    await marked?.(7);
    while (held.digest(id).state !== "done") await Promise.resolve();
  };
  return { held, clock, copies, read };
}

const notKnown =
  /^ServiceError: This comparison is not known, or no longer: its copy is not replaced$/;

Deno.test("a copy is replaced for the comparison that read it, and for none before or after", async () => {
  const { held, read } = subject();
  assert.throws(() => held.checkReplaceable("a"), notKnown);
  held.arm("a", "");
  assert.throws(() => held.checkReplaceable("a"), notKnown);
  await read("b");
  assert.throws(() => held.checkReplaceable("a"), notKnown);
  held.checkReplaceable("b");
  held.arm("c", "");
  assert.throws(() => held.checkReplaceable("b"), notKnown);
  await read("d");
  held.end("d");
  assert.throws(() => held.checkReplaceable("d"), notKnown);
});

Deno.test("what is said of a copy counts while it is in its place, be it held still or not", async () => {
  const { held, clock, copies, read } = subject();
  await read("a");
  await clock.advance(120_000);
  assert.throws(() => held.digest("a"), /not known, or no longer/);
  held.checkReplaceable("a");
  for (const copy of copies) copy.isInPlace = false;
  assert.throws(() => held.checkReplaceable("a"), notKnown);
});
