import assert from "node:assert/strict";
import {
  StatementRecord,
  StatementStatistics,
  summarize,
} from "../../../src/store/statements/statement_statistics.ts";

function statisticsOf(runs: readonly (readonly [sql: string, ms: number])[]): StatementStatistics {
  const statistics = new StatementStatistics();
  for (const [sql, ms] of runs) statistics.recordOf(sql).note(ms, 1, false);
  return statistics;
}

Deno.test("StatementStatistics takes statements for one that differ in their values only", () => {
  const { figures } = statisticsOf([
    ["SELECT * FROM t WHERE a = 'secret'", 1],
    ["SELECT * FROM t WHERE a = 'other'", 2],
    ["SELECT * FROM u", 4],
  ]);
  assert.deepEqual(figures.map(({ sql, totalMs }) => [sql, totalMs]), [
    ["SELECT * FROM t WHERE a = ?", 3],
    ["SELECT * FROM u", 4],
  ]);
});

Deno.test("StatementStatistics keeps so many statements, those that took most time", () => {
  const statistics = new StatementStatistics();
  const dear = statistics.recordOf("SELECT dear");
  dear.note(10, 0, false);
  for (let i = 0; i < 5_000; i++) statistics.recordOf(`SELECT c${i}`).note(0.1, 0, false);
  assert.ok(statistics.figures.length <= 500);
  assert.ok(statistics.figures.some(({ sql }) => sql === "SELECT dear"));
  assert.equal(statistics.recordOf("SELECT dear", dear), dear);
  const gone = new StatementRecord("SELECT c0");
  assert.notEqual(statistics.recordOf("SELECT c0", gone), gone);
});

Deno.test("summarize() adds what threads have kept up, what took most time first", () => {
  const one = statisticsOf([["SELECT 1", 1], ["SELECT a", 2]]);
  one.recordOf("SELECT a").note(50, 7, true);
  const other = statisticsOf([["SELECT 2", 3]]);
  const [first, second, ...rest] = summarize([one.figures, other.figures]);
  assert.deepEqual(rest, []);
  const { sql, calls, failures, rows, totalMs, meanMs, maxMs } = first ?? assert.fail();
  assert.deepEqual([sql, calls, failures, rows, totalMs, meanMs, maxMs], [
    "SELECT a",
    2,
    1,
    8,
    52,
    26,
    50,
  ]);
  assert.equal(second?.calls, 2);
  assert.equal(second?.totalMs, 4);
  assert.equal(second?.p99Ms.toFixed(0), "3");
});

Deno.test("summarize() tells p99 to within the half of a doubling", () => {
  const statistics = new StatementStatistics();
  const record = statistics.recordOf("SELECT a");
  for (let i = 1; i <= 1000; i++) record.note(i / 10, 0, false);
  const [{ p99Ms } = assert.fail()] = summarize([statistics.figures]);
  assert.ok(p99Ms > 99 / Math.SQRT2 && p99Ms <= 100, String(p99Ms));
});
