import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Gate } from "../../src/access/gate.ts";
import { HashChecker } from "../../src/access/hash_checker.ts";
import { parseUsersFile } from "../../src/access/users_file.ts";
import { routes } from "../../src/http/routes.ts";
import { DenoClock } from "../../src/io/deno_clock.ts";
import { contradiction } from "../api/conformance.ts";
import { appWith, FakeService } from "./fake_service.ts";

function appFor(entries: unknown[], service = new FakeService()) {
  const { users } = parseUsersFile(JSON.stringify(entries));
  const gate = new Gate({ users: () => users, hashes: new HashChecker(), clock: new DenoClock() });
  return appWith(service, {}, {}, { gate });
}

const basic = (username: string, password: string) => `Basic ${btoa(`${username}:${password}`)}`;
const hash = (token: string) => `sha256:${createHash("sha256").update(token).digest("hex")}`;

/** What takes its time where nothing is said. */
const quickly: Readonly<Record<string, string>> = {
  "/debug/pprof/profile": "?seconds=0.01",
  "/debug/pprof/allocs": "?seconds=0.01",
  "/debug/pprof/heap": "?debug=1",
};
const pathOf = (path: string) => path + (quickly[path] ?? "");

for (const route of routes) {
  const method = route.methods === "any" ? "GET" : route.methods[0] ?? "GET";
  const isOpen = route.permissions.length === 0;
  Deno.test(`${method} ${route.path} lets in who may, and nobody else`, async () => {
    const perms = [...route.permissions];
    const lacking = ["join", ...perms.slice(1)];
    const app = appFor([
      { username: "has", password: "p", perms, tokens: [{ name: "t", hash: hash("tok") }] },
      { username: "all", password: "p", perms: ["all"] },
      { username: "lacks", password: "p", perms: lacking },
    ]);
    const everybody = appFor([{ username: "*", perms }]);
    const tried: [typeof app, string | undefined, boolean][] = [
      [app, undefined, isOpen],
      [app, basic("has", "wrong"), isOpen],
      [app, basic("nobody", "p"), isOpen],
      [app, basic("lacks", "p"), isOpen],
      [app, "Bearer wrong", isOpen],
      [app, basic("has", "p"), true],
      [app, basic("all", "p"), true],
      [app, "Bearer tok", true],
      [everybody, undefined, true],
      [everybody, basic("nobody", "p"), true],
    ];
    for (const [{ fetch }, authorization, admitted] of tried) {
      const headers = authorization === undefined ? {} : { authorization };
      const response = await fetch(pathOf(route.path), { method, headers });
      const body = await response.text();
      assert.equal(response.status !== 401, admitted, `${authorization}: ${response.status}`);
      assert.equal(response.headers.get("www-authenticate"), 'Basic realm="rqlite"');
      const isKnown = admitted && (fetch === app.fetch || perms.includes("status"));
      const version = isKnown && !isOpen ? "v10.3.0" : null;
      assert.equal(response.headers.get("x-rqlite-version"), version, `${authorization}`);
      const type = response.headers.get("content-type") ?? "";
      const answer = { status: response.status, type, body };
      assert.equal(contradiction(method, route.path, answer), undefined);
      if (admitted) continue;
      if (route.refusal === undefined) assert.equal(body, "");
      else assert.equal(JSON.parse(body).code, "AUTH_REJECTED");
      assert.equal(response.headers.get("content-type"), route.refusalType ?? null);
    }
  });
}

Deno.test("users are asked for after the query string, and before the method", async () => {
  const { fetch } = appFor([]);
  assert.equal((await fetch("/status?timeout=x")).status, 400);
  assert.equal((await fetch("/db/execute")).status, 401);
  assert.equal((await fetch("/nope")).status, 404);
  assert.equal((await fetch("/db/execute", { method: "OPTIONS" })).status, 200);
  const { status, headers } = await fetch("/");
  assert.deepEqual([status, headers.get("www-authenticate")], [302, 'Basic realm="rqlite"']);
  assert.equal(headers.get("access-control-allow-credentials"), "true");
  assert.equal(headers.get("access-control-allow-headers"), "Content-Type, Authorization");
});

Deno.test("who has rights to some tables is kept out of the whole database, as it is described", async () => {
  const service = new FakeService();
  const { fetch } = appFor([
    { username: "bob", password: "p", perms: ["all"], tables: { read: ["t"] } },
    { username: "ann", password: "p", perms: ["all"], tables: { read: ["*"], write: ["*"] } },
  ], service);
  for (const { path, methods, wholeDatabase } of routes) {
    if (methods === "any") continue;
    for (const method of methods) {
      const headers = { authorization: basic("bob", "p") };
      const { status, headers: answered, body } = await fetch(pathOf(path), { method, headers });
      const text = await new Response(body).text();
      assert.equal(status === 403, wholeDatabase === true, path);
      const type = answered.get("content-type") ?? "";
      assert.equal(contradiction(method, path, { status, type, body: text }), undefined);
      if (status === 403) assert.match(text, /^user "bob" has rights to some tables, and this is/);
    }
  }
  assert.deepEqual([service.backups, service.loads, service.texts], [[], [], []]);
  const headers = { authorization: basic("ann", "p") };
  assert.equal(await (await fetch("/db/backup", { headers })).text(), "SQLite format 3");
  await (await fetch("/db/load", { method: "POST", body: "SELECT 1", headers })).text();
  assert.deepEqual(service.texts, ["SELECT 1"]);
});

Deno.test("a transaction is one user's with the same rights, by whatever request it is named", async () => {
  const tables = { read: ["t"], write: ["t"] };
  const bob = { username: "bob", password: "p" };
  const files = [
    [{ ...bob, perms: ["execute"] }, { username: "*", perms: ["query"] }],
    [{ ...bob, perms: ["query"] }, { username: "*", perms: ["execute"] }],
    [{ ...bob, perms: ["execute"], tables }, { username: "*", perms: ["query"] }],
    [{ ...bob, perms: ["query"], tables }, { username: "*", perms: ["execute"] }],
    [{ ...bob, perms: ["all"], tables }, { username: "*", perms: ["query", "execute"], tables }],
    [{ username: "*", perms: ["query", "execute"] }],
  ];
  for (const entries of files) {
    const service = new FakeService();
    const { fetch } = appFor(entries, service);
    const ask = async (path: string, body: string) => {
      const headers = { authorization: basic("bob", "p"), "content-type": "application/json" };
      const { status } = await fetch(path, { method: "POST", headers, body });
      assert.equal(status, 200, path);
    };
    await ask("/db/begin", "");
    for (const path of ["execute", "query", "request"]) {
      await ask(`/db/${path}?tx=1.node`, '["SELECT 1"]');
    }
    const who = ({ user, rights }: { user: string; rights: string | undefined }) => [user, rights];
    const [begun] = service.begun.map(who);
    assert.deepEqual(service.steps.map(who), [begun, begun, begun], JSON.stringify(entries));
  }
});

Deno.test("a request in a transaction needs what that was begun with", async () => {
  const { fetch } = appFor([
    { username: "reads", password: "p", perms: ["query"] },
    { username: "writes", password: "p", perms: ["execute"] },
  ]);
  const statusOf = async (path: string, user: string) => {
    const headers = { authorization: basic(user, "p") };
    const { status, body } = await fetch(path, { method: "POST", headers, body: '["SELECT 1"]' });
    await body?.cancel();
    return status;
  };
  assert.equal(await statusOf("/db/query", "reads"), 200);
  assert.equal(await statusOf("/db/query?tx=1.node", "reads"), 401);
  assert.equal(await statusOf("/db/execute", "writes"), 200);
  assert.equal(await statusOf("/db/execute?tx=1.node", "writes"), 401);
});

Deno.test("a key is of one user, by whatever route it comes", async () => {
  const bob = { username: "bob", password: "p", perms: ["all"] };
  const files: [entries: unknown[], owner: string][] = [
    [[bob, { username: "*", perms: ["execute"] }], "bob"],
    [[bob, { username: "*", perms: ["query"] }], "bob"],
    [[bob, { username: "*", perms: ["execute", "load"] }], "bob"],
    [[{ ...bob, perms: ["query", "load"] }, { username: "*", perms: ["execute"] }], "bob"],
    // Everybody may ask after everybody's writes, and read whatever they are answered.
    [[bob, { username: "*", perms: ["query", "execute"] }], ""],
  ];
  for (const [entries, owner] of files) {
    const service = new FakeService();
    const { fetch } = appFor(entries, service);
    const ask = async (method: string, path: string, body?: string, password = "p") => {
      const headers = { authorization: basic("bob", password), "idempotency-key": "k" };
      const answer = await fetch(path, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
      });
      await answer.text();
      return answer.status;
    };
    const write = '["INSERT INTO t VALUES (1)"]';
    assert.equal(await ask("POST", "/db/execute", write), 200);
    assert.equal(await ask("POST", "/db/request", write), 200);
    assert.equal(await ask("POST", "/db/execute?queue&wait", write), 200);
    assert.equal(await ask("POST", "/db/load", "INSERT INTO t VALUES (1)"), 200);
    assert.equal(await ask("GET", "/db/outcome"), 200);
    const keys = [...service.writes.map(({ key }) => key), ...service.textKeys];
    assert.deepEqual(keys.map((key) => key?.user), Array(5).fill(owner), JSON.stringify(entries));
  }
});

Deno.test("a key that comes with a wrong password where everybody may write is nobody's in particular", async () => {
  const service = new FakeService();
  const { fetch } = appFor([
    { username: "bob", password: "p", perms: ["all"] },
    { username: "*", perms: ["execute"] },
  ], service);
  const ask = async () => {
    const headers = { authorization: basic("bob", "wrong"), "idempotency-key": "k" };
    const body = '["INSERT INTO t VALUES (1)"]';
    const answer = await fetch("/db/execute", { method: "POST", headers, body });
    await answer.text();
    return answer;
  };
  for (let i = 0; i < 10; i++) assert.equal((await ask()).status, 200);
  // Whose it is must be known before anything is done under it.
  const { status, headers } = await ask();
  assert.equal(status, 429);
  assert.ok(Number(headers.get("retry-after")) > 0);
  assert.deepEqual(service.writes.map(({ key }) => key?.user), Array(10).fill(""));
});

Deno.test("strangers are not told the version, whatever they ask for", async () => {
  const { fetch } = appFor([{ username: "*", perms: ["ready"] }]);
  const strange: [string, string][] = [
    ["GET", "/"],
    ["GET", "/nope"],
    ["GET", "/status?timeout=x"],
    ["GET", "/%zz"],
    ["OPTIONS", "/status"],
    ["GET", "/readyz"],
    ["PUT", "/readyz"],
    ["GET", "/openapi.json"],
  ];
  for (const [method, path] of strange) {
    const response = await fetch(path, { method });
    assert.equal(response.headers.get("x-rqlite-version"), null, path);
    assert.doesNotMatch(await response.text(), /v?10\.3|raftlite\/|\/src\//);
  }
});

Deno.test("who guesses passwords is told to come back later", async () => {
  const { fetch } = appFor([{ username: "bob", password: "p", perms: ["all"] }]);
  const statuses = [];
  for (let i = 0; i < 11; i++) {
    const response = await fetch("/status", { headers: { authorization: basic("bob", `${i}`) } });
    statuses.push(response.status);
    if (response.status === 429) assert.equal(response.headers.get("retry-after"), "2");
    const answer = { status: response.status, type: "", body: await response.text() };
    assert.equal(contradiction("GET", "/status", answer), undefined);
  }
  assert.deepEqual(statuses, [...new Array(10).fill(401), 429]);
  assert.equal(
    (await fetch("/status", { headers: { authorization: basic("bob", "p") } })).status,
    200,
  );
});

Deno.test("an origin of several is answered by its own name", async () => {
  const origins = "https://a.example, https://b.example";
  const { fetch } = appWith(new FakeService(), {}, {}, { allowOrigin: origins });
  for (
    const [origin, allowed] of [
      ["https://b.example", "https://b.example"],
      ["https://c.example", null],
      [undefined, null],
    ]
  ) {
    const response = await fetch("/readyz", { headers: origin ? { origin } : {} });
    assert.equal(response.headers.get("access-control-allow-origin"), allowed);
    assert.equal(response.headers.get("vary"), "Origin");
  }
  const { headers } = await appWith(new FakeService(), {}, {}, { allowOrigin: "*" }).fetch(
    "/readyz",
  );
  assert.deepEqual([headers.get("access-control-allow-origin"), headers.get("vary")], ["*", null]);
  assert.match(headers.get("access-control-allow-headers") ?? "", /Idempotency-Key/);
  assert.match(headers.get("access-control-expose-headers") ?? "", /X-Raftlite-Index/);
});

Deno.test("/whoami says who its client is taken for, and what that one may do", async () => {
  const tables = { read: ["t"], write: [] };
  const { fetch } = appFor([
    { username: "bob", password: "p", perms: ["query", "status"], tables },
    { username: "root", password: "p", perms: ["all"], tokens: [{ name: "t", hash: hash("tok") }] },
    { username: "*", perms: ["ready"] },
  ]);
  const ask = async (authorization?: string) => {
    const headers = authorization === undefined ? {} : { authorization };
    return await (await fetch("/whoami", { headers })).json();
  };
  const nobody = { users: true, user: null, permissions: ["ready"] };
  assert.deepEqual(await ask(), nobody);
  assert.deepEqual(await ask(basic("bob", "wrong")), nobody);
  assert.deepEqual(await ask("Bearer wrong"), nobody);
  const permissions = ["query", "status", "ready"];
  assert.deepEqual(await ask(basic("bob", "p")), { users: true, user: "bob", permissions, tables });
  const root = await ask("Bearer tok");
  assert.deepEqual([root.user, root.token, root.permissions.length], ["root", "t", 13]);
});

Deno.test("/whoami counts wrong passwords like every other route", async () => {
  const { fetch } = appFor([{ username: "bob", password: "p", perms: ["query"] }]);
  const headers = { authorization: basic("bob", "wrong") };
  for (let i = 0; i < 10; i++) assert.equal((await fetch("/whoami", { headers })).status, 200);
  const slowed = await fetch("/whoami", { headers });
  assert.equal(slowed.status, 429);
  assert.ok(Number(slowed.headers.get("retry-after")) > 0);
});
