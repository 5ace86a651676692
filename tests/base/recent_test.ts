import assert from "node:assert/strict";
import { Recent } from "../../src/base/recent.ts";

Deno.test("Recent keeps the last things within both bounds, by their numbers", () => {
  const recent = new Recent<string>({ itemsMax: 3, sizeMax: 10 });
  const kept = (after = 0) => recent.after(after).map(({ number, item }) => `${number}${item}`);
  for (const item of ["a", "b", "c", "d"]) recent.push(item, 1);
  assert.deepEqual(kept(), ["2b", "3c", "4d"]);
  assert.deepEqual(kept(3), ["4d"]);
  recent.push("large", 9);
  assert.deepEqual(kept(), ["4d", "5large"]);
  recent.push("too large", 11);
  assert.deepEqual(kept(), []);
  recent.push("e", 1);
  assert.deepEqual(kept(), ["7e"]);
  assert.deepEqual([kept(7), kept(8)], [[], ["7e"]]);
});
