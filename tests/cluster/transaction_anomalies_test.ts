import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { transactionModes } from "../../src/cluster/transactions/transaction.ts";
import { httpCalls } from "../simulation/transaction_calls.ts";
import {
  CallFailed,
  finalLists,
  finalMoney,
  type TransactionCalls,
  TransactionClients,
  transactionSetup,
} from "../simulation/transaction_clients.ts";
import { anySeed } from "../store/seeds.ts";
import { background } from "../background.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

/** What a request came to that was not answered with 200; a lost one may have been done. */
async function post(node: NodeProcess, path: string, body: string): Promise<string> {
  let answer: { readonly status: number; readonly body: string };
  try {
    const headers = { "content-type": "application/json" };
    answer = await node.fetch(path, { method: "POST", headers, body, timeoutMs: 10_000 });
  } catch (error) {
    throw new CallFailed(String(error), true);
  }
  if (answer.status === 200) return answer.body;
  throw new CallFailed(
    `${answer.status} ${answer.body}`,
    answer.status >= 500 && !/leader not found|^database is locked|try again/.test(answer.body),
  );
}

/** Most requests go to one node, and some to any other. */
function callsTo(cluster: Cluster, home: NodeProcess, random: Prng): TransactionCalls {
  const next = () => {
    const other = cluster.nodes[random.below(cluster.nodes.length)];
    return random.chance(0.8) || other === undefined ? home : other;
  };
  return httpCalls(post, { home, next });
}

Deno.test("Transactions have no anomaly in any mode, while nodes are killed and leaders move", async () => {
  const seed = anySeed();
  const random = new Prng(seed);
  await using cluster = await Cluster.start();
  await cluster.nodes[0]?.execute(transactionSetup);
  let moment = 0;
  const clients = new TransactionClients(() => ++moment);
  let running = true;
  const live = Array.from({ length: 6 }, (_, at) =>
    background(async () => {
      const own = new Prng(random.uint64());
      while (running) {
        const home = cluster.nodes[own.below(cluster.nodes.length)];
        const mode = transactionModes[(at + own.below(2)) % transactionModes.length];
        assert(home && mode);
        await clients.once(callsTo(cluster, home, own), own, mode);
        // A node that is down answers at once.
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }));
  const more = async (count: number) => {
    const before = clients.count("committed");
    await eventually("more commits", () => clients.count("committed") >= before + count);
  };
  const killed = async (node: NodeProcess) => {
    await node.kill("SIGKILL");
    await more(5);
    node.start();
    await node.ready();
  };
  try {
    await more(40);
    await killed(await cluster.leader());
    await more(20);
    await eventually("the lead to go", async () => {
      return (await (await cluster.leader()).fetch("/leader", { method: "POST" })).status === 200;
    });
    await more(20);
    await killed(await cluster.follower());
    const frozen = await cluster.leader();
    frozen.freeze();
    await more(10).finally(() => frozen.thaw());
    await more(20);
  } finally {
    running = false;
    await Promise.all(live);
  }
  const [lists = [], money = []] = await cluster.converged([finalLists, finalMoney]);
  assert.deepEqual(clients.anomalies(lists, money[0]?.[0]), [], `seed ${seed}`);
});
