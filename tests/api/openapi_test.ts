import assert from "node:assert/strict";
import { openApiOf } from "../../src/http/openapi.ts";
import { routes } from "../../src/http/routes.ts";
import { appWith, FakeService } from "../http/fake_service.ts";
import { contradiction } from "./conformance.ts";
import type { Step } from "./step.ts";
import { singleNodeTables, tables } from "./tables.ts";

const openApi = openApiOf(routes);

/** What stands for each placeholder of the tables. */
const samples: Readonly<Record<string, string>> = {
  time: "0.001",
  duration: "1ms",
  version: "v10.3.0",
  sequence: "1795459498821",
  count: "3",
  index: "7",
  id: "1",
  http: "127.0.0.1:4001",
  raft: "127.0.0.1:4002",
};

function contradictionOf(step: Step): string | undefined {
  const [method = "", path = ""] = step.send.split(/ (.*)/s);
  const { status, type, answer } = step.raftlite ?? step;
  const body = answer.includes("<any>")
    ? undefined
    : answer.replace(/<([a-z]+)>/g, (placeholder, name) => samples[name] ?? placeholder);
  return contradiction(method, path, { status, type, body });
}

Deno.test("openApi describes every recorded answer", () => {
  const steps: Step[] = Object.values({ ...tables, ...singleNodeTables }).flat();
  const wrong = steps.map((step) => [step.send, step.body, contradictionOf(step)] as const)
    .filter(([, , contradiction]) => contradiction !== undefined);
  assert.deepEqual(wrong, []);
});

// Reads leave a timer behind for a moment, which watches clients that go away.
const sanitizers = { sanitizeOps: false, sanitizeResources: false };

Deno.test("openApi describes every route, and each answers so", sanitizers, async () => {
  for (const [path, operations] of Object.entries(openApi.paths)) {
    for (const method of Object.keys(operations).map((name) => name.toUpperCase())) {
      const { fetch } = appWith(new FakeService());
      // Profiles take half a minute each by themselves.
      const response = await fetch(`${path}?seconds=1`, { method });
      const type = response.headers.get("content-type") ?? "";
      const answer = { status: response.status, type, body: await response.text() };
      // What leads nowhere is answered without a word.
      const isThere = response.status !== 405 && (response.status !== 404 || answer.body !== "");
      assert.ok(isThere, `${method} ${path}: ${response.status}`);
      assert.equal(contradiction(method, path, answer), undefined, `${method} ${path}`);
    }
  }
});

Deno.test("openApi names parameters, responses and schemas that it has", () => {
  const references = JSON.stringify(openApi).matchAll(/"\$ref":"#\/([^"]+)"/g);
  for (const [, path = ""] of references) {
    let part: unknown = openApi;
    for (const key of path.split("/")) {
      part = Object.entries(part ?? {}).find(([k]) => k === key)?.[1];
    }
    assert.ok(part !== undefined, path);
  }
});

Deno.test("contradiction() sees a status, a type, a member and a value that are not described", () => {
  const json = "application/json; charset=utf-8";
  const of = (status: number, type: string, body: string) =>
    contradiction("POST", "/db/execute", { status, type, body });
  assert.equal(of(200, json, '{"results":[{"rows_affected":1}]}'), undefined);
  assert.match(of(418, json, "") ?? "", /status 418/);
  assert.match(of(200, "text/html", "x") ?? "", /type "text\/html"/);
  assert.match(of(200, json, '{"results":[{"rows_afected":1}]}') ?? "", /additional properties/);
  assert.match(of(200, json, '{"results":[{"rows_affected":"1"}]}') ?? "", /must be integer/);
  assert.match(of(200, json, "{}") ?? "", /'results'/);
  assert.match(
    contradiction("PATCH", "/nodes", { status: 200, type: json, body: "{}" }) ?? "",
    /PATCH \/nodes/,
  );
  assert.match(
    contradiction("GET", "/status", { status: 200, type: json, body: "{}" }) ?? "",
    /required/,
  );
});
