import { Prng } from "../../src/base/prng.ts";
import {
  type TransactionMode,
  transactionModes,
} from "../../src/cluster/transactions/transaction.ts";
import type { ClusterService } from "../../src/cluster/service.ts";
import { ServiceError } from "../../src/cluster/types.ts";
import { plainFormat } from "../../src/store/types.ts";
import { SafetyViolation } from "./ledger.ts";
import type { Machine, World } from "./machine.ts";
import type { Contents } from "./store_home.ts";
import { CallFailed, type TransactionCalls, TransactionClients } from "./transaction_clients.ts";

const callTimeoutMs = 3_000;
/** A client gives up by itself when its node has died: later than the node would. */
const patienceMs = 6_000;
const transactionsMax = 400;

/** What a commit's error says of it, if it does not leave it open. */
const certain = [
  "no_leader",
  "overloaded",
  "unavailable",
  "conflict",
  "no_transaction",
  "transaction_over",
  "invalid",
  "too_large",
];

/** Clients of transactions beside those of the lists, over a simulated cluster. */
export class TransactionWorkload {
  readonly clients: TransactionClients;
  readonly #world: World;
  readonly #machines: readonly Machine[];
  #time = 0;
  #ended = false;

  constructor(world: World, machines: readonly Machine[]) {
    this.#world = world;
    this.#machines = machines;
    this.clients = new TransactionClients(() => ++this.#time);
  }

  start(): void {
    const { random, violated } = this.#world;
    for (let client = 0; client < 4; client++) {
      const own = new Prng(random.uint64());
      this.#live(own).catch(violated);
    }
  }

  end(): void {
    this.#ended = true;
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#world.queue.schedule(delayMs, resolve));
  }

  async #live(random: Prng): Promise<void> {
    let machine: Machine | undefined;
    while (!this.#ended && this.clients.seen.length < transactionsMax) {
      await this.#pause(random.below(100));
      if (machine === undefined || random.chance(0.2)) {
        machine = this.#machines[random.below(this.#machines.length)];
      }
      if (machine?.running === undefined || !machine.member) {
        machine = undefined;
        continue;
      }
      const mode = transactionModes[random.below(transactionModes.length)] ?? "deferred";
      await this.clients.once(this.#calls(machine, random), random, mode);
    }
  }

  /** Most requests go to one node, and some to any other. */
  #calls(home: Machine, random: Prng): TransactionCalls {
    const ask = <T>(ask: (service: ClusterService) => Promise<T>, isHome = false): Promise<T> => {
      const other = this.#machines[random.below(this.#machines.length)];
      const machine = isHome || random.chance(0.8) || other?.running === undefined ? home : other;
      return this.#ask(machine, ask);
    };
    const of = (id: string) => ({ id, user: "", rights: undefined, timeoutMs: callTimeoutMs });
    const step = { unified: true, atomic: false, format: plainFormat, statementTimeoutMs: 0 };
    return {
      begin: (mode: TransactionMode) => {
        const request = { mode, user: "", rights: undefined, openMs: 20_000, idleMs: 5_000 };
        return ask((service) => service.begin({ ...request, timeoutMs: callTimeoutMs }), true);
      },
      run: async (tx, sql) => {
        const statements = sql.map((sql) => ({ sql }));
        const results = await ask((service) =>
          service.runInTransaction({ ...of(tx), ...step, statements, readOnly: false })
        );
        return JSON.parse(`[${new TextDecoder().decode(results)}]`);
      },
      commit: async (tx) => {
        await ask((service) => service.commit({ ...of(tx), key: undefined }));
      },
      rollback: (tx) => ask((service) => service.rollback(of(tx))),
      write: async (sql) => {
        const request = { ...step, transaction: false, timeoutMs: callTimeoutMs };
        await ask((service) => service.write({ ...request, statements: [{ sql }] }));
      },
    };
  }

  async #ask<T>(machine: Machine, call: (service: ClusterService) => Promise<T>): Promise<T> {
    const { queue } = this.#world;
    try {
      return await new Promise<T>((resolve, reject) => {
        machine.running?.process.run(() => {
          const { running } = machine;
          if (running !== undefined) call(running.service).then(resolve, reject);
        });
        const gone = new ServiceError("unknown_outcome", "The node does not answer");
        queue.schedule(patienceMs, () => reject(gone));
      });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      this.#world.trace.remark(machine.id, `${error.kind} ${error.message}`);
      throw new CallFailed(error.message, !certain.includes(error.kind));
    }
  }

  /** Throws a SafetyViolation for the first anomaly in what clients saw. */
  check({ tables }: Contents): void {
    const money = (tables.get("tx_bank") ?? []).reduce((sum, [, one]) => sum + Number(one), 0);
    const anomalies = this.clients.anomalies(tables.get("tx_lists") ?? [], money);
    if (anomalies.length === 0) return;
    const text = anomalies.map(({ name, text }) => `${name}: ${text}`).join("\n");
    throw new SafetyViolation("Strict serializability", text);
  }
}
