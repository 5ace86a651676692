import assert from "node:assert/strict";
import { recentSyncs } from "../../src/http/findings/own_faults.ts";
import { FigureRing } from "../../src/metrics/figure_ring.ts";

Deno.test("recentSyncs() says what most of the last minutes' syncs took, not what once was slow", () => {
  const ring = new FigureRing(["sync_p99_ms"], 100);
  const now = Date.now();
  for (let row = 0; row < 20; row++) ring.push(now - 3_600_000 + row, { sync_p99_ms: 500 });
  assert.equal(recentSyncs(ring), undefined);
  for (let row = 0; row < 12; row++) {
    ring.push(now - 60_000 + row, { sync_p99_ms: row < 4 ? 400 : 3 });
    ring.push(now - 50_000 + row, { sync_p99_ms: undefined });
  }
  assert.equal(recentSyncs(ring)?.p99Ms, 3);
});
