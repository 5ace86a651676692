import assert from "node:assert/strict";
import { SlowLog } from "../../../src/store/statements/slow_log.ts";
import { SimulatedClock } from "../../simulation/clock.ts";

Deno.test("SlowLog leaves lines out where there are many, and says how many once there is room", () => {
  const clock = new SimulatedClock();
  const lines: string[] = [];
  const log = new SlowLog(clock, { log: (_level, _room, text) => lines.push(text) });
  const note = (sql: string) => log.note({ sql, ms: 7.25, rows: 2, failed: false, plan: [] });
  for (let i = 1; i <= 25; i++) note(`SELECT ${i}`);
  assert.equal(lines.length, 20);
  assert.equal(lines.at(-1), "Slow statement took 7.3 ms, 2 rows: SELECT 20");
  clock.jump(500);
  note("SELECT 26");
  note("SELECT 27");
  assert.deepEqual(lines.slice(20), [
    "Slow statement took 7.3 ms, 2 rows: SELECT 26 (5 before it were left out)",
  ]);
  clock.jump(500);
  log.note({ sql: "SELECT x", ms: 1, rows: 0, failed: true, plan: ["SCAN t", "SCAN u"] });
  assert.equal(
    lines.at(-1),
    "Slow statement failed after 1.0 ms, 0 rows: SELECT x; plan: SCAN t, SCAN u " +
      "(1 before it were left out)",
  );
});
