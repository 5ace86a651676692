import assert from "node:assert/strict";
import type { WriteAnswer } from "../../../src/cluster/types.ts";
import { type HandedWrite, ReceivedWrite } from "../../../src/http/threads/handed_write.ts";
import type { HandedOutcomes } from "../../../src/http/threads/messages.ts";
import { WritePasser } from "../../../src/http/threads/write_passer.ts";
import { WriteTaker } from "../../../src/http/threads/write_taker.ts";
import { plainStatements } from "../../../src/store/codec/statement_codec.ts";
import { plainFormat, SqlReal } from "../../../src/store/types.ts";

const plain: Omit<HandedWrite, "id"> = {
  transaction: false,
  format: plainFormat,
  statementTimeoutMs: 0,
  timeoutMs: 30_000,
  key: null,
  username: undefined,
  address: "127.0.0.1",
  statements: [{ sql: "INSERT INTO t VALUES(1)" }],
};

const writes: readonly Omit<HandedWrite, "id">[] = [
  plain,
  {
    transaction: true,
    format: { ...plainFormat, associative: true, unified: true, exact: true, timings: true },
    statementTimeoutMs: 24 * 24 * 3_600_000,
    timeoutMs: 24 * 24 * 3_600_000,
    key: "a key, é",
    username: "zoë",
    address: "::1",
    statements: [
      { sql: "SELECT 'é😀'", positional: [1, "zwei", null, new Uint8Array([3]), 2n ** 62n] },
      { sql: "SELECT :a", named: new Map([["a", new SqlReal(1)]]) },
    ],
  },
  { ...plain, key: "", username: "" },
];

/** Hands on what the one posts to the other, and counts. */
function joined(handler: (write: ReceivedWrite) => Promise<WriteAnswer | Response>) {
  const batches: ReceivedWrite[][] = [];
  const outcomes: HandedOutcomes[] = [];
  const taker = new WriteTaker(handler, (all) => {
    outcomes.push(structuredClone(all));
    passer.answered(all);
  });
  const passer = new WritePasser((batch) => {
    batches.push([...ReceivedWrite.of(batch)]);
    taker.take(batch);
  });
  return { passer, batches, outcomes };
}

const done = ({ id }: ReceivedWrite): WriteAnswer => {
  return { results: `{"rows_affected":${id}}`, raftIndex: id + 100, servedBy: undefined };
};

Deno.test("WritePasser hands writes over as they are, and each gets its own answer", async () => {
  const { passer, batches } = joined((write) => Promise.resolve(done(write)));
  const answers = await Promise.all(writes.map((write) => passer.pass(write)));
  assert.deepEqual(
    answers,
    writes.map((_, at) => ({
      results: `{"rows_affected":${at + 1}}`,
      raftIndex: at + 101,
      servedBy: undefined,
    })),
  );
  batches.flat().forEach((received, at) => {
    const { transaction, format, statementTimeoutMs, timeoutMs, key, username } = received;
    const { address, encoded } = received;
    const statements = plainStatements(encoded);
    const found = { transaction, format, statementTimeoutMs, timeoutMs, key, username };
    assert.deepEqual({ ...found, address, statements }, writes[at]);
    assert.equal(encoded.length, statements.length);
  });
});

Deno.test("WritePasser sends one by itself at once, others of a turn together, and much in parts", async () => {
  const { passer, batches, outcomes } = joined((write) => Promise.resolve(done(write)));
  const first = passer.pass(plain);
  assert.deepEqual(batches.map(({ length }) => length), [1]);
  const more = [passer.pass(plain), passer.pass(plain), passer.pass(plain)];
  assert.equal(batches.length, 1);
  await Promise.all([first, ...more]);
  assert.deepEqual(batches.map(({ length }) => length), [1, 3]);
  assert.deepEqual(outcomes.map(({ ids }) => ids), [[1], [2, 3, 4]]);

  const large = { ...plain, statements: [{ sql: `-- ${"x".repeat(40_000)}` }] };
  await Promise.all(Array.from({ length: 5 }, () => passer.pass(large)));
  assert.deepEqual(batches.slice(2).map(({ length }) => length), [1, 2, 2]);
});

Deno.test("WriteTaker says of a write that another node carried it out, that it was repeated, or refused", async () => {
  const answers = [
    { results: "{}", raftIndex: 7, servedBy: "other:4002" },
    { results: "", raftIndex: 8, servedBy: undefined, repeated: "results_not_kept" as const },
    new Response("No\n", { status: 503, headers: { "x-raftlite-error": "overloaded" } }),
  ];
  const { passer } = joined(({ id }) => Promise.resolve(answers[id - 1] ?? Response.error()));
  const [served, repeated, refused] = await Promise.all(answers.map(() => passer.pass(plain)));
  assert.deepEqual(served, answers[0]);
  assert.deepEqual(repeated, answers[1]);
  assert.ok(refused !== undefined && "status" in refused);
  assert.equal(refused.status, 503);
  assert.deepEqual(Object.fromEntries(refused.headers)["x-raftlite-error"], "overloaded");
  assert.equal(new TextDecoder().decode(refused.body as Uint8Array), "No\n");
});

Deno.test("WriteTaker sends of results that share memory with others only their own", async () => {
  const all = new TextEncoder().encode('{"a":1},{"b":2}');
  const { passer, outcomes } = joined(({ id }) =>
    Promise.resolve({ results: all.subarray(8), raftIndex: id, servedBy: undefined })
  );
  await passer.pass(plain);
  const [results] = outcomes.flatMap(({ results }) => results);
  assert.ok(results instanceof Uint8Array);
  assert.equal(new TextDecoder().decode(results), '{"b":2}');
  assert.equal(results.buffer.byteLength, results.length);
});
