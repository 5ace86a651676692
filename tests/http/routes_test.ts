import assert from "node:assert/strict";
import { openApiOf } from "../../src/http/openapi.ts";
import type { Permission } from "../../src/access/types.ts";
import { routes } from "../../src/http/routes.ts";
import { appWith, FakeService } from "./fake_service.ts";

const openApi = openApiOf(routes);

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

Deno.test("every route says what it asks of its client", () => {
  // As in rqlite; /db/begin to /db/outcome and the last ones it does not have, or leaves open.
  const asked: Record<string, Permission[]> = {
    "/db/execute": ["execute"],
    "/db/query": ["query"],
    "/db/request": ["query", "execute"],
    "/db/begin": ["query", "execute"],
    "/db/commit": ["query", "execute"],
    "/db/rollback": ["query", "execute"],
    "/db/outcome": ["execute"],
    "/db/changes": ["query"],
    "/db/watch": ["query"],
    "/db/backup": ["backup"],
    "/db/load": ["load"],
    "/boot": ["load"],
    "/db/sql": ["query"],
    "/remove": ["remove"],
    "/snapshot": ["snapshot"],
    "/reap": ["snapshot"],
    "/leader": ["leader-ops"],
    "/upgrade": ["leader-ops"],
    "/promote": ["leader-ops"],
    "/verify": ["leader-ops"],
    "/readyz": ["ready"],
    "/status": ["status"],
    "/nodes": ["status"],
    "/metrics": ["status"],
    "/licenses": ["status"],
    "/debug/requests": ["status"],
    "/debug/requests/": ["status", "leader-ops"],
    "/debug/statements": ["status"],
    "/debug/pprof/profile": ["status"],
    "/debug/pprof/allocs": ["status"],
    "/debug/pprof/heap": ["status", "backup"],
    "/debug/pprof": ["status"],
    "/debug/vars": ["status"],
    "/debug/figures": ["status"],
    "/debug/log": ["status", "query"],
    "/debug/audit": ["status", "leader-ops"],
    "/debug/flags": ["status"],
    "/debug/backups": ["backup"],
    "/debug/backups/verify": ["backup"],
    "/whoami": [],
    "/console": [],
    "/console/": [],
    "/openapi.json": [],
    "/v2": [],
    "/v3": [],
    "/v1/execute": ["query", "execute"],
    "/v1/batch": ["query", "execute"],
    "/v2/pipeline": ["query", "execute"],
    "/v3/pipeline": ["query", "execute"],
    "/v3/cursor": ["query", "execute"],
    "/": [],
  };
  const said = Object.fromEntries(routes.map(({ path, permissions }) => [path, permissions]));
  assert.deepEqual(said, asked);
});

Deno.test("every route that changes anything but rows is an act of which the audit is told", () => {
  for (const { path, methods, permissions, acts = {} } of routes) {
    const isOfRows = permissions.every((one) => one === "query" || one === "execute");
    if (methods === "any" || isOfRows) continue;
    const changing = methods.filter((method) => method !== "GET" && method !== "HEAD");
    // To read all there is is one as well.
    const readsAll = path === "/db/backup" || path === "/debug/pprof/heap";
    const expected = readsAll ? ["GET"] : changing;
    assert.deepEqual(Object.keys(acts), expected, path);
  }
});

Deno.test("a method that a route does not have is answered with 405, and counted", async () => {
  for (const route of routes) {
    if (route.methods === "any") continue;
    const { fetch } = appWith(new FakeService());
    const others = methods.filter((method) => !route.methods.includes(method));
    for (const method of others) {
      const response = await fetch(route.path, { method });
      assert.equal(response.status, 405, `${method} ${route.path}`);
      assert.equal(response.headers.get("content-type"), route.refusalType ?? null);
      assert.equal(await response.text(), "");
    }
    const { http } = await (await fetch("/debug/vars")).json();
    if (route.counter !== undefined) assert.equal(http[route.counter], others.length, route.path);
  }
});

Deno.test("the status tells where the server listens beside where others reach it", async () => {
  const status = await (await appWith(new FakeService()).fetch("/status")).json();
  assert.equal(status.http.bind_addr, "0.0.0.0:4001");
  assert.equal(status.cluster.api_addr, "127.0.0.1:4001");
});

Deno.test("programs in browsers may send what libSQL's client for them does", async () => {
  const { fetch } = appWith(new FakeService(), {}, {}, { allowOrigin: "https://app.example" });
  const { headers } = await fetch("/v2/pipeline", { method: "OPTIONS" });
  assert.equal(headers.get("access-control-allow-origin"), "https://app.example");
  assert.equal(
    headers.get("access-control-allow-headers"),
    "Content-Type, Authorization, X-Libsql-Client-Version",
  );
  const answer = await fetch("/v2/pipeline", { method: "POST", body: "{" });
  assert.equal(answer.status, 400);
  assert.equal(answer.headers.get("access-control-allow-origin"), "https://app.example");
});

Deno.test("OPTIONS is let through everywhere, before anything is looked at", async () => {
  const { fetch } = appWith(new FakeService());
  for (const path of [...routes.map((route) => route.path), "/nope", "/status?timeout=x"]) {
    assert.equal((await fetch(path, { method: "OPTIONS" })).status, 200, path);
  }
  const { http } = await (await fetch("/debug/vars")).json();
  assert.equal(Object.values<number>(http).every((count) => count === 0), true);
});

Deno.test("a path is a route's by its beginning only where the route says so", async () => {
  const { fetch } = appWith(new FakeService());
  const prefixes = routes.filter(({ match }) => match === "prefix");
  for (const { path, methods } of routes) {
    if (methods === "any") continue;
    const longer = `${path}more`;
    const isRoute = prefixes.some((route) => longer.startsWith(route.path));
    const response = await fetch(longer, { method: "PUT" });
    assert.equal(response.status, isRoute ? 405 : 404, path);
  }
});

/** A route's path in the description, which names what stands behind its beginning. */
function described(path: string): string {
  return path !== "/" && path.endsWith("/") ? `${path}{id}` : path;
}

Deno.test("the description of the API says of every operation what its route asks for", () => {
  for (const [path, operations] of Object.entries(openApi.paths)) {
    const route = routes.find((candidate) => described(candidate.path) === path);
    assert.ok(route !== undefined, path);
    const { permissions, wholeDatabase } = route;
    const security = permissions.length === 0
      ? []
      : [{}, { basic: permissions }, { bearer: permissions }];
    for (const operation of Object.values(operations)) {
      assert.deepEqual(operation.security, security, path);
      assert.equal("401" in operation.responses, permissions.length > 0, path);
      // /whoami is for everybody, and tells who they are taken for by their credentials.
      const judges = permissions.length > 0 || path === "/whoami";
      assert.equal("429" in operation.responses, judges, path);
      assert.equal("403" in operation.responses, wholeDatabase === true, path);
    }
  }
});

Deno.test("the description of the API has the routes' methods, and bodies where they read some", () => {
  const operationsOf = Object.entries(openApi.paths);
  for (const { path, methods, body } of routes) {
    // The console is for people.
    if (methods === "any" || path.startsWith("/console")) continue;
    const operations = operationsOf.find(([name]) => name === described(path))?.[1];
    assert.ok(operations !== undefined, path);
    assert.deepEqual(Object.keys(operations).map((name) => name.toUpperCase()).sort(), methods);
    const takesBody = Object.values(operations).some((operation) => "requestBody" in operation);
    assert.equal(takesBody, body !== "none", path);
  }
});
