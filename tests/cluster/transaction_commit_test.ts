import assert from "node:assert/strict";
import { newId } from "../../src/cluster/transactions/ids.ts";
import { Transactions } from "../../src/cluster/transactions/transactions.ts";
import { encodeTransactionCall } from "../../src/cluster/transactions/wire.ts";
import { WriteTurns } from "../../src/cluster/transactions/write_turns.ts";
import { ServiceError } from "../../src/cluster/types.ts";
import { passedOnBytesMax } from "../../src/cluster/wire.ts";
import { newestVersion } from "../../src/raft/cluster_version.ts";
import { encodeStep } from "../../src/store/codec/script_codec.ts";
import { digestBytes } from "../../src/store/digest.ts";
import { plainFormat, type Statement } from "../../src/store/types.ts";
import { ManualClock } from "../transport/fixture.ts";

/** Transactions of one node, whose commits are answered by `submit`. */
function transactionsWith(
  submit: () => Promise<never>,
  node: { damage?: string } = {},
  results = new Uint8Array(),
): Transactions {
  const clock = new ManualClock();
  const same = {
    type: "same",
    results,
    digest: new Uint8Array(digestBytes),
    deferredForeignKeys: false,
    writes: true,
  };
  const parts = {
    node: Object.assign(node, {
      id: "1",
      configuration: { members: [], version: newestVersion },
    }),
    store: { rehearsal: () => ({ run: () => Promise.resolve(same), letGo: () => {} }) },
    transport: {},
    clock,
    writes: { submit },
    calls: {},
    reads: { barrier: () => Promise.resolve(1) },
    turns: new WriteTurns(clock),
  };
  return new Transactions(parts as unknown as ConstructorParameters<typeof Transactions>[0]);
}

const of = { user: "", rights: undefined, timeoutMs: 1000 };
const times = { openMs: 60_000, idleMs: 5_000 };

function runIn(
  transactions: Transactions,
  id: string,
  statements: readonly Statement[] = [{ sql: "DELETE FROM t" }],
): Promise<Uint8Array> {
  return transactions.run({
    ...of,
    id,
    statements,
    readOnly: false,
    unified: false,
    atomic: false,
    format: {
      associative: false,
      timings: false,
      blobArray: false,
      exact: false,
      qualifyColumns: false,
      unified: false,
    },
    statementTimeoutMs: 0,
  });
}

Deno.test("A commit whose answer is lost may have found a conflict, and says so", async () => {
  const lost = new ServiceError(
    "failed",
    "The write was carried out, but its result has been lost",
  );
  const transactions = transactionsWith(() => Promise.reject(lost));
  const id = await transactions.begin({ mode: "concurrent", ...of, ...times });
  await runIn(transactions, id);
  await assert.rejects(
    transactions.commit({ ...of, id, key: undefined }),
    (error) =>
      error instanceof ServiceError && error.kind === "unknown_outcome" &&
      /^Outcome unknown: the transaction was committed, or rolled back/.test(error.message),
  );
});

Deno.test("A transaction that was begun tells nothing of a copy that was found damaged since", async () => {
  const node: { damage?: string } = {};
  const transactions = transactionsWith(
    () => Promise.reject(new Error("Nothing is committed")),
    node,
  );
  const id = await transactions.begin({ mode: "concurrent", ...of, ...times });
  await runIn(transactions, id);
  node.damage = "another than the others'";
  const isOver = (error: unknown) =>
    error instanceof ServiceError && error.kind === "transaction_over" &&
    /copy of the database is damaged/.test(error.message);
  await assert.rejects(runIn(transactions, id), isOver);
  await assert.rejects(transactions.commit({ ...of, id, key: undefined }), isOver);
});

Deno.test("What a step is answered beyond what nodes send each other is refused to another, and the step not done", async () => {
  const nothing = () => Promise.reject(new Error("There is nothing to commit"));
  for (const bytes of [passedOnBytesMax, passedOnBytesMax + 1]) {
    const transactions = transactionsWith(nothing, {}, new Uint8Array(bytes));
    const id = await transactions.begin({ mode: "concurrent", ...of, ...times });
    const step = encodeStep({
      ...{ statements: [{ sql: "DELETE FROM t RETURNING *" }], clock: 0, seed: 0n, timeoutMs: 0 },
      ...{ atomic: false, unified: false, readOnly: false, format: plainFormat },
    });
    const call = { ...of, id, type: "run" as const, step, surelyWrites: true };
    const asked = transactions.handle(encodeTransactionCall(call));
    if (bytes <= passedOnBytesMax) {
      const answer = await asked;
      assert.ok(answer.length > bytes && answer.length < bytes + 1024);
      continue;
    }
    await assert.rejects(
      asked,
      (error) =>
        error instanceof ServiceError && error.kind === "too_large" &&
        /goes on without this request$/.test(error.message),
    );
    assert.deepEqual(await transactions.commit({ ...of, id, key: undefined }), { raftIndex: 0 });
  }
  // Its own node tells it.
  const transactions = transactionsWith(nothing, {}, new Uint8Array(passedOnBytesMax + 1));
  const id = await transactions.begin({ mode: "concurrent", ...of, ...times });
  assert.equal((await runIn(transactions, id)).length, passedOnBytesMax + 1);
});

Deno.test("A step that no transaction takes is not sent to another node", async () => {
  const transactions = transactionsWith(() => Promise.reject(new Error("Nothing is committed")));
  const statements = [{ sql: "SELECT ?", positional: ["x".repeat(8 * 1024 * 1024)] }];
  await assert.rejects(
    runIn(transactions, newId("2"), statements),
    (error) => error instanceof ServiceError && error.kind === "too_large",
  );
});
