import assert from "node:assert/strict";
import { rightsOf } from "../../src/access/table_rights.ts";
import { plainStatements } from "../../src/store/codec/statement_codec.ts";
import { ServiceError } from "../../src/cluster/types.ts";
import { plainFormat } from "../../src/store/types.ts";
import { appWith, FakeService } from "../http/fake_service.ts";

const one = [{ sql: "INSERT INTO t VALUES(1)" }];

const tick = () => new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 1));

function sqlOf(service: FakeService): string[][] {
  return service.writes.map(({ statements }) => plainStatements(statements).map(({ sql }) => sql));
}

Deno.test("WriteQueue.add() batches requests in order, full or due", async () => {
  const service = new FakeService();
  const { queue } = appWith(service, {}, { batchSize: 3, timeoutMs: 500, transaction: true });
  const added = [];
  for (const sql of ["a", "b", "c", "d"]) {
    added.push(await queue.add({ statements: [{ sql }], size: 1 }, 1000));
  }
  await Promise.all(added.map((request) => request.written()));
  assert.deepEqual(sqlOf(service), [["a", "b", "c"], ["d"]]);
  assert.equal(service.writes[0]?.transaction, true);
  const sequences = added.map(({ sequence }) => sequence);
  assert.deepEqual(sequences, [...sequences].sort((x, y) => (x < y ? -1 : 1)));
  assert.equal(queue.figures.writtenSequence, sequences[3]);
  await queue.close(1000);
});

Deno.test("WriteQueue.add() makes clients wait for room, then refuses them", async () => {
  const service = new FakeService();
  const gate = Promise.withResolvers<void>();
  service.hold = gate.promise;
  const { queue } = appWith(service, {}, { capacity: 1, batchSize: 1, waitersMax: 1 });
  await queue.add({ statements: one, size: 1 }, 1000); // under way
  await queue.add({ statements: one, size: 1 }, 1000); // fills the queue
  await assert.rejects(queue.add({ statements: one, size: 1 }, 5), { kind: "overloaded" });
  const waiting = queue.add({ statements: one, size: 1 }, 10_000);
  await assert.rejects(
    queue.add({ statements: one, size: 1 }, 10_000),
    { kind: "overloaded" },
    "too many waiters",
  );
  gate.resolve();
  await (await waiting).written();
  assert.equal(service.writes.length, 3);
  await queue.close(1000);
});

Deno.test("WriteQueue writes what it has when clients wait for room, though no batch is full", async () => {
  const service = new FakeService();
  const { queue } = appWith(service, {}, { capacity: 2, batchSize: 3, timeoutMs: 0 });
  const added = await Promise.all(
    [1, 2, 3].map(() => queue.add({ statements: one, size: 1 }, 60_000)),
  );
  await added[0]?.written();
  assert.equal(service.writes[0]?.statements.length, 2);
  await queue.close(1000);
});

Deno.test("WriteQueue.add() bounds the size of what waits", async () => {
  const service = new FakeService();
  const gate = Promise.withResolvers<void>();
  service.hold = gate.promise;
  const { queue } = appWith(service, {}, { batchSize: 1, sizeMax: 100 });
  await queue.add({ statements: one, size: 90 }, 1000); // under way
  await queue.add({ statements: one, size: 90 }, 1000);
  await assert.rejects(queue.add({ statements: one, size: 20 }, 5), { kind: "overloaded" });
  gate.resolve();
  while (service.writes.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  // Room has come back with the batches.
  const secondGate = Promise.withResolvers<void>();
  service.hold = secondGate.promise;
  for (let i = 0; i < 3; i++) await queue.add({ statements: one, size: 40 }, 1000);
  secondGate.resolve();
  await queue.close(1000);
  assert.equal(
    service.writes.slice(2).flatMap((write) => plainStatements(write.statements)).length,
    3,
  );
});

Deno.test("WriteQueue writes all that gathered behind a full batch with it, unless each is a transaction", async () => {
  for (const transaction of [false, true]) {
    const service = new FakeService();
    const gate = Promise.withResolvers<void>();
    service.hold = gate.promise;
    const { queue } = appWith(service, {}, { batchSize: 2, transaction });
    for (let i = 0; i < 6; i++) await queue.add({ statements: one, size: 1 }, 1000);
    gate.resolve();
    await queue.close(1000);
    const batches = service.writes.map((write) => write.statements.length);
    assert.deepEqual(batches, transaction ? [2, 2, 2] : [2, 4]);
  }
});

Deno.test("WriteQueue writes a batch again that found no leader", async () => {
  const service = new FakeService();
  service.failure = new ServiceError("no_leader", "leader not found");
  const { queue, messages } = appWith(service, {}, { retryDelayMs: 1 });
  const queued = await queue.add({ statements: one, size: 1 }, 1000);
  while (service.writes.length < 3) await new Promise((resolve) => setTimeout(resolve, 1));
  service.failure = undefined;
  await queued.written();
  assert.match(messages[0] ?? "", /^WARN http Queued batch waits/);
  await queue.close(1000);
});

Deno.test("WriteQueue never repeats a batch that may have been applied", async () => {
  const service = new FakeService();
  service.failure = new ServiceError("unknown_outcome", "leader lost");
  const { queue } = appWith(service, {}, { retryDelayMs: 1 });
  const queued = await queue.add({ statements: one, size: 1 }, 1000);
  await assert.rejects(queued.written(), { kind: "unknown_outcome" });
  assert.equal(service.writes.length, 1);
  service.failure = undefined;
  await (await queue.add({ statements: one, size: 1 }, 1000)).written();
  assert.equal(service.writes.length, 2, "the queue goes on");
  await queue.close(1000);
});

Deno.test("WriteQueue repeats a request that may have been applied under its key, which does nothing twice", async () => {
  const service = new FakeService();
  service.failure = new ServiceError("unknown_outcome", "leader lost");
  const { queue } = appWith(service, {}, { retryDelayMs: 1 });
  const key = { user: "", name: "k", keptSeconds: 60, format: plainFormat, asks: false };
  const queued = await queue.add({ statements: one, size: 1, key }, 1000);
  const written = queued.written();
  const outcome = written.then(() => "written", () => "dropped");
  while (service.writes.length < 3 && await Promise.race([outcome, tick()]) === undefined);
  service.failure = undefined;
  assert.equal(await outcome, "written");
  assert.ok(service.writes.every((write) => write.key === key));
  await queue.close(1000);
});

Deno.test("WriteQueue.close() writes what waits and refuses more", async () => {
  const service = new FakeService();
  const { queue } = appWith(service, {}, { timeoutMs: 60_000, batchSize: 2 });
  for (const sql of ["a", "b", "c"]) await queue.add({ statements: [{ sql }], size: 1 }, 1000);
  await queue.close(10_000);
  assert.deepEqual(sqlOf(service), [["a", "b"], ["c"]]);
  await assert.rejects(queue.add({ statements: one, size: 1 }, 1000), { kind: "unavailable" });
});

Deno.test("WriteQueue.close() gives up in time when there is no leader", async () => {
  const service = new FakeService();
  service.failure = new ServiceError("no_leader", "leader not found");
  const { queue } = appWith(service, {}, { batchSize: 1, retryDelayMs: 60_000 });
  const first = await queue.add({ statements: one, size: 1 }, 1000);
  const second = await queue.add({ statements: one, size: 1 }, 1000);
  await queue.close(5);
  await assert.rejects(first.written());
  await assert.rejects(second.written());
});

Deno.test("/db/execute?queue&wait answers when its batch is written, or 408", async () => {
  const service = new FakeService();
  const { post, queue } = appWith(service);
  const ok = await post("/db/execute?queue&wait", '["INSERT INTO t VALUES(1)"]');
  assert.match(await ok.text(), /^\{"results":\[\],"sequence_number":\d{19}\}$/);
  assert.equal(service.writes.length, 1);
  const gate = Promise.withResolvers<void>();
  service.hold = gate.promise;
  const late = await post("/db/execute?queue&wait&timeout=5ms", '["INSERT INTO t VALUES(1)"]');
  assert.equal(late.status, 408);
  assert.equal(await late.text(), "queue wait timeout\n");
  gate.resolve();
  await queue.close(1000);
});

Deno.test("/db/execute?queue&wait with nothing to write waits for all before it", async () => {
  const service = new FakeService();
  const { post, queue } = appWith(service);
  await post("/db/execute?queue", '["INSERT INTO t VALUES(1)"]');
  assert.equal((await post("/db/execute?queue&wait", "[]")).status, 200);
  assert.equal(service.writes.length, 1);
  await post("/db/execute?queue&wait", "nonsense");
  assert.equal(service.writes.length, 1, "nothing reaches the log");
  assert.equal((await post("/db/execute?queue", "[]")).status, 400);
  await queue.close(1000);
});

Deno.test("/db/execute?queue needs a leader unless told not to", async () => {
  const service = new FakeService();
  service.leadingId = undefined;
  const { post, queue } = appWith(service);
  const refused = await post("/db/execute?queue", '["INSERT INTO t VALUES(1)"]');
  assert.equal(refused.status, 503);
  assert.equal(await refused.text(), "leader not found\n");
  assert.equal((await post("/db/execute?queue&noleader", '["SELECT 1"]')).status, 200);
  await queue.close(1000);
});

Deno.test("WriteQueue writes a request that says how it is to run by itself", async () => {
  const service = new FakeService();
  const gate = Promise.withResolvers<void>();
  service.hold = gate.promise;
  const { queue } = appWith(service, {}, { batchSize: 4 });
  const alone = [
    "PRAGMA foreign_keys=OFF",
    "-- first\n  begin",
    "/* a */commit",
    "SELECT 1 ;\nEND",
    "  RollBack TO x",
  ];
  const shared = [
    "SELECT CASE 1 WHEN 1 THEN 2 END",
    "SELECT CASE\n1 WHEN 1 THEN 2\nEND",
    "SELECT 'the end', begin",
    "SELECT pragma_x",
  ];
  await queue.add({ statements: one, size: 1 }, 1000);
  for (const sql of alone) {
    await queue.add({ statements: shared.slice(0, 2).map((sql) => ({ sql })), size: 1 }, 1000);
    await queue.add({ statements: [{ sql: "SELECT 0" }, { sql }], size: 1 }, 1000);
  }
  for (const sql of shared) await queue.add({ statements: [{ sql }], size: 1 }, 1000);
  gate.resolve();
  await queue.close(1000);
  const pairs = shared.slice(0, 2);
  const [first, ...expected] = alone.flatMap((sql) => [pairs, ["SELECT 0", sql]]);
  const all = [[...one.map(({ sql }) => sql), ...first ?? []], ...expected, shared];
  assert.deepEqual(sqlOf(service), all);
});

Deno.test("WriteQueue writes together only what users of the same rights have queued", async () => {
  const service = new FakeService();
  const { queue } = appWith(service, {}, { batchSize: 9, timeoutMs: 0 });
  const bob = rightsOf({ username: "bob", tables: { read: [], write: ["t"] } });
  const eve = rightsOf({ username: "eve", tables: { read: [], write: ["t"] } });
  const queued = [undefined, bob, bob, eve, undefined, undefined, bob];
  for (const [i, rights] of queued.entries()) {
    await queue.add({ statements: [{ sql: `${i}` }], size: 1, rights }, 1000);
  }
  await queue.close(1000);
  assert.deepEqual(sqlOf(service), [["0"], ["1", "2"], ["3"], ["4", "5"], ["6"]]);
  assert.deepEqual(service.writes.map(({ rights }) => rights), [
    undefined,
    bob,
    eve,
    undefined,
    bob,
  ]);
});
