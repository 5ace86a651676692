import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { originsMax, Sessions, windowMax } from "../../src/store/apply/sessions.ts";
import { anySeed } from "./seeds.ts";

const id = (sequence: number, floor = 1, origin = 7n) => ({ origin, sequence, floor });

Deno.test("Sessions.admit knows a request that was recorded, and only that", () => {
  const sessions = new Sessions();
  assert.equal(sessions.admit(id(3)), "new");
  sessions.record(id(3), 10);
  assert.equal(sessions.admit(id(3)), "duplicate");
  assert.equal(sessions.admit(id(2)), "new");
  assert.equal(sessions.admit(id(3, 1, 8n)), "new");
});

Deno.test("Sessions.admit takes everything below the floor for done", () => {
  const sessions = new Sessions();
  sessions.record(id(10, 9), 1);
  assert.equal(sessions.admit(id(8)), "duplicate");
  assert.equal(sessions.admit(id(9)), "new");
});

Deno.test("Sessions.admit refuses a request too far ahead of its floor", () => {
  const sessions = new Sessions();
  assert.equal(sessions.admit(id(windowMax)), "new");
  assert.equal(sessions.admit(id(windowMax + 1)), "beyond_window");
  assert.equal(sessions.admit(id(windowMax + 1, 2)), "new");
});

Deno.test("Sessions forget the origin that was used farthest back in the log", () => {
  const sessions = new Sessions();
  for (let i = 0; i < originsMax; i++) sessions.record(id(1, 1, BigInt(i)), i + 1);
  sessions.record(id(2, 1, 0n), originsMax + 1);
  sessions.record(id(1, 1, 5000n), originsMax + 2);
  assert.equal(sessions.size, originsMax);
  assert.equal(sessions.admit(id(1, 1, 0n)), "duplicate");
  assert.equal(sessions.admit(id(1, 1, 1n)), "new");
});

Deno.test("Sessions come back the same from their rows, also from changed ones only", () => {
  const seed = anySeed();
  const random = new Prng(seed);
  const sessions = new Sessions();
  const stored = new Map<bigint, Parameters<typeof Sessions.prototype.admit>[0]>();
  const rows = new Map();
  for (let index = 1; index < 3000; index++) {
    const origin = BigInt(random.below(20));
    const floor = Math.floor(index / 4);
    const request = { origin, sequence: floor + random.below(100), floor };
    if (sessions.admit(request) === "new") sessions.record(request, index);
    stored.set(origin, request);
    if (random.chance(0.1)) {
      for (const [key, row] of sessions.changes()) {
        if (row === undefined) rows.delete(key);
        else rows.set(key, row);
      }
      sessions.settle();
    }
  }
  for (const [key, row] of sessions.changes()) rows.set(key, row);
  const again = new Sessions(rows.values());
  assert.deepEqual([...again.rows()], [...sessions.rows()], `seed ${seed}`);
});
