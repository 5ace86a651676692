import assert from "node:assert/strict";
import { newestVersion } from "../../src/raft/cluster_version.ts";
import { simulate } from "./simulation.ts";
import { sqliteStores } from "./sqlite_home.ts";
import { transactionSetup } from "./transaction_clients.ts";
import { TransactionWorkload } from "./transaction_workload.ts";

// Transactions of several requests in all modes, of the program's own store and real SQLite, in the
// simulator: see real_store_test.ts for what is simulated and what is not.

const given = Deno.env.get("RAFTLITE_SEED");
const rounds = Number(Deno.env.get("RAFTLITE_ROUNDS") ?? 1);
const seeds = given !== undefined
  ? [Number(given)]
  : Array.from({ length: 16 * rounds }, (_, i) => i + 1);

Deno.test("simulate() finds no anomaly in transactions, whatever happens to the cluster", async () => {
  const counts = { committed: 0, aborted: 0, unknown: 0 };
  for (const seed of seeds) {
    let workload: TransactionWorkload | undefined;
    const { violation } = await simulate(seed, {
      stores: {
        ...sqliteStores,
        setup: [...sqliteStores.setup, ...transactionSetup.map((sql) => ({ sql }))],
      },
      version: newestVersion,
      adjust: (plan) => ({ ...plan, voters: 3, learners: 0, clients: 1 }),
      beside: (world, machines) => workload = new TransactionWorkload(world, machines),
      ...(given === undefined ? {} : { print: (line: string) => console.log(line) }),
    });
    assert.equal(
      violation,
      undefined,
      `RAFTLITE_SEED=${seed} deno task test tests/simulation/transactions_test.ts: ${violation?.stack}`,
    );
    for (const outcome of ["committed", "aborted", "unknown"] as const) {
      counts[outcome] += workload?.clients.count(outcome) ?? 0;
    }
  }
  if (given !== undefined) return;
  assert.ok(counts.committed > 200 && counts.aborted > 20, JSON.stringify(counts));
});
