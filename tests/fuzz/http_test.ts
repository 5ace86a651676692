import assert from "node:assert/strict";
import fc from "fast-check";
import { parseStatements } from "../../src/http/statements.ts";
import { SqlReal, type SqlValue } from "../../src/store/types.ts";
import { contradiction } from "../api/conformance.ts";
import { appWith, FakeService, memberOne, memberTwo } from "../http/fake_service.ts";
import { sqlTexts } from "./http_sql.ts";

/** Another one each run; `RAFTLITE_FUZZ_SEED` repeats one. */
const seed = Number(Deno.env.get("RAFTLITE_FUZZ_SEED") ?? Date.now() % 0x7fff_ffff);
const parameters = { seed, numRuns: 3000 };

/** Reads leave a timer behind for a moment, which watches clients that go away. */
function test(name: string, body: () => void | Promise<void>): void {
  Deno.test({
    name,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      try {
        await body();
      } catch (error) {
        throw new Error(`With RAFTLITE_FUZZ_SEED=${seed}: ${error}`, { cause: error });
      }
    },
  });
}

const anyText = fc.string({ unit: "binary", maxLength: 20 });
const sql = fc.oneof(fc.constantFrom(...sqlTexts), anyText);

/** Inserts, removes or cuts some of a text, so that it is nearly what it was. */
function damaged(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(
    text,
    fc.nat(),
    fc.constantFrom("", '"', "[", "]", "{", ",", "\\", "1e9", "\0"),
    fc.nat(3),
  )
    .map(([whole, where, inserted, removed]) => {
      const at = where % (whole.length + 1);
      return whole.slice(0, at) + inserted + whole.slice(at + removed);
    });
}

const statements = fc.array(
  fc.oneof(sql, fc.tuple(sql, fc.jsonValue(), fc.jsonValue())),
  { maxLength: 4 },
).map((list) => JSON.stringify(list));

const body = fc.oneof(
  statements,
  damaged(statements),
  fc.json(),
  sql,
  fc.constantFrom('{"id":"2"}', '{"id":"nosuch"}', '{"id":7}', "SQLite format 3\0 and no more"),
  fc.uint8Array({ maxLength: 64 }),
);

const flags =
  "associative blob_array compress exact freshness_strict noleader nonvoters pretty qualify_columns queue raft_index redirect sync timings transaction vacuum wait"
    .split(" ");
const duration = fc.oneof(
  fc.constantFrom("1s", "0", "-1s", "100h", "10000h", "292y", "", "1.5h", "1", "∞", "9999999h"),
  anyText,
);
const pair = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...flags) },
  fc.tuple(
    fc.constantFrom("timeout", "db_timeout", "freshness", "linearizable_timeout"),
    duration,
  ).map(([key, value]) => `${key}=${encodeURIComponent(value.toWellFormed())}`),
  fc.tuple(
    fc.constantFrom("level", "fmt", "ver", "key", "tables", "trailing_logs", "retries"),
    fc.oneof(fc.constantFrom("none", "strong", "sql", "delete", "2", "store.raft", "-1"), anyText),
  ).map(([key, value]) => `${key}=${encodeURIComponent(value.toWellFormed())}`),
  sql.map((text) => `q=${encodeURIComponent(text.toWellFormed())}`),
  // Whatever a URL can be made of, broken escapes and semicolons among it.
  fc.string({ unit: fc.constantFrom(..."%0fZé=;+&#?/\\ "), maxLength: 8 }),
);
const query = fc.array(pair, { maxLength: 6 }).map((pairs) => pairs.join("&"));

const paths = [
  "/db/execute /db/query /db/request /db/backup /db/load /db/sql /boot /remove /status /nodes",
  "/readyz /leader /snapshot /reap /licenses /debug/vars /openapi.json / /nowhere /db/queryx",
].join(" ").split(" ");

const request = fc.record({
  method: fc.oneof(
    { weight: 4, arbitrary: fc.constant("POST") },
    { weight: 2, arbitrary: fc.constant("GET") },
    fc.constantFrom("DELETE", "PUT", "HEAD", "OPTIONS", "PATCH"),
  ),
  path: fc.constantFrom(...paths),
  query,
  contentType: fc.constantFrom(undefined, "application/json", "text/plain", "text/plain; a=b", "/"),
  body,
});

/** What rqlite answers with 500 or 503 although only the client's request is at fault. */
function isRqlitesOwn(text: string): boolean {
  return /^(?:invalid backup format|EOF|stepdown: .*|not leader|not single-node)\n$/.test(text);
}

/** What has no place in a description, or would be one of methods that nobody uses. */
function isUndescribed(method: string, path: string): boolean {
  return path === "/" || method === "HEAD" || (path === "/debug/vars" && method !== "GET");
}

test("createApp() answers anything without a throw or a server error, as it describes", async () => {
  const service = new FakeService();
  service.members = [memberOne, memberTwo];
  service.results = '{"columns":["1"],"types":["integer"],"values":[[1]]}';
  const { fetch, messages } = appWith(service);
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path, query, contentType, body }) => {
      const pathAndQuery = query === "" ? path : `${path}?${query}`;
      const hasBody = method !== "GET" && method !== "HEAD";
      const response = await fetch(pathAndQuery, {
        method,
        redirect: "manual",
        ...(contentType === undefined ? {} : { headers: { "content-type": contentType } }),
        ...(hasBody ? { body: typeof body === "string" ? body : new Uint8Array(body) } : {}),
      });
      const text = await response.text();
      assert.ok(response.status < 500 || isRqlitesOwn(text), `${response.status} ${text}`);
      const type = response.headers.get("content-type") ?? "";
      const answer = { status: response.status, type, body: text };
      if (!isUndescribed(method, path)) {
        assert.equal(contradiction(method, pathAndQuery, answer), undefined);
      }
    }),
    parameters,
  );
  assert.deepEqual(messages.filter((message) => /failed/i.test(message)), []);
});

function encodeHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const sqlValue: fc.Arbitrary<{ readonly json: string; readonly bound: SqlValue }> = fc.oneof(
  fc.constantFrom({ json: "null", bound: null }, { json: "true", bound: 1 }, {
    json: "false",
    bound: 0,
  }),
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((value) => ({
    json: String(value),
    bound: Number.isSafeInteger(Number(value)) ? Number(value) : value,
  })),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => {
    // With an exponent, as 1 and 0 alone are integers; toExponential() drops the sign of -0.
    const whole = `${Object.is(value, -0) ? "-" : ""}${value.toExponential()}`;
    const json = Number.isInteger(value) ? whole : String(value);
    return { json, bound: Number.isInteger(value) ? new SqlReal(value) : value };
  }),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => ({
    json: JSON.stringify(`X'${encodeHex(bytes)}'`),
    bound: new Uint8Array(bytes),
  })),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => ({
    json: JSON.stringify([...bytes]),
    bound: new Uint8Array(bytes),
  })),
  fc.string({ unit: "grapheme" }).filter((text) => !text.includes("'")).map((text) => ({
    json: JSON.stringify(text),
    bound: text,
  })),
);

test("parseStatements() binds every value exactly", () => {
  fc.assert(
    fc.property(fc.array(sqlValue, { minLength: 1, maxLength: 6 }), (values) => {
      const positional = `[["SELECT ?",${values.map(({ json }) => json).join(",")}]]`;
      assert.deepEqual(parseStatements(positional), [
        { sql: "SELECT ?", positional: values.map(({ bound }) => bound) },
      ]);
      const named = `[["SELECT :a",{${values.map(({ json }, i) => `"n${i}":${json}`).join(",")}}]]`;
      assert.deepEqual(parseStatements(named), [
        { sql: "SELECT :a", named: new Map(values.map(({ bound }, i) => [`n${i}`, bound])) },
      ]);
    }),
    parameters,
  );
});
