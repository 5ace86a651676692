import assert from "node:assert/strict";
import { Transactions } from "../../src/cluster/transactions/transactions.ts";
import { WriteTurns } from "../../src/cluster/transactions/write_turns.ts";
import { ServiceError } from "../../src/cluster/types.ts";
import { newestVersion } from "../../src/raft/cluster_version.ts";
import { digestBytes } from "../../src/store/digest.ts";
import { ManualClock } from "../transport/fixture.ts";

/** Transactions of one node, whose commits are answered by `submit`. */
function transactionsWith(
  submit: () => Promise<never>,
  node: { damage?: string } = {},
): Transactions {
  const clock = new ManualClock();
  const same = {
    type: "same",
    results: new Uint8Array(),
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

function runIn(transactions: Transactions, id: string): Promise<Uint8Array> {
  return transactions.run({
    ...of,
    id,
    statements: [{ sql: "DELETE FROM t" }],
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
