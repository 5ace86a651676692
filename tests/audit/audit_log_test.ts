import { strict as assert } from "node:assert";
import { AuditLog, type AuditSink } from "../../src/audit/audit_log.ts";
import type { AuditEvent } from "../../src/audit/types.ts";
import { ManualClock } from "../transport/fixture.ts";

const decoder = new TextDecoder();

/** Keeps what it is given, when it may and can. */
class Sink implements AuditSink {
  text = "";
  writes = 0;
  reopened = 0;
  closed = false;
  failure: string | undefined;
  hold: Promise<void> | undefined;

  async write(bytes: Uint8Array): Promise<void> {
    this.writes++;
    await this.hold;
    if (this.failure !== undefined) throw new Error(this.failure);
    this.text += decoder.decode(bytes);
  }

  reopen(): void {
    this.reopened++;
  }

  close(): void {
    this.closed = true;
  }

  get lines(): Record<string, unknown>[] {
    return this.text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  }
}

function open(wantsSql = false) {
  const sink = new Sink();
  const clock = new ManualClock();
  const logged: string[] = [];
  const logger = {
    log: (_: unknown, room: string, text: string) => void logged.push(`${room}: ${text}`),
  };
  const log = new AuditLog({ sink, clock, logger, node: "n1", wantsSql });
  return { sink, clock, logged, log };
}

/** Lets all be written that can be. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await undefined;
}

const act: AuditEvent = { what: "snapshot", outcome: "ok" };

Deno.test("AuditLog writes a line of JSON for each event, in their order, and only what there is", async () => {
  const { sink, log, clock } = open();
  clock.jump(1_000);
  log.record({
    what: "remove",
    outcome: "ok",
    requester: { username: "bob", address: "10.0.0.9" },
    through: { node: "n2", address: "10.0.0.2" },
    details: { target: "n3", forwarded_to: undefined, nodes: ["a", "b"], bytes: 7 },
    sql: "SELECT secret",
  });
  log.record({
    what: "request",
    outcome: "refused",
    claimedUser: 'a"\n',
    requester: { address: "" },
  });
  await log.close();
  assert.equal(
    sink.text,
    '{"time":"1970-01-01T00:00:01.000Z","node":"n1","what":"remove","outcome":"ok","user":"bob",' +
      '"address":"10.0.0.9","through_node":"n2","through_address":"10.0.0.2","target":"n3",' +
      '"nodes":["a","b"],"bytes":7}\n' +
      '{"time":"1970-01-01T00:00:01.000Z","node":"n1","what":"request","outcome":"refused",' +
      '"claimed_user":"a\\"\\n"}\n',
  );
  assert(sink.closed);
  assert.deepEqual(log.figures, { written: 2, lost: 0, failure: undefined });
});

Deno.test("AuditLog cuts what strangers may choose, and writes SQL only where it is asked for", async () => {
  for (const wantsSql of [false, true]) {
    const { sink, log } = open(wantsSql);
    const long = "x".repeat(100_000);
    log.record({
      what: "request",
      outcome: "refused",
      claimedUser: long,
      details: { path: long, nodes: Array.from({ length: 1000 }, () => long) },
      sql: long,
    });
    await log.close();
    const [line] = sink.lines;
    assert(line !== undefined);
    assert.equal(line.claimed_user, `${"x".repeat(512)}…`);
    assert.equal((line.nodes as string[]).length, 65);
    assert.equal(line.sql, wantsSql ? `${"x".repeat(4096)}…` : undefined);
    assert(sink.text.length < 50_000);
  }
});

Deno.test("AuditLog keeps lines that cannot be written until they can, and says so once", async () => {
  const { sink, log, clock, logged } = open();
  sink.failure = "Cannot write a.log: the disk is full";
  log.record(act);
  await settled();
  assert.equal(log.figures.failure, sink.failure);
  log.record(act);
  for (let i = 0; i < 3; i++) {
    clock.jump(1_000);
    await settled();
  }
  assert.equal(sink.writes, 4);
  assert.deepEqual(logged, [
    `audit: Audit lines cannot be written, and wait until they can: ${sink.failure}`,
  ]);
  sink.failure = undefined;
  clock.jump(1_000);
  await settled();
  assert.equal(sink.lines.length, 2);
  assert.equal(logged[1], "audit: Audit lines are written again; 0 events since are in no line");
  assert.deepEqual(log.figures, { written: 2, lost: 0, failure: undefined });
  await log.close();
});

Deno.test("AuditLog counts what it has no room for, and the next line says so", async () => {
  const { sink, log, clock, logged } = open();
  sink.failure = "full";
  const big: AuditEvent = {
    ...act,
    details: { a: Array.from({ length: 64 }, () => "x".repeat(512)) },
  };
  for (let i = 0; i < 50; i++) log.record(big);
  await settled();
  const { lost } = log.figures;
  assert(lost > 0 && lost < 30, String(lost));
  sink.failure = undefined;
  clock.jump(1_000);
  await settled();
  assert.match(logged[1] ?? "", new RegExp(`; ${lost} events since are in no line`));
  log.record(act);
  log.record(act);
  await log.close();
  assert.deepEqual(sink.lines.slice(-2).map((line) => line.lost_before), [lost, undefined]);
  assert.equal(log.figures.written + log.figures.lost, 52);
});

Deno.test("AuditLog bounds what strangers cause, by address and in all, and never what succeeds", async () => {
  const { sink, log, clock } = open();
  const refused = (address: string): AuditEvent => ({
    what: "request",
    outcome: "refused",
    requester: { address },
  });
  const written = async () => {
    await settled();
    return log.figures.written;
  };
  for (let i = 0; i < 1_000; i++) log.record(refused("192.0.2.7"));
  assert.equal(await written(), 200);
  log.record(refused("192.0.2.8"));
  assert.equal(await written(), 201, "another address has its own bound");
  log.record(act);
  assert.equal(sink.lines.at(-1)?.what ?? "", "request");
  assert.equal(await written(), 202);
  assert.equal(sink.lines.at(-2)?.lost_before, 800, "told by the next line");
  clock.jump(100);
  for (let i = 0; i < 10; i++) log.record(refused("192.0.2.7"));
  assert.equal(await written(), 203);
  for (let host = 0; host < 250; host++) {
    for (let i = 0; i < 20; i++) log.record(refused(`10.0.0.${host}`));
  }
  const all = await written();
  assert(all > 1_800 && all <= 2_203, String(all));
  for (let i = 0; i < 500; i++) log.record(act);
  assert.equal(await written(), all + 500);
  await log.close();
});

Deno.test("AuditLog closes in time although its file does not answer, and says what is lost", async () => {
  const { sink, log, clock, logged } = open();
  sink.hold = new Promise(() => {});
  log.record(act);
  const closing = log.close();
  await settled();
  clock.jump(1_000);
  await closing;
  assert.deepEqual(logged, ["audit: 1 audit lines are lost: they could not be written"]);
});

Deno.test("AuditLog goes on in a new file when it is told to, and tries at once what waits", async () => {
  const { sink, log } = open();
  sink.failure = "no such directory";
  log.record(act);
  await settled();
  sink.failure = undefined;
  await log.check();
  await settled();
  assert.equal(sink.reopened, 1);
  assert.equal(sink.lines.length, 1);
  await log.close();
});
