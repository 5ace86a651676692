import assert from "node:assert/strict";
import { expiryWarningFrom, ExpiryWatch } from "../../src/tls/expiry.ts";
import { LogLines, ManualClock } from "../transport/fixture.ts";

const dayMs = 86_400_000;

Deno.test("a certificate's end is told from 30 days before, twice a day, until another is in force", () => {
  const clock = new ManualClock();
  const logger = new LogLines();
  let notAfter = 31 * dayMs;
  const watch = new ExpiryWatch({
    what: "The certificate",
    validity: () => ({ notBefore: -365 * dayMs, notAfter }),
    clock,
    logger,
  });
  assert.deepEqual(logger.lines, []);
  for (let day = 0; day < 31; day += 0.5) clock.jump(dayMs / 2);
  assert.match(logger.lines[0] ?? "", /^WARN The certificate ends in 30 days, on 1970-02-01/);
  assert.match(logger.lines.at(-2) ?? "", /^WARN The certificate ends within a day/);
  assert.match(logger.lines.at(-1) ?? "", /^ERROR The certificate ended on 1970-02-01/);
  const lines = logger.lines.length;
  assert.equal(lines, 60);
  notAfter = 400 * dayMs;
  clock.jump(dayMs / 2);
  assert.equal(logger.lines.length, lines);
  watch.stop();
  assert.equal(clock.timers, 0);
});

Deno.test("who renews certificates when a third of their time is left is never told to", () => {
  for (const days of [1, 6, 31, 90, 398]) {
    const certificate = { notBefore: 0, notAfter: days * dayMs };
    assert.ok(expiryWarningFrom(certificate) > certificate.notAfter * 2 / 3, `${days} days`);
    assert.ok(expiryWarningFrom(certificate) < certificate.notAfter, `${days} days`);
  }
});
