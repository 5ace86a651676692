import assert from "node:assert/strict";
import { expiryWarningFrom } from "../../src/tls/expiry.ts";
import { SecretCredentials } from "../../src/tls/secret_credentials.ts";
import { LogLines, ManualClock, until } from "../transport/fixture.ts";

const secret = "0123456789abcdef".repeat(4);
const dayMs = 86_400_000;

Deno.test("a certificate by secret is made again after two thirds of its time, and when the secrets change", async () => {
  const clock = new ManualClock();
  const logger = new LogLines();
  let current: readonly string[] = [secret];
  let changed = () => {};
  const secrets = {
    get current() {
      return current;
    },
    onChange: (listener: (value: readonly string[]) => void) => {
      changed = () => listener(current);
    },
  };
  const made = await SecretCredentials.open({ secrets, nodeId: "1", clock, logger });
  const first = made.current;
  for (let hours = 0; hours < 20 * 24; hours++) clock.jump(dayMs / 24);
  assert.equal(made.current, first);
  clock.jump(dayMs / 24);
  await until(() => made.current !== first, "another certificate is made");
  assert.ok(clock.wallTime() < expiryWarningFrom(first), "nobody is warned of what is in time");
  assert.ok(made.current.notAfter > first.notAfter);
  assert.deepEqual(made.current.authorities, first.authorities);
  const second = made.current;
  current = ["fedcba9876543210".repeat(4), secret];
  changed();
  await until(() => made.current !== second, "another certificate is made");
  assert.deepEqual(made.current.authorities?.[1], first.authorities?.[0]);
  assert.equal(logger.lines.length, 2);
  assert.ok(!logger.lines.join().includes(secret));
  made.stop();
  assert.equal(clock.timers, 0);
});

Deno.test("a certificate by secret that was made by a clock ahead is made again once that is put right", async () => {
  const clock = new ManualClock();
  let aheadMs = 365 * dayMs;
  const set = {
    now: () => clock.now(),
    wallTime: () => clock.wallTime() + aheadMs,
    after: (ms: number, callback: () => void) => clock.after(ms, callback),
  };
  const secrets = { current: [secret], onChange: () => {} };
  const logger = new LogLines();
  const made = await SecretCredentials.open({ secrets, nodeId: "1", clock: set, logger });
  const first = made.current;
  clock.jump(dayMs / 24);
  assert.equal(made.current, first);
  aheadMs = 0;
  assert.ok(first.notBefore > set.wallTime(), "nobody believes it now");
  clock.jump(60_000);
  await until(() => made.current !== first, "another certificate is made");
  assert.ok(made.current.notBefore < set.wallTime());
  made.stop();
});
