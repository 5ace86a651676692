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
import { ask, RequestFailed } from "./request.ts";
import type { FinalRead, Site, Workload, WorkloadParts } from "./workload.ts";

/** A longer history takes longer to check than to make. */
const transactionsMax = 2_000;

/** One that is seen by many is as many. */
const anomaliesShown = 10;

/** Transactions of several requests in all modes, held to what Adya and Elle call by name. */
export class Transactions implements Workload {
  readonly name = "transactions";
  readonly setup = transactionSetup;
  readonly clients = 4;
  readonly #parts: WorkloadParts;
  readonly #clients: TransactionClients;

  constructor(parts: WorkloadParts) {
    this.#parts = parts;
    this.#clients = new TransactionClients(parts.moment);
  }

  async once(site: Site, client: number): Promise<void> {
    if (this.#clients.seen.length >= transactionsMax) return;
    const { random } = site;
    const mode = transactionModes[(client + random.below(2)) % transactionModes.length];
    await this.#clients.once(callsTo(site), random, mode ?? "deferred");
  }

  async check(read: FinalRead): Promise<void> {
    const { report } = this.#parts;
    for (const outcome of ["committed", "aborted", "unknown"] as const) {
      report.count(`transactions ${outcome}`, this.#clients.count(outcome));
    }
    const [lists, money] = [await read(finalLists), await read(finalMoney)];
    const anomalies = this.#clients.anomalies(lists, money[0]?.[0]);
    for (const { name, text } of anomalies.slice(0, anomaliesShown)) {
      report.violation(`Transactions: ${name}`, text);
    }
    const more = anomalies.length - anomaliesShown;
    if (more > 0) report.violation("Transactions", `and ${more} more anomalies`);
  }

  get history(): unknown {
    return this.#clients.seen;
  }
}

/** Most requests go to one node, and some to any other. */
function callsTo({ home, any, random }: Site): TransactionCalls {
  return httpCalls(post, { home, next: () => random.chance(0.8) ? home : any() });
}

async function post(node: Site["home"], path: string, body: string): Promise<string> {
  try {
    return (await ask(node, path, { body })).text;
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error;
    throw new CallFailed(error.message, error.outcome === "unknown");
  }
}
