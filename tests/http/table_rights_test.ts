import assert from "node:assert/strict";
import { rightsOf } from "../../src/access/table_rights.ts";
import type { Identity } from "../../src/access/types.ts";
import { AppState } from "../../src/http/app_state.ts";
import { parseQueryParameters } from "../../src/http/query_parameters.ts";
import { carryOut } from "../../src/http/route.ts";
import { routes } from "../../src/http/routes.ts";
import { appWith, FakeService } from "./fake_service.ts";

const bob: Identity = { username: "bob", tables: { read: ["a"], write: ["b"] } };
const rights = rightsOf(bob);
const all: Identity = { username: "all", tables: { read: ["*"], write: ["*"] } };

function test(name: string, run: () => Promise<void>): void {
  Deno.test({ name, sanitizeOps: false, sanitizeResources: false, fn: run });
}

/** Has an endpoint answer somebody, as if let in. */
async function ask(
  { parts }: ReturnType<typeof appWith>,
  identity: Identity,
  path: string,
  body?: string,
): Promise<Response> {
  const url = new URL(path, "http://localhost");
  const route = routes.find((one) => one.path === url.pathname);
  assert.ok(route !== undefined, path);
  const method = body === undefined ? "GET" : "POST";
  const request = new Request(url, { method, body: body ?? null });
  const parameters = parseQueryParameters(url.search.slice(1));
  const app = new AppState(parts);
  const asked = { app, request, parameters, identity, address: "" };
  return await carryOut(route, asked, undefined);
}

test("every endpoint of statements hands on the rights of its user", async () => {
  const service = new FakeService();
  const app = appWith(service);
  const write = '["INSERT INTO t VALUES(1)"]';
  const read = '["SELECT 1"]';
  await ask(app, bob, "/db/execute", write);
  await ask(app, bob, "/db/execute?queue&wait", write);
  await ask(app, bob, "/db/request", write);
  assert.deepEqual(service.writes.map((asked) => asked.rights), [rights, rights, rights]);
  for (const level of ["none", "weak", "linearizable", "strong", "auto"]) {
    await ask(app, bob, `/db/query?q=SELECT&level=${level}`);
    await ask(app, bob, `/db/query?level=${level}`, read);
    await ask(app, bob, `/db/request?level=${level}`, read);
  }
  assert.deepEqual(service.reads.map(({ request }) => request.rights), Array(15).fill(rights));
  await ask(app, bob, "/db/sql?q=SELECT");
  await ask(app, bob, "/db/sql", read);
  assert.deepEqual(service.inspections, Array(8).fill(rights));
  await app.queue.close(1000);
});

test("who may do everything has no rights to hand on", async () => {
  const service = new FakeService();
  const app = appWith(service);
  await ask(app, all, "/db/execute", '["INSERT INTO t VALUES(1)"]');
  await ask(app, { username: "eve" }, "/db/query?q=SELECT");
  assert.equal(service.writes[0]?.rights, undefined);
  assert.equal(service.reads[0]?.request.rights, undefined);
  await app.queue.close(1000);
});
