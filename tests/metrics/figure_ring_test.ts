import assert from "node:assert/strict";
import { FigureRing } from "../../src/metrics/figure_ring.ts";

Deno.test("FigureRing gives the rows after a time, the oldest first, and null for no value", () => {
  const ring = new FigureRing(["a", "b"], 10);
  assert.deepEqual(ring.after(0), []);
  ring.push(1, { a: 1.5, b: undefined });
  ring.push(2, { a: 0, b: 2 });
  assert.deepEqual(ring.after(0), [[1, 1.5, null], [2, 0, 2]]);
  assert.deepEqual(ring.after(1), [[2, 0, 2]]);
  assert.deepEqual(ring.after(2), []);
});

Deno.test("FigureRing forgets the oldest rows beyond its bound", () => {
  const ring = new FigureRing(["a"], 3);
  for (let at = 1; at <= 8; at++) ring.push(at, { a: at });
  assert.deepEqual(ring.after(0), [[6, 6], [7, 7], [8, 8]]);
});

Deno.test("FigureRing keeps its rows in order when the clock is set back", () => {
  const ring = new FigureRing(["a"], 3);
  for (const at of [100, 100, 50]) ring.push(at, { a: at });
  assert.deepEqual(ring.after(100), [[101, 100], [102, 50]]);
});

Deno.test("FigureRing takes no row that lacks a figure", () => {
  assert.throws(() => new FigureRing(["a", "b"], 3).push(1, { a: 1 }), /lacks b/);
});
