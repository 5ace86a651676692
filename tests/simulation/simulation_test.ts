import assert from "node:assert/strict";
import { simulate } from "./simulation.ts";
import { Summary } from "./summary.ts";

Deno.test("simulate() finds nothing wrong in the first seeds, and disturbs them in every way", async () => {
  const disturbed = new Set<string>();
  const summary = new Summary();
  for (let seed = 1; seed <= 60; seed++) {
    const result = await simulate(seed);
    assert.equal(
      result.violation,
      undefined,
      `deno task simulate --seed ${seed} --verbose: ${result.violation?.message}`,
    );
    summary.add(result);
    for (const disturbance of result.disturbances.keys()) disturbed.add(disturbance);
  }
  assert.deepEqual([...disturbed].sort(), [
    "add_member",
    "blackout",
    "change_flags",
    "compact",
    "crash",
    "freeze",
    "isolate_leader",
    "move",
    "move_all",
    "one_way",
    "partition",
    "power_cut",
    "remove_member",
    "replace_disk",
    "sleep",
    "slow_disk",
    "slow_store",
    "suspend",
    "transfer",
  ]);
  for (
    const count of [
      "snapshots installed",
      "of them through another node",
      "writes of unknown fate",
      "reads linearizable",
      "reads strong",
      "reads weak",
      "messages lost",
      "messages duplicated",
      "messages blocked",
    ]
  ) assert.ok(summary.count(count) > 0, `No ${count}`);
});

Deno.test("simulate() runs a seed again exactly as before", async () => {
  for (const seed of [7, 8, 9]) {
    const lines: string[][] = [[], []];
    const first = await simulate(seed, { print: (line) => lines[0]?.push(line) });
    const second = await simulate(seed, { print: (line) => lines[1]?.push(line) });
    assert.equal(first.traceHash, second.traceHash);
    assert.deepEqual(lines[0], lines[1]);
    const other = await simulate(seed + 100);
    assert.notEqual(first.traceHash, other.traceHash);
  }
});

Deno.test("simulate() reaches a cluster that is never disturbed", async () => {
  const result = await simulate(5, {
    adjust: (plan) => ({ ...plan, disturbances: new Map(), voters: 3 }),
  });
  assert.equal(result.violation, undefined);
  assert.ok(result.workload.applied > 0);
  assert.equal(result.disturbances.size, 0);
});
