import { strict as assert } from "node:assert";
import { AwakeClock } from "../../src/io/deno_clock.ts";

Deno.test("AwakeClock shows the time by which Deno's timers go", () => {
  const clock = new AwakeClock();
  const before = performance.now();
  const now = clock.now();
  assert.ok(before <= now && now <= performance.now(), `${before}, then ${now}`);
});
