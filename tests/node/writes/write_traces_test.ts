import { strict as assert } from "node:assert";
import { WriteTraces } from "../../../src/node/writes/write_traces.ts";

/** Writes that are traced, and the parts that each was told of. */
function subject(indexes: readonly number[]) {
  const traces = new WriteTraces();
  const told = new Map<number, string[]>();
  for (const index of indexes) {
    const parts: string[] = [];
    told.set(index, parts);
    const part = (name: string, since: number, until: number) =>
      parts.push(`${name} ${since}-${until}`);
    traces.proposed(index, { part }, index);
  }
  return { traces, told };
}

Deno.test("WriteTraces tells of each stage of a write once, with the batch that it was in", () => {
  const { traces, told } = subject([3, 5]);
  traces.synced(4, 10, 12);
  traces.committed(4, 13);
  traces.synced(5, 12, 15);
  traces.committed(5, 16);
  traces.applied(4, 14, 17);
  traces.applied(5, 17, 18);
  traces.applied(9, 18, 19);
  assert.deepEqual([...told], [
    [3, ["sync 10-12", "replicate 3-13", "apply 14-17"]],
    [5, ["sync 12-15", "replicate 5-16", "apply 17-18"]],
  ]);
});

Deno.test("WriteTraces holds a bounded number of writes: the oldest give way", () => {
  const { traces, told } = subject(Array.from({ length: 1030 }, (_, i) => i + 1));
  traces.applied(2000, 1, 2);
  const silent = [...told].filter(([, parts]) => parts.length === 0).map(([index]) => index);
  assert.deepEqual(silent, [1, 2, 3, 4, 5, 6]);
});
