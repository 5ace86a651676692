import assert from "node:assert/strict";
import { withDirectory } from "../directory.ts";
import { addTotals, readTotals, sumOf } from "./totals.ts";

Deno.test("sumOf() adds what was counted, and has planted faults as they were found last", () => {
  const one = { sums: { chaos: { kill: 2, seconds: 60 } }, planted: { a: { by: "nobody" } } };
  const other = {
    sums: { chaos: { kill: 1, cut: 4 }, "simulate toy": { runs: 5 } },
    planted: { a: { seed: 3, by: "Durability" } },
  };
  assert.deepEqual(sumOf(one, other), {
    sums: { chaos: { kill: 3, seconds: 60, cut: 4 }, "simulate toy": { runs: 5 } },
    planted: { a: { seed: 3, by: "Durability" } },
  });
});

Deno.test("addTotals() loses nothing of runs that end at the same time", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/totals.json`;
    const counts = Array.from({ length: 20 }, (_, i) => ({ [`count ${i}`]: i, all: 1 }));
    await Promise.all(
      counts.map((chaos) => addTotals(path, { sums: { chaos }, planted: {} })),
    );
    const { chaos = {} } = (await readTotals(path)).sums;
    assert.equal(chaos["all"], 20);
    assert.equal(chaos["count 7"], 7);
  }));

Deno.test("readTotals() refuses what is none", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/totals.json`;
    await Deno.writeTextFile(path, "{}");
    await assert.rejects(readTotals(path), /has no totals/);
  }));
