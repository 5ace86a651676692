import assert from "node:assert/strict";
import { LogHolds } from "../../src/node/log_holds.ts";

const GiB = 1024 ** 3;

function holdsOf(lines: string[] = []): LogHolds {
  return new LogHolds({
    raft: { progress: () => [] },
    clock: { now: () => 0 },
    logger: { log: (_level, _room, message) => lines.push(message) },
    logBytes: 1024,
  });
}

Deno.test("LogHolds keeps what is not archived, and no more than its bound", () => {
  const lines: string[] = [];
  const holds = holdsOf(lines);
  assert.equal(holds.allowed(50, 0), 50);
  holds.keepBehind(0);
  assert.equal(holds.allowed(50, 0), 0);
  holds.keepBehind(40);
  assert.equal(holds.allowed(50, GiB), 40);
  assert.equal(holds.allowed(30, GiB), 30);
  assert.deepEqual(lines, []);
  assert.equal(holds.allowed(50, GiB + 1), 50);
  assert.match(lines.join(), /no longer kept for the archive/);
  holds.keepBehind(60);
  assert.equal(holds.allowed(50, GiB + 1), 50);
  assert.equal(lines.length, 1);
});
