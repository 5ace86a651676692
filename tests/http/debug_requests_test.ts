import assert from "node:assert/strict";
import { Gate } from "../../src/access/gate.ts";
import { HashChecker } from "../../src/access/hash_checker.ts";
import { parseUsersFile } from "../../src/access/users_file.ts";
import { DenoClock } from "../../src/io/deno_clock.ts";
import { ByteWriter } from "../../src/base/bytes.ts";
import { Withdrawal } from "../../src/cluster/withdrawal.ts";
import { handedWrites } from "../../src/http/handed_writes.ts";
import { writeHanded } from "../../src/http/threads/handed_write.ts";
import { type HandedWriteHandler, WriteTaker } from "../../src/http/threads/write_taker.ts";
import { plainFormat, type Statement } from "../../src/store/types.ts";
import { appWith, FakeService } from "./fake_service.ts";

/** Reads leave a timer behind for a moment, which watches clients that go away. */
function httpTest(name: string, run: () => Promise<void>): void {
  Deno.test({ name, sanitizeOps: false, sanitizeResources: false, fn: run });
}

/** An app whose service holds what it is asked for until `release`. */
function holdingApp() {
  const service = new FakeService();
  const { promise, resolve: release } = Promise.withResolvers<void>();
  service.hold = promise;
  return { service, release, ...appWith(service) };
}

interface Shown {
  readonly requests: {
    readonly id: number;
    readonly path: string;
    readonly state: string;
    readonly user?: string;
    readonly address?: string;
    readonly statements: number;
    readonly sql: readonly string[];
  }[];
  readonly queued: readonly Record<string, unknown>[];
}

type Fetch = ReturnType<typeof appWith>["fetch"];

async function shown(fetch: Fetch, init?: RequestInit): Promise<Shown> {
  const response = await fetch("/debug/requests", init);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text);
}

httpTest(
  "/debug/requests shows reads and writes under way without their values, and none that is over",
  async () => {
    const { fetch, post, release } = holdingApp();
    const read = fetch("/db/query?q=SELECT+'secret'&level=none");
    const write = post(
      "/db/execute",
      '[["INSERT INTO t VALUES (?)", "secret"], "DELETE FROM t WHERE a = 5"]',
    );
    await new Promise((resolve) => setTimeout(resolve));
    const { requests, queued } = await shown(fetch);
    assert.deepEqual(queued, []);
    assert.deepEqual(
      requests.map(({ path, state, address, statements, sql }) => ({
        path,
        state,
        address,
        statements,
        sql,
      })),
      [
        {
          path: "/db/query",
          state: "reading",
          address: "192.0.2.1",
          statements: 1,
          sql: ["SELECT ?"],
        },
        {
          path: "/db/execute",
          state: "waiting",
          address: "192.0.2.1",
          statements: 2,
          sql: ["INSERT INTO t VALUES (?)", "DELETE FROM t WHERE a = ?"],
        },
      ],
    );
    release();
    for (const answer of [await read, await write]) assert.equal(answer.status, 200);
    assert.deepEqual((await shown(fetch)).requests, []);
  },
);

httpTest("DELETE /debug/requests/ID ends a read, whose client is told", async () => {
  const service = new FakeService();
  service.hold = new Promise(() => {});
  const { fetch } = appWith(service);
  const read = fetch("/db/query?q=SELECT+1&level=none");
  await new Promise((resolve) => setTimeout(resolve));
  const [{ id } = assert.fail()] = (await shown(fetch)).requests;
  const path = `/debug/requests/${id}`;
  assert.equal((await fetch(path, { method: "DELETE" })).status, 200);
  const answer = await read;
  assert.equal(answer.status, 500);
  assert.equal(await answer.text(), `ended by DELETE /debug/requests/${id}\n`);
  const again = await fetch(path, { method: "DELETE" });
  assert.equal(again.status, 404);
  assert.equal(await again.text(), `no request ${id} is under way\n`);
});

httpTest("DELETE /debug/requests/ID does not end a write that has gone to the leader", async () => {
  const { service, fetch, post, release } = holdingApp();
  const write = post("/db/execute", '["DELETE FROM t"]');
  await new Promise((resolve) => setTimeout(resolve));
  service.writes[0]?.withdrawal?.propose();
  const [{ id, state } = assert.fail()] = (await shown(fetch)).requests;
  assert.equal(state, "proposed");
  const refused = await fetch(`/debug/requests/${id}`, { method: "DELETE" });
  assert.equal(refused.status, 409);
  assert.match(await refused.text(), /cannot be ended: its write has gone to the leader/);
  release();
  assert.equal((await write).status, 200);
});

httpTest("/debug/requests shows what the queue holds, by whom", async () => {
  const service = new FakeService();
  const { fetch, post, queue } = appWith(service, {}, { timeoutMs: 0, batchSize: 2 });
  const { sequence_number } = JSON.parse(
    await (await post("/db/execute?queue", '[["INSERT INTO t VALUES (?)", 1]]')).text(),
  );
  const text = await (await fetch("/debug/requests")).text();
  assert.match(text, new RegExp(`"sequence_number":${queue.waiting[0]?.sequence}\\b`));
  const { queued } = JSON.parse(text) as Shown;
  assert.deepEqual(queued.map(({ age_ms: _, ...rest }) => rest), [{
    sequence_number,
    state: "queued",
    address: "192.0.2.1",
    statements: 1,
    sql: ["INSERT INTO t VALUES (?)"],
  }]);
});

/** Has the other threads' taker take writes of these statements; resolves once all are answered. */
function handed(handler: HandedWriteHandler, writes: readonly (readonly Statement[])[]) {
  const answered = Promise.withResolvers<void>();
  let left = writes.length;
  const taker = new WriteTaker(handler, ({ ids }) => {
    left -= ids.length;
    if (left === 0) answered.resolve();
  });
  const writer = new ByteWriter();
  writes.forEach((statements, id) =>
    writeHanded(writer, {
      ...{ id, transaction: false, format: plainFormat, statementTimeoutMs: 0, timeoutMs: 30_000 },
      ...{ key: null, username: undefined, address: "192.0.2.7", statements },
    })
  );
  taker.take(writer.copy());
  return answered.promise;
}

httpTest(
  "/debug/requests makes objects of few writes that other threads have read, and shows all",
  async () => {
    const { fetch, state, release } = holdingApp();
    const insert = (bytes: number) => [{
      sql: "INSERT INTO t VALUES (?, 1)",
      positional: ["x".repeat(bytes)],
    }];
    const writes = [
      insert(8),
      insert(20_000),
      ...Array.from({ length: 1_000 }, () => insert(8_000)),
    ];
    const over = handed(handedWrites(state), writes);
    await new Promise((resolve) => setTimeout(resolve));
    const { requests } = await shown(fetch);
    assert.equal(requests.length, writes.length);
    for (const request of requests) {
      assert.equal(request.address, "192.0.2.7");
      assert.equal(request.statements, 1);
    }
    assert.deepEqual(requests[0]?.sql, ["INSERT INTO t VALUES (?, …)"]);
    assert.deepEqual(requests[1]?.sql, [], "a large one");
    const told = requests.filter(({ sql }) => sql.length > 0).length;
    assert.ok(told >= 20 && told <= 40, `${told} of ${writes.length} with their SQL`);
    assert.ok((requests[told]?.sql.length ?? 0) > 0, "the oldest");
    release();
    await over;
  },
);

httpTest("/debug/requests reads a bounded part of the SQL of very many requests", async () => {
  const service = new FakeService();
  const { fetch, state } = appWith(service);
  const statements = Array.from(
    { length: 12 },
    () => ({ sql: `SELECT 1 -- ${"x".repeat(5_000)}` }),
  );
  const requester = { username: "", address: "192.0.2.1" };
  const request = { url: "http://localhost/db/query" };
  const running = Array.from({ length: 500 }, () => {
    return state.running.begin({ request, requester, statements }, { write: new Withdrawal() });
  });
  const { requests } = await shown(fetch);
  const told = requests.map(({ sql }) => sql.length);
  assert.equal(told.length, running.length);
  assert.deepEqual(told.slice(0, 12), Array.from({ length: 12 }, () => 10));
  assert.equal(told.reduce((sum, each) => sum + each), 128);
  for (const each of running) each[Symbol.dispose]();
});

httpTest("users with rights by table see and end what they ask for themselves only", async () => {
  const { users } = parseUsersFile(JSON.stringify([
    {
      username: "some",
      password: "p",
      perms: ["query", "status", "leader-ops"],
      tables: { read: ["t"], write: [] },
    },
    { username: "all", password: "p", perms: ["all"] },
  ]));
  const gate = new Gate({ users: () => users, hashes: new HashChecker(), clock: new DenoClock() });
  const service = new FakeService();
  service.hold = new Promise(() => {});
  const { fetch } = appWith(service, {}, {}, { gate });
  const as = (name: string, method = "GET") => ({
    method,
    headers: { authorization: `Basic ${btoa(`${name}:p`)}` },
  });
  const reads = ["some", "all"].map((name) => fetch("/db/query?q=SELECT+1&level=none", as(name)));
  await new Promise((resolve) => setTimeout(resolve));
  const namesFor = async (name: string) =>
    (await shown(fetch, as(name))).requests.map(({ user }) => user);
  assert.deepEqual(await namesFor("all"), ["some", "all"]);
  assert.deepEqual(await namesFor("some"), ["some"]);
  const [own, others] = (await shown(fetch, as("all"))).requests;
  const end = async (id: number | undefined, name: string) =>
    (await fetch(`/debug/requests/${id}`, as(name, "DELETE"))).status;
  assert.equal(await end(others?.id, "some"), 404);
  assert.equal(await end(own?.id, "some"), 200);
  assert.equal(await end(others?.id, "all"), 200);
  for (const read of reads) assert.equal((await read).status, 500);
});
