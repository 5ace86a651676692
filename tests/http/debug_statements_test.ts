import assert from "node:assert/strict";
import { appWith, FakeService } from "./fake_service.ts";

Deno.test("/debug/statements shows so many statements, with their figures", async () => {
  const service = new FakeService();
  service.summaries = Array.from({ length: 150 }, (_, i) => ({
    sql: `SELECT ${i} + ?`,
    calls: 4,
    failures: 1,
    rows: 8,
    totalMs: 10.12345,
    meanMs: 2.5308625,
    p99Ms: 3,
    maxMs: 4,
  }));
  const { fetch } = appWith(service);
  const shown = async (path: string) => JSON.parse(await (await fetch(path)).text()).statements;
  assert.equal((await shown("/debug/statements")).length, 100);
  assert.deepEqual(await shown("/debug/statements?limit=1"), [{
    sql: "SELECT 0 + ?",
    calls: 4,
    failures: 1,
    rows: 8,
    total_ms: 10.123,
    mean_ms: 2.531,
    p99_ms: 3,
    max_ms: 4,
  }]);
  for (const limit of ["0", "-1", "x", "1e3"]) {
    const response = await fetch(`/debug/statements?limit=${limit}`);
    assert.equal(response.status, 400, limit);
    assert.equal(await response.text(), "limit is not a positive integer\n");
  }
});
