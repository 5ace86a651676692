import assert from "node:assert/strict";
import { assertSameBytes } from "../base/long_bytes.ts";
import { BodyParts } from "../../src/http/large_body.ts";
import { Indenter } from "../../src/http/indent.ts";
import { paced } from "../../src/http/paced.ts";
import { parsedStatements, parseStatements } from "../../src/http/statements.ts";
import { TurnBudget } from "../../src/http/body_budget.ts";
import { Prng } from "../../src/base/prng.ts";
import { sliceBytes } from "../../src/base/slices.ts";
import { joinStatements, plainStatements } from "../../src/store/codec/statement_codec.ts";
import { EncodedStatements, type Statements } from "../../src/store/types.ts";
import { requestErrors } from "../api/tables/request_errors.ts";
import { appWith, FakeService } from "./fake_service.ts";

/** Blanks that make a body one for the Worker and mean nothing in JSON. */
const blanks = " ".repeat(300_000);

/** Reads leave a timer behind for a moment, which watches clients that go away. */
function largeTest(name: string, run: () => Promise<void>): void {
  Deno.test({ name, sanitizeOps: false, sanitizeResources: false, fn: run });
}

/** What a body comes to: the answer, and what the service was asked. */
async function outcome(path: string, body: string | Uint8Array<ArrayBuffer>, type?: string) {
  const service = new FakeService();
  const { fetch, bodyReader, queue } = appWith(service);
  const headers = { "content-type": type ?? "application/json" };
  const response = await fetch(path, { method: "POST", body, headers });
  const text = await response.text();
  await queue.close(10_000);
  bodyReader.end();
  const asked = [...service.writes, ...service.reads.map(({ request }) => request)];
  return { status: response.status, text, asked: asked.map(({ statements }) => statements) };
}

const bodies = [
  '["INSERT INTO t VALUES (1)"]',
  '[["INSERT INTO t VALUES (?, ?, ?, ?, ?)", 1, 1.0, 1e3, 9007199254740993, -0.5]]',
  `[["INSERT INTO t VALUES (?, ?, ?)", null, true, "x'00ff'"], "SELECT 1", ["SELECT 2"]]`,
  '[["SELECT :a, :b", {"a": "ä€😀\\ud800", "b": [1, 2, 255]}], ["SELECT ?", {"": 7}]]',
  '[["SELECT ?, :n", 1, {"n": 2}, 3]] and more',
  '["PRAGMA journal_mode = OFF"]',
  '["SELECT 1", 2]',
  '[["SELECT ?", {"a": {"b": 1}}]]',
  '[["SELECT ?", 18446744073709551616]]',
  '[["SELECT ?", [256]]]',
  "[]",
  "{}",
  "null",
  "",
  "[",
  '["SELECT 1",]',
  '["BAD"]',
];

largeTest(
  "a large body is answered as a small one is, and comes to the same statements",
  async () => {
    for (const path of ["/db/execute", "/db/query", "/db/request", "/db/execute?queue&wait"]) {
      for (const body of bodies) {
        const small = await outcome(path, body);
        const large = await outcome(path, blanks + body);
        const what = `${path} ${body}`;
        assert.equal(large.status, small.status, what);
        const sequence = /"sequence_number":\d+/;
        assert.equal(large.text.replace(sequence, ""), small.text.replace(sequence, ""), what);
        const [got, expected] = [await encoded(large.asked), await encoded(small.asked)];
        assert.equal(got.length, expected.length, what);
        got.forEach(({ bytes }, i) => assertSameBytes(bytes, expected[i]?.bytes, what));
        for (const statements of large.asked) {
          assert(statements instanceof EncodedStatements, `${what}: not read by this thread`);
        }
      }
    }
  },
);

/** The statements as they go into the log. */
function encoded(requests: readonly Statements[]): Promise<EncodedStatements[]> {
  const nextTurn = () => Promise.resolve();
  return Promise.all(
    requests.map(async (statements) => {
      const { bytes, length } = await joinStatements([statements], nextTurn);
      return new EncodedStatements(bytes, length);
    }),
  );
}

largeTest(
  "large SQL as text/plain is taken as it is, or refused where it is no UTF-8",
  async () => {
    const sql = `SELECT '${"ü".repeat(300_000)}'`;
    for (const path of ["/db/execute", "/db/query"]) {
      const { status, asked } = await outcome(path, sql, "text/plain");
      assert.equal(status, 200);
      assert.deepEqual(asked.map((statements) => plainStatements(statements)), [[{ sql }]]);
      const broken = new TextEncoder().encode(sql);
      broken[200_000] = 0xff;
      const refused = await outcome(path, broken, "text/plain");
      assert.match(refused.text, /string field contains invalid UTF-8/);
      assert.deepEqual(refused.asked, []);
    }
  },
);

largeTest("/db/sql gives large statements back as they are", async () => {
  const body = JSON.stringify(["SELECT '<ä😀\u2028>'", "BAD", `SELECT '${"<\n".repeat(40_000)}'`]);
  for (const path of ["/db/sql", "/db/sql?pretty"]) {
    const small = await outcome(path, body);
    const large = await outcome(path, blanks + body);
    assert.equal(small.status, 200);
    assert.equal(large.text, small.text);
  }
});

largeTest("the queue refuses a body that is too long in characters, by its text", async () => {
  const characters = 12 * 1024 * 1024 + 1;
  const fits = `["SELECT '${"€".repeat(5_000_000)}'"]`;
  assert.equal((await outcome("/db/execute?queue&wait", fits)).status, 200);
  const { status, text } = await outcome("/db/execute?queue", "[".padEnd(characters));
  assert.equal(status, 413);
  assert.match(text, new RegExp(`has ${characters} characters, the limit is ${characters - 1}`));
});

largeTest("a body for the cluster's own routes is a few words", async () => {
  for (const [path, method] of [["/remove", "DELETE"], ["/leader", "POST"]] as const) {
    const { fetch } = appWith(new FakeService());
    const headers = { "content-type": "application/json" };
    const response = await fetch(path, { method, headers, body: blanks + '{"id":"1"}' });
    assert.equal(response.status, 413, path);
    assert.match(await response.text(), /request body exceeds 262144 bytes/);
  }
});

largeTest("large bodies that come together are all answered, each by its own", async () => {
  const service = new FakeService();
  const { post, bodyReader } = appWith(service);
  const sizes = [300_000, 5_000_000, 400_000, 6_000_000, 270_000];
  const answers = await Promise.all(
    sizes.map((size, i) =>
      post("/db/execute", JSON.stringify([[`SELECT ${i}`, "x".repeat(size)]]))
    ),
  );
  assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 200, 200]);
  const texts = service.writes.map(({ statements }) => plainStatements(statements)[0]);
  for (const [i, size] of sizes.entries()) {
    const statement = texts.find((each) => each?.sql === `SELECT ${i}`);
    assert.equal(statement?.positional?.[0], "x".repeat(size));
  }
  bodyReader.end();
  await Promise.all(answers.map(({ body }) => body?.cancel()));
});

Deno.test("parsedStatements() yields what parseStatements() returns", () => {
  const recorded = requestErrors.map(({ body }) => body ?? "");
  for (const body of [...bodies, ...recorded]) {
    const attempt = (read: () => unknown) => {
      try {
        return read();
      } catch (error) {
        return String(error);
      }
    };
    assert.deepEqual(
      attempt(() => [...parsedStatements(body, false)]),
      attempt(() => parseStatements(body)),
      body,
    );
  }
});

Deno.test("BodyParts holds what was added, in parts of a mebibyte at most", () => {
  const random = new Prng(8n);
  const whole = random.fill(new Uint8Array(5_000_000));
  for (const most of [1000, 70_000, 3_000_000]) {
    const parts = new BodyParts();
    for (let at = 0; at < whole.length;) {
      const chunk = whole.subarray(at, at + 1 + random.below(most));
      parts.add(chunk);
      at += chunk.length;
    }
    assert.equal(parts.length, whole.length);
    const taken = parts.take();
    assert(taken.every(({ length }) => length <= sliceBytes));
    let at = 0;
    for (const part of taken) {
      assertSameBytes(part, whole.subarray(at, at + part.length));
      at += part.length;
    }
    assert.equal(at, whole.length);
  }
  assert.deepEqual(new BodyParts().take(), []);
});

Deno.test("paced() gives all of a body, in pieces that are over in a moment", async () => {
  const value = Array.from({ length: 60_000 }, (_, i) => ({ i, text: 'a "quoted" \\ text' }));
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  for (const [pretty, most] of [[false, sliceBytes], [true, 4 * 64 * 1024]] as const) {
    const pieces: Uint8Array[] = [];
    for await (const piece of paced([bytes.subarray(0, 7), bytes.subarray(7)], pretty)) {
      pieces.push(piece);
    }
    assert(pieces.every(({ length }) => length <= most));
    const text = pieces.map((piece) => new TextDecoder().decode(piece)).join("");
    const whole = pretty ? new Indenter().push(bytes) : bytes;
    assert.equal(text, new TextDecoder().decode(whole));
    if (pretty) assert.equal(text, JSON.stringify(value, null, 4));
  }
});

Deno.test("TurnBudget lets bodies pass until a turn has had enough, and all of them in the end", async () => {
  const budget = new TurnBudget();
  const kib = 1024;
  assert.equal(budget.admit(10 * kib), undefined, "a small one is not counted");
  assert.equal(budget.admit(200 * kib), undefined);
  assert.equal(budget.admit(56 * kib), undefined);
  const waiting = Array.from({ length: 9 }, () => budget.admit(100 * kib));
  assert(waiting.every((turn) => turn instanceof Promise));
  assert.equal(budget.admit(16 * kib), undefined);
  await Promise.all(waiting);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(budget.admit(300 * kib), undefined, "one by itself always passes");
});
