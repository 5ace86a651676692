import { strict as assert } from "node:assert";
import type { Audit, AuditEvent } from "../../src/audit/types.ts";
import { ServiceError } from "../../src/cluster/types.ts";
import { routes } from "../../src/http/routes.ts";
import { appWith, FakeService, memberOne, memberTwo } from "./fake_service.ts";

/** Keeps what it is told. */
class HeldAudit implements Audit {
  readonly events: AuditEvent[] = [];
  readonly wantsSql = false;

  record(event: AuditEvent): void {
    this.events.push(event);
  }

  /** What was told since it was last asked. */
  take(): string[] {
    return this.events.splice(0).map(({ what, outcome, details }) =>
      [what, outcome, details?.reason, details?.bytes].filter((one) => one !== undefined).join(" ")
    );
  }
}

function audited(service = new FakeService()) {
  const audit = new HeldAudit();
  return { audit, service, ...appWith(service, {}, {}, { audit }) };
}

function post(body?: string): RequestInit {
  return { method: "POST", body: body ?? null };
}

Deno.test("the audit is told of an act once, with what came of it", async () => {
  const { audit, service, fetch } = audited();
  await fetch("/snapshot", post());
  assert.deepEqual(audit.take(), ["snapshot ok"]);
  service.failure = new ServiceError("unavailable", "The disk is full");
  await fetch("/snapshot", post());
  assert.deepEqual(audit.take(), ["snapshot failed The disk is full"]);
  service.failure = new ServiceError("unknown_outcome", "Outcome unknown: it broke");
  await fetch("/remove", { method: "DELETE", body: '{"id":"1"}' });
  assert.deepEqual(audit.take(), ["remove unknown Outcome unknown: it broke"]);
  service.failure = undefined;
  await fetch("/remove", { method: "DELETE", body: "[" });
  assert.deepEqual(audit.take(), ["remove failed"]);
  service.members = [memberOne, memberTwo];
  service.leadingId = "2";
  await fetch("/remove?redirect", { method: "DELETE", body: '{"id":"1"}' });
  assert.equal(audit.events[0]?.details?.forwarded_to, memberTwo.address);
  assert.deepEqual(audit.take(), ["remove redirected"]);
});

Deno.test("the audit is told of nothing that merely reads or writes rows, or has no such method", async () => {
  const { audit, fetch } = audited();
  for (const { path, methods, acts = {} } of routes) {
    const all = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    for (const method of all.filter((one) => acts[one] === undefined)) {
      const isKnown = methods === "any" || methods.includes(method);
      const body = isKnown && method === "POST" ? '["INSERT INTO t VALUES (1)"]' : null;
      // Else a profile takes half a minute.
      await (await fetch(`${path}?seconds=0.01`, { method, body })).body?.cancel();
      assert.deepEqual(audit.take(), [], `${method} ${path}`);
    }
  }
});

Deno.test("the audit is told of a backup when it begins, and of its end, whichever that is", async () => {
  const { audit, fetch } = audited();
  const whole = await fetch("/db/backup");
  assert.deepEqual(audit.take(), ["backup begun"]);
  await whole.bytes();
  assert.deepEqual(audit.take(), ["backup ok 15"]);
  const given = await fetch("/db/backup?compress");
  await given.body?.cancel();
  for (let turn = 0; turn < 50; turn++) await undefined;
  const told = audit.take();
  assert.equal(told[0], "backup begun");
  assert.match(told[1] ?? "", /^backup (failed its client went away|ok 15)/);
  assert.equal(told.length, 2);
  const refused = await fetch("/db/backup?vacuum&fmt=sql");
  assert.equal(refused.status, 500);
  assert.deepEqual(audit.take(), ["backup failed"]);
});

Deno.test("the audit is told of a backup that breaks off", async () => {
  const service = new FakeService();
  service.backup = () =>
    Promise.resolve({
      position: { index: 1, term: 1 },
      sizeBytes: 100,
      body: ReadableStream.from(
        (async function* () {
          yield new Uint8Array(10);
          throw new Error("The disk does not answer");
        })(),
      ),
    });
  const { audit, fetch } = audited(service);
  await assert.rejects((await fetch("/db/backup")).bytes());
  assert.deepEqual(audit.take(), ["backup begun", "backup failed The disk does not answer 10"]);
});

Deno.test("a backup of a copy that is found damaged before its end breaks off", async () => {
  const service = new FakeService();
  const status = service.status();
  const found = () => ({ ...status, damage: "table t differs" });
  service.backup = () =>
    Promise.resolve({
      position: { index: 1, term: 1 },
      sizeBytes: 10,
      body: ReadableStream.from(
        (async function* () {
          yield new Uint8Array(10);
          service.status = found;
        })(),
      ),
    });
  const { audit, fetch } = audited(service);
  await assert.rejects((await fetch("/db/backup")).bytes());
  const why = "This node's copy was found damaged: table t differs";
  assert.deepEqual(audit.take(), ["backup begun", `backup failed ${why} 10`]);
});
