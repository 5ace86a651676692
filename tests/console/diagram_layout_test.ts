import assert from "node:assert/strict";
import { layOut } from "../../console/data/diagram_layout.ts";

const placed = (...pairs: readonly [string, string][]) =>
  Object.fromEntries(
    layOut(pairs.map(([from, to]) => ({ from, to })))
      .map(({ name, level, place }) => [name, [level, place]]),
  );

Deno.test("layOut puts each table right of all that it refers to, and none upon another", () => {
  assert.deepEqual(placed(["item", "order"], ["order", "customer"], ["item", "product"]), {
    customer: [0, 0],
    item: [2, 0],
    order: [1, 0],
    product: [0, 1],
  });
});

Deno.test("layOut comes to an end with circles, and with tables that refer to themselves", () => {
  assert.deepEqual(placed(["a", "a"]), { a: [0, 0] });
  const circle = placed(["a", "b"], ["b", "c"], ["c", "a"]);
  assert.deepEqual(Object.keys(circle).sort(), ["a", "b", "c"]);
  assert.equal(new Set(Object.values(circle).map(String)).size, 3);
});
