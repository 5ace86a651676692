import assert from "node:assert/strict";
import { Histogram } from "../../src/base/histogram.ts";

Deno.test("Histogram counts a value at its bound below it, and what is above all bounds apart", () => {
  const histogram = new Histogram([1, 2, 5]);
  histogram.observe(0);
  histogram.observe(1);
  histogram.observe(1.5, 3);
  histogram.observe(5);
  histogram.observe(6);
  assert.deepEqual([...histogram.counts], [2, 3, 1, 1]);
  assert.equal(histogram.count, 7);
  assert.equal(histogram.sum, 0 + 1 + 3 * 1.5 + 5 + 6);
});

Deno.test("Histogram tells quantiles as far as its bounds do", () => {
  const histogram = new Histogram([1, 2, 4]);
  assert.equal(histogram.quantile(0.99), 0);
  histogram.observe(0.5, 50);
  histogram.observe(3, 50);
  assert.equal(histogram.quantile(0.5), 1);
  assert.equal(histogram.quantile(0.25), 0.5);
  assert.equal(histogram.quantile(0.75), 3);
  assert.equal(histogram.quantile(1), 4);
  histogram.observe(100, 900);
  assert.equal(histogram.quantile(0.99), 4);
});
