import assert from "node:assert/strict";
import { AppState } from "../../src/http/app_state.ts";
import { anybody, type Identity } from "../../src/access/types.ts";
import { parseQueryParameters } from "../../src/http/query_parameters.ts";
import type { RequestError } from "../../src/http/request_error.ts";
import { carryOut } from "../../src/http/route.ts";
import { routes } from "../../src/http/routes.ts";
import { TestStore } from "../store/fixture.ts";
import { appWith, FakeService } from "./fake_service.ts";

const changesBytes = 1024 * 1024;

function test(name: string, run: (store: TestStore) => Promise<void>): void {
  Deno.test({
    name,
    // What an app keeps running ends with the program.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      await using store = await TestStore.open({ changesBytes });
      await run(store);
    },
  });
}

interface Told {
  readonly next: string;
  readonly start?: true;
  readonly end?: true;
  readonly error?: string;
  readonly index?: number;
  readonly complete?: boolean;
  readonly tables?: Readonly<Record<string, { row_ids: boolean; columns: { name: string }[] }>>;
  readonly changes?: readonly Readonly<Record<string, unknown>>[];
}

/** A follower that reads lines of JSON. */
class Follower {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #rest = "";

  constructor(response: Response) {
    this.response = response;
    this.#reader = response.body?.getReader();
  }

  async line(): Promise<string> {
    for (;;) {
      const [line, rest] = this.#rest.split(/\n(.*)/s);
      if (rest !== undefined) {
        this.#rest = rest;
        return line ?? "";
      }
      const piece = await this.#reader?.read();
      assert.ok(piece !== undefined && !piece.done, "The stream has ended");
      this.#rest += new TextDecoder().decode(piece.value);
    }
  }

  async told(): Promise<Told> {
    return JSON.parse(await this.line());
  }

  async end(): Promise<void> {
    await this.#reader?.cancel();
  }
}

function stateOf(store: TestStore, service = new FakeService()): AppState {
  return new AppState({ ...appWith(service).parts, changes: store.store.changes });
}

async function ask(
  app: AppState,
  query: string,
  { identity = anybody, headers = {} }: { identity?: Identity; headers?: HeadersInit } = {},
): Promise<Response> {
  const url = new URL(`/db/changes?${query}`, "http://localhost");
  const route = routes.find(({ path }) => path === url.pathname);
  assert.ok(route !== undefined);
  const parameters = parseQueryParameters(url.search.slice(1));
  const request = new Request(url, { headers });
  return await carryOut(route, { app, request, parameters, identity, address: "" }, undefined);
}

async function follow(...asked: Parameters<typeof ask>): Promise<Follower> {
  const follower = new Follower(await ask(...asked));
  assert.equal(follower.response.status, 200, follower.response.statusText);
  return follower;
}

const values =
  "VALUES (1, 9223372036854775807, 2.0, 9e999, x'00ff', CAST(x'ff' AS TEXT), NULL, '')";

test("a stream tells each of SQLite's types in a form of its own, and columns once", async (store) => {
  const app = stateOf(store);
  await store.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, i, r, inf, b, raw, n, e)"]);
  const follower = await follow(app, "from=1&format=ndjson");
  assert.deepEqual(await follower.told(), { start: true, next: "1", oldest: "1" });
  const made = await follower.told();
  assert.deepEqual(made.changes, [{ op: "read_again", reason: "schema", transaction: 0 }]);
  await store.execute([`INSERT INTO t ${values}`]);
  const line = await follower.line();
  assert.ok(
    line.includes(
      '"after":{"id":1,"i":9223372036854775807,"r":2.0,"inf":{"real":"Infinity"},' +
        '"b":{"blob":"AP8="},"raw":{"text":"/w=="},"n":null,"e":""}',
    ),
    line,
  );
  const told: Told = JSON.parse(line);
  assert.deepEqual(told.tables?.t?.columns.map(({ name }) => name).join(), "id,i,r,inf,b,raw,n,e");
  await store.execute(["UPDATE t SET id = 7, e = 'x'"]);
  const updated = await follower.told();
  assert.equal(updated.tables, undefined);
  const [change] = updated.changes ?? [];
  assert.deepEqual([change?.op, change?.old_row_id, change?.new_row_id], ["update", 1, 7]);
  await store.execute(["ALTER TABLE t ADD COLUMN more", "DELETE FROM t"]);
  const deleted = await follower.told();
  assert.equal(deleted.tables?.t?.columns.length, 9);
  await follower.end();
  assert.equal(app.followers?.count, 0);
});

test("events carry the place to go on from, in the middle of an entry too", async (store) => {
  const app = stateOf(store);
  await store.execute(["CREATE TABLE t (a)"]);
  await store.execute([
    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 2000) " +
    "INSERT INTO t SELECT printf('%0300d', i) FROM c",
  ]);
  const seen: unknown[] = [];
  let parts = 0;
  let id = "2";
  // Each time anew, as a browser does whose connection breaks.
  while (seen.length < 2000) {
    const headers = { "Last-Event-ID": id };
    const response = await ask(app, "from=1", { headers });
    assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
    const follower = new Follower(response);
    const lines: string[] = [];
    while (!lines.includes("event: changes")) lines.push(await follower.line());
    const told: Told = JSON.parse((await follower.line()).slice("data: ".length));
    id = told.next;
    assert.ok(lines.includes(`id: ${id}`));
    seen.push(...(told.changes ?? []).map(({ after }) => Number(Object(after).a)));
    parts++;
    await follower.end();
  }
  assert.ok(parts > 1, "The entry came as one");
  assert.deepEqual(seen, Array.from({ length: 2000 }, (_, i) => i + 1));
  assert.equal(id, "3");
});

test("a follower hears of the tables that it names, and may read", async (store) => {
  const app = stateOf(store);
  await store.execute(["CREATE TABLE a (x)", "CREATE TABLE b (x)", "CREATE TABLE secret (x)"]);
  await store.execute(["INSERT INTO secret VALUES (1)"]);
  await store.execute(["INSERT INTO b VALUES (2)"]);
  await store.execute(["INSERT INTO a VALUES (3)", "INSERT INTO secret VALUES (4)"]);
  const tables = async (query: string, identity: Identity) => {
    const follower = await follow(app, `from=2&format=ndjson&${query}`, { identity });
    await follower.told();
    const found: unknown[] = [];
    while (!found.includes("a")) {
      const { changes = [], tables = {} } = await follower.told();
      found.push(...changes.map(({ table }) => table));
      assert.ok(!("secret" in tables) || found.includes("secret"), "Its columns are told of");
    }
    await follower.end();
    return found.join();
  };
  const bob: Identity = { username: "bob", tables: { read: ["a", "b"], write: [] } };
  assert.equal(await tables("", anybody), "secret,b,a,secret");
  assert.equal(await tables("", bob), "b,a");
  assert.equal(await tables("tables=A,secret", bob), "a");
});

test("who asks for what is not kept gets 410, and who falls behind is told so", async (store) => {
  const app = stateOf(store);
  await store.execute(["CREATE TABLE t (a)"]);
  const slow = await follow(app, "from=1&format=ndjson");
  assert.equal((await slow.told()).start, true);
  for (let i = 0; i < 12; i++) {
    await store.execute(["INSERT INTO t VALUES (randomblob(200000))"]);
  }
  let last = await slow.told();
  while (last.end !== true) last = await slow.told();
  assert.match(last.error ?? "", /are not kept any more: the oldest are those of index \d+/);
  await assert.rejects(() => ask(app, "from=1"), (error: RequestError) => {
    assert.equal(error.status, 410);
    assert.match(error.message, /^Changes from index 1 on are not kept any more/);
    return true;
  });
});

test("who stands where no entry of this cluster's has led is told to read everything again, and who has only seen more than this node is not", async (store) => {
  const service = new FakeService();
  const app = stateOf(store, service);
  await store.execute(["CREATE TABLE t (a)"]);
  const { index } = store.store.applied;
  const seenElsewhere = `from=${index + 2}&format=ndjson`;
  await assert.rejects(
    ask(app, seenElsewhere),
    ({ status, message }: RequestError) => status === 410 && /another history/.test(message),
  );
  service.sync = () => store.execute(["INSERT INTO t VALUES (1)"]).then(() => {});
  const follower = await follow(app, seenElsewhere);
  assert.equal((await follower.told()).next, String(index + 2));
  await follower.end();
});

test("what is no position, format or change log is refused", async (store) => {
  const app = stateOf(store);
  for (const query of ["from=0", "from=x", "from=1.", "from=-1", "format=xml", "from=1e3"]) {
    await assert.rejects(() => ask(app, query), /^RequestError: (from|format) is n/, query);
  }
  await assert.rejects(
    () => ask(app, "", { headers: { "Last-Event-ID": "x" } }),
    /^RequestError: Last-Event-ID is not/,
  );
  const without = new AppState(appWith(new FakeService()).parts);
  await assert.rejects(
    () => ask(without, ""),
    /this node keeps no changes: start all nodes with -ch/,
  );
});

test("all streams end when the node stops", async (store) => {
  const app = stateOf(store);
  await store.execute(["CREATE TABLE t (a)"]);
  const followers = await Promise.all(
    Array.from({ length: 20 }, () => follow(app, "format=ndjson")),
  );
  for (const follower of followers) assert.deepEqual((await follower.told()).next, "2");
  assert.equal(app.followers?.count, 20);
  const ends = followers.map((follower) => follower.told());
  app.followers?.close();
  for (const { end, next } of await Promise.all(ends)) assert.deepEqual([end, next], [true, "2"]);
});

test("events come in Debezium's envelope where they are asked for, of what may be read", async (store) => {
  const app = stateOf(store);
  await store.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, a)", "CREATE TABLE secret (a)"]);
  await store.execute(["INSERT INTO t VALUES (1, x'00ff')", "INSERT INTO secret VALUES (1)"]);
  const bob: Identity = { username: "bob", tables: { read: ["t"], write: [] } };
  const query = "from=2&format=debezium";
  const follower = await follow(app, query, { identity: bob });
  assert.match(follower.response.headers.get("content-type") ?? "", /ndjson/);
  await follower.told();
  const told = JSON.parse(await follower.line());
  assert.deepEqual([told.next, told.changes, told.tables], ["3", undefined, undefined]);
  assert.deepEqual(
    told.events.map(({ op, after, source }: Record<string, Record<string, unknown>>) => {
      return [op, after, source?.table, source?.index, source?.change];
    }),
    [["c", { id: 1, a: "AP8=" }, "t", 2, 0]],
  );
  await follower.end();
  const all = await follow(app, `${query}&schemas`);
  await all.told();
  const { events: [event, another] } = JSON.parse(await all.line());
  assert.deepEqual([event.payload.op, another.payload.source.table], ["c", "secret"]);
  assert.equal(event.schema.name, "raftlite.main.t.Envelope");
  await all.end();
});
