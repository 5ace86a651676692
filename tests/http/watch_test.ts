import assert from "node:assert/strict";
import { anybody, type Identity } from "../../src/access/types.ts";
import { Prng } from "../../src/base/prng.ts";
import { AppState } from "../../src/http/app_state.ts";
import { parseQueryParameters } from "../../src/http/query_parameters.ts";
import type { RequestError } from "../../src/http/request_error.ts";
import { carryOut } from "../../src/http/route.ts";
import { routes } from "../../src/http/routes.ts";
import { seeds } from "../store/seeds.ts";
import { TestStore } from "../store/fixture.ts";
import { appWith, FakeService } from "./fake_service.ts";
import { Watcher } from "./watcher.ts";

const both = ["kept", "none"] as const;
const logs = { kept: 1024 * 1024, none: undefined };

/** Runs a test with a change log, or without one. */
function test(
  name: string,
  run: (store: TestStore, app: AppState) => Promise<void>,
  kinds: readonly (keyof typeof logs)[] = ["kept"],
): void {
  for (const kind of kinds) {
    Deno.test({
      name: `${name} (change log: ${kind})`,
      // What an app keeps running ends with the program.
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async () => {
        await using store = await TestStore.open({ changesBytes: logs[kind] });
        const { parts } = appWith(new FakeService());
        const app = new AppState({ ...parts, changes: store.store.changes, live: store.store });
        await run(store, app);
        app.live.close();
      },
    });
  }
}

interface Asking {
  readonly identity?: Identity;
  readonly headers?: HeadersInit;
  readonly body?: unknown;
}

async function ask(app: AppState, query: string, asking: Asking = {}): Promise<Response> {
  const { identity = anybody, headers = {}, body } = asking;
  const url = new URL(`/db/watch?${query}`, "http://localhost");
  const route = routes.find(({ path }) => path === url.pathname);
  assert.ok(route !== undefined);
  const parameters = parseQueryParameters(url.search.slice(1));
  const request = new Request(
    url,
    body === undefined ? { headers } : {
      headers: { ...headers, "content-type": "application/json" },
      method: "POST",
      body: JSON.stringify(body),
    },
  );
  return await carryOut(route, { app, request, parameters, identity, address: "" }, undefined);
}

async function watch(app: AppState, sql: string, asking: Asking = {}): Promise<Watcher> {
  const query = `format=ndjson&q=${encodeURIComponent(sql)}`;
  return new Watcher(await ask(app, asking.body === undefined ? query : "format=ndjson", asking));
}

async function refused(asked: Promise<unknown>, status: number, message: RegExp): Promise<void> {
  await assert.rejects(asked, (error: RequestError) => {
    assert.match(error.message, message);
    assert.equal(error.status, status, error.message);
    return true;
  });
}

test("a watcher is sent rows, and then what is other", async (store, app) => {
  await store.execute([
    "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, size REAL)",
    "CREATE TABLE other (a)",
    "INSERT INTO t VALUES (1, 'a', 1.5), (2, 'b', 2), (3, 'c', NULL)",
  ]);
  const watcher = await watch(app, "SELECT name, size FROM t ORDER BY id");
  assert.deepEqual(await watcher.next(), {
    index: 1,
    columns: ["name", "size"],
    types: ["text", "real"],
    rows: [["a", 1.5], ["b", 2], ["c", null]],
  });
  await store.execute(["UPDATE t SET size = 9 WHERE id = 2", "INSERT INTO t VALUES (0, 'z', 0)"]);
  assert.deepEqual(await watcher.next(), {
    index: 2,
    changes: [[0, 0, [["z", 0]]], [2, 1, [["b", 9]]]],
  });
  await store.execute(["DELETE FROM t WHERE id > 1"]);
  assert.deepEqual(await watcher.next(), { index: 3, changes: [[2, 2, []]] });
  assert.deepEqual(watcher.rows, [["z", 0], ["a", 1.5]]);
  await watcher.end();
  assert.equal(app.live.watchers.count, 0);
  assert.deepEqual([app.live.figures.queries, app.live.figures.bytes], [0, 0]);
}, both);

test("events have a name and an index, by which a browser comes back", async (store, app) => {
  await store.execute(["CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"]);
  const response = await ask(app, "q=SELECT+a+FROM+t&associative", {
    headers: { "Last-Event-ID": "1" },
  });
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal(
    (await reader?.read())?.value,
    'id: 1\nevent: rows\ndata: {"index":1,"columns":["a"],"types":["integer"],"rows":[{"a":1}]}\n\n',
  );
  await store.execute(["INSERT INTO t VALUES (2)"]);
  assert.equal(
    (await reader?.read())?.value,
    'id: 2\nevent: changes\ndata: {"index":2,"changes":[[1,0,[{"a":2}]]]}\n\n',
  );
  await reader?.cancel();
});

test("what a query does not read does not have it run", async (store, app) => {
  await store.execute([
    "CREATE TABLE a (x)",
    "CREATE TABLE b (x)",
    "CREATE VIEW v AS SELECT a.x FROM a JOIN b USING (x)",
    "CREATE TABLE other (x)",
  ]);
  const watcher = await watch(app, "SELECT count(*) FROM v");
  await watcher.next();
  const { runs } = app.live.figures;
  for (let i = 0; i < 5; i++) await store.execute(["INSERT INTO other VALUES (1)"]);
  await store.execute(["INSERT INTO a VALUES (1)"]);
  await store.execute(["INSERT INTO b VALUES (1)"]);
  while (watcher.rows[0]?.toString() !== "1") await watcher.next();
  assert.ok(app.live.figures.runs <= runs + 2, `It was run ${app.live.figures.runs - runs} times`);
  await watcher.end();
});

test(
  "who comes later is told rows as of what is applied, though they have not changed since",
  async (store, app) => {
    await store.execute(["CREATE TABLE t (a)", "CREATE TABLE other (a)"]);
    const first = await watch(app, "SELECT a FROM t");
    assert.equal((await first.next())?.index, 1);
    await store.execute(["INSERT INTO other VALUES (1)"]);
    await store.execute(["INSERT INTO other VALUES (2)"]);
    const { runs } = app.live.figures;
    const second = await watch(app, "SELECT a FROM t");
    assert.deepEqual([(await second.next())?.index, second.rows], [3, []]);
    assert.equal(app.live.figures.runs, runs, "It was run again");
    await first.end();
    await second.end();
  },
);

test(
  "rows of virtual tables are followed, and of functions that are written like tables",
  async (store, app) => {
    await store.execute([
      "CREATE VIRTUAL TABLE f USING fts5(text)",
      "CREATE TABLE t (a)",
      "INSERT INTO f VALUES ('one two')",
    ]);
    const watcher = await watch(app, "SELECT rowid FROM f WHERE f MATCH 'two'");
    const other = await watch(app, "SELECT value FROM t, json_each(a)");
    await watcher.next();
    await other.next();
    await store.execute(["INSERT INTO f VALUES ('two three')"]);
    await watcher.next();
    assert.deepEqual(watcher.rows, [[1], [2]]);
    await store.execute(["INSERT INTO t VALUES ('[3,4]')"]);
    await other.next();
    assert.deepEqual(other.rows, [[3], [4]]);
    await watcher.end();
    await other.end();
  },
);

test("tables are followed that SQLite keeps by itself", async (store, app) => {
  await store.execute([
    "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a)",
    "CREATE INDEX i ON t (a)",
    "INSERT INTO t (a) VALUES (1)",
    "ANALYZE",
  ]);
  const ids = await watch(app, "SELECT seq FROM sqlite_sequence");
  const statistics = await watch(app, "SELECT stat FROM sqlite_stat1 WHERE idx = 'i'");
  await ids.next();
  await statistics.next();
  await store.execute(["INSERT INTO t (a) VALUES (1)"]);
  await ids.next();
  assert.deepEqual(ids.rows, [[2]]);
  await store.execute(["UPDATE sqlite_sequence SET seq = 7"]);
  await ids.next();
  assert.deepEqual(ids.rows, [[7]]);
  await store.execute(["ANALYZE"]);
  await statistics.next();
  assert.deepEqual(statistics.rows, [["2 2"]]);
  await ids.end();
  await statistics.end();
});

test(
  "parameters come in a body, and watchers of the same query share its runs",
  async (store, app) => {
    await store.execute(["CREATE TABLE t (a)", "INSERT INTO t VALUES (1), (2), (3)"]);
    const body = [["SELECT a FROM t WHERE a > ? AND a < ?", 1, 9]];
    const watchers = await Promise.all(Array.from({ length: 50 }, () => watch(app, "", { body })));
    await Promise.all(watchers.map((watcher) => watcher.next()));
    assert.equal(app.live.figures.queries, 1);
    const named = await watch(app, "", { body: [["SELECT a FROM t WHERE a > :a", { a: 2 }]] });
    await named.next();
    assert.deepEqual(named.rows, [[3]]);
    assert.equal(app.live.figures.queries, 2);
    await store.execute(["INSERT INTO t VALUES (4)"]);
    for (const watcher of watchers) {
      await watcher.next();
      assert.deepEqual(watcher.rows, [[2], [3], [4]]);
      await watcher.end();
    }
    await named.end();
  },
);

test(
  "a schema that changes, and a database that is another's, are told as rows or an end",
  async (store, app) => {
    await store.execute(["CREATE TABLE t (a INTEGER)", "INSERT INTO t VALUES (1)"]);
    const all = await watch(app, "SELECT * FROM t");
    const some = await watch(app, "SELECT a FROM t");
    await all.next();
    await some.next();
    await store.execute(["ALTER TABLE t ADD COLUMN b DEFAULT 7"]);
    const told = await all.next();
    assert.deepEqual([told?.columns, told?.rows], [["a", "b"], [[1, 7]]]);
    await store.load("DROP TABLE t; CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x'), (1)");
    await some.next();
    assert.deepEqual([some.rows, some.types], [[["x"], ["1"]], ["text"]]);
    await store.execute(["DROP TABLE t"]);
    let last = await some.next();
    while (last?.end !== true) last = await some.next();
    assert.equal(last.error, "no such table: t");
    assert.equal(await some.next(), undefined);
    await all.end();
    await refused(watch(app, "SELECT a FROM t"), 400, /^no such table: t$/);
  },
  both,
);

test("who may not read what a query reads is refused", async (store, app) => {
  await store.execute(["CREATE TABLE t (a)", "CREATE TABLE secret (a)"]);
  await store.execute(["CREATE VIEW v AS SELECT * FROM secret"]);
  const identity: Identity = { username: "bob", tables: { read: ["t"], write: [] } };
  const watcher = await watch(app, "SELECT a FROM t", { identity });
  const own = await watch(app, "SELECT a FROM t");
  await watcher.next();
  assert.equal(app.live.figures.queries, 2, "They share what was run with other rights");
  const prohibited = /is prohibited: user "bob" may not read it$/;
  await refused(watch(app, "SELECT a FROM secret", { identity }), 400, prohibited);
  await refused(watch(app, "SELECT count(*) FROM v", { identity }), 400, prohibited);
  await watcher.end();
  await own.end();
});

test("what is no query, or too much, is refused or ended", async (store, app) => {
  await store.execute(["CREATE TABLE t (a)"]);
  for (const sql of ["INSERT INTO t VALUES (1)", "PRAGMA user_version", "EXPLAIN SELECT 1", "--"]) {
    await refused(watch(app, sql), 400, /^A live query is one SELECT/);
  }
  await refused(watch(app, "SELECT 1; SELECT 2"), 400, /^A live query is one SELECT/);
  await refused(watch(app, "SELEC 1"), 400, /^near "SELEC": syntax error$/);
  await refused(watch(app, "", { body: ["SELECT 1", "SELECT 2"] }), 400, /^a watch is of one SELE/);
  const many = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 20000) ";
  await refused(watch(app, `${many} SELECT i FROM c`), 400, /^A live query may have 10000 rows/);
  await refused(
    watch(app, `${many} SELECT printf('%01000d', i) FROM c LIMIT 2000`),
    400,
    /^A live query may have 10000 rows and 1048576 bytes/,
  );
  const endless = many.replace("20000", "1e12");
  await refused(
    ask(app, `db_timeout=30ms&q=${encodeURIComponent(`${endless} SELECT sum(i) FROM c`)}`),
    400,
    /^query timeout$/,
  );
  const watcher = await watch(app, "SELECT t.a, b.a FROM t, t b");
  await watcher.next();
  await store.execute([`${many} INSERT INTO t SELECT i FROM c LIMIT 200`]);
  const last = await watcher.next();
  assert.match(last?.error ?? "", /^A live query may have 10000 rows/);
  assert.equal(await watcher.next(), undefined);
  assert.deepEqual([app.live.watchers.count, app.live.figures.queries], [0, 0]);
});

test("a watcher is listed, and can be sent away", async (store, app) => {
  await store.execute(["CREATE TABLE t (a)"]);
  const watcher = await watch(app, "SELECT a FROM t");
  await watcher.next();
  const [running, another] = app.running.all;
  assert.deepEqual([running?.state, another], ["streaming", undefined]);
  const next = watcher.next();
  assert.ok(running?.end());
  const last = await next;
  assert.match(last?.error ?? "", /^ended by DELETE \/debug\/requests\/\d+$/);
  assert.equal(await watcher.next(), undefined);
  assert.equal(app.running.all.length, 0);
}, ["none"]);

test("all watchers are told when the node stops", async (store, app) => {
  await store.execute(["CREATE TABLE t (a)"]);
  const watchers = await Promise.all([1, 2].map((a) => watch(app, `SELECT a + ${a} FROM t`)));
  for (const watcher of watchers) await watcher.next();
  const ends = watchers.map((watcher) => watcher.next());
  app.live.close();
  assert.deepEqual(await Promise.all(ends), [{ index: 1, end: true }, { index: 1, end: true }]);
}, ["none"]);

test("of a database that was found to be damaged nothing more is told", async (store, app) => {
  await store.execute(["CREATE TABLE t (a)"]);
  const watchers = [await watch(app, "SELECT a FROM t"), await watch(app, "SELECT max(a) FROM t")];
  for (const watcher of watchers) await watcher.next();
  store.store.distrust();
  await store.execute(["INSERT INTO t VALUES (1)"]);
  for (const watcher of watchers) assert.deepEqual(await watcher.next(), { index: 1, end: true });
  const another = await watch(app, "SELECT a FROM t");
  await another.next();
  assert.deepEqual(another.rows, [[1]], "Of what has come in its place all is told");
  await another.end();
}, both);

const queries = [
  "SELECT id, n, s FROM a ORDER BY n, id",
  "SELECT s, count(*), max(n) FROM a GROUP BY s ORDER BY s",
  "SELECT n FROM a",
  "SELECT * FROM v",
  "SELECT a.n, b.n FROM a JOIN b ON a.id = b.id ORDER BY a.n DESC, a.id LIMIT 5",
  "SELECT count(*) FROM b",
  "SELECT (SELECT sum(n) FROM a), (SELECT sum(n) FROM b)",
];

function randomWrite(random: Prng): string {
  const table = random.below(2) === 0 ? "a" : "b";
  const id = random.below(20);
  switch (random.below(6)) {
    case 0:
      return `DELETE FROM ${table} WHERE id = ${id}`;
    case 1:
      return `UPDATE ${table} SET n = ${random.below(9)} WHERE id % 5 = ${id % 5}`;
    case 2:
      return "INSERT INTO other VALUES (1)";
    case 3:
      return `UPDATE ${table} SET id = id + 20 WHERE id = ${id}`;
    default:
      return `REPLACE INTO ${table} VALUES (${id}, ${random.below(9)}, '${
        "xyz"[random.below(3)]
      }')`;
  }
}

for (const seed of seeds()) {
  test(
    "what watchers have is what a query comes to, at each index that they are told",
    async (store, app) => {
      console.log(`RAFTLITE_SEED=${seed}`);
      const random = new Prng(seed);
      await store.execute([
        "CREATE TABLE a (id INTEGER PRIMARY KEY, n, s)",
        "CREATE TABLE b (id INTEGER PRIMARY KEY, n, s) WITHOUT ROWID",
        "CREATE TABLE other (x)",
        "CREATE VIEW v AS SELECT s, n FROM a UNION ALL SELECT s, n FROM b ORDER BY 1, 2",
      ]);
      /** By index, what each query comes to. */
      const expected = new Map<number, string[]>();
      let [noted, compared] = [0, 0];
      const note = async () => {
        const found: string[] = [];
        for (const sql of queries) {
          const { values = [] } = JSON.parse(await store.query(sql));
          found.push(JSON.stringify(values));
        }
        noted = store.store.applied.index;
        expected.set(noted, found);
      };
      await note();
      const watchers = await Promise.all(queries.map((sql) => watch(app, sql)));
      const seen = watchers.map(() => 0);
      let isOver = false;
      const reading = watchers.map(async (watcher, place) => {
        // Every other one is slow, and so is told of several states as one.
        const isSlow = place % 2 === 1;
        for (;;) {
          const message = await watcher.next();
          if (message === undefined || message.end) return;
          const { index } = message;
          if (message.rows === undefined && message.changes === undefined) continue;
          seen[place] = (seen[place] ?? 0) + 1;
          // A run may have seen what the writer has not reported yet, or the middle of a batch.
          while (store.store.applied.index < index || noted < index) {
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
          if (!expected.has(index)) continue;
          compared++;
          assert.equal(JSON.stringify(watcher.rows), expected.get(index)?.[place], queries[place]);
          if (isSlow && !isOver) await new Promise((resolve) => setTimeout(resolve, 150));
        }
      });
      const all = Promise.all(reading);
      // It is awaited below, with what writes.
      all.catch(() => {});
      for (let round = 0; round < 120; round++) {
        const entries = Array.from(
          { length: 1 + random.below(3) },
          () =>
            store.entries.execute(
              Array.from({ length: 1 + random.below(3) }, () => randomWrite(random)),
            ),
        );
        await store.apply(...entries);
        await note();
        if (round % 4 === 0) await new Promise((resolve) => setTimeout(resolve, random.below(40)));
      }
      isOver = true;
      const last = expected.get(store.store.applied.index);
      const areDone = () =>
        watchers.every(({ rows }, place) => JSON.stringify(rows) === last?.[place]);
      await Promise.race([
        all,
        (async () => {
          while (!areDone()) await new Promise((resolve) => setTimeout(resolve, 10));
        })(),
      ]);
      assert.ok(areDone(), "A watcher has ended before");
      assert.ok(seen.every((count) => count > 1), `Told so often: ${seen}`);
      assert.ok(compared > queries.length, `Compared so often: ${compared}`);
      app.live.close();
      await all;
    },
    both,
  );
}
