import { Prng } from "../../src/base/prng.ts";
import { ServiceError, type WriteAnswer } from "../../src/cluster/types.ts";
import { plainFormat, type Statement } from "../../src/store/types.ts";
import type { History, Operation, ReadKind } from "./history.ts";
import type { Machine, World } from "./machine.ts";

/** What became of the clients' calls. */
export interface WorkloadCounts {
  applied: number;
  forwarded: number;
  refused: number;
  unknown: number;
  reads: Record<ReadKind, number>;
  readsFailed: number;
  /** Of the weak and linearizable ones: those that asked nobody, by the node's permit. */
  permittedReads: number;
}

/** Told of every write that a client knows to be done. */
export type AcknowledgedObserver = (index: number) => void;

const callTimeoutMs = 3_000;
/** Longest pause between two reads of a client that does nothing else, in ms. */
const watchMsMax = 40;
/** A client gives up by itself when its node has died: later than the node would. */
const patienceMs = 6_000;

/** Clients that call the nodes, one call at a time each, and write down what they see. */
export class Workload {
  readonly counts: WorkloadCounts = {
    applied: 0,
    forwarded: 0,
    refused: 0,
    unknown: 0,
    reads: { none: 0, weak: 0, linearizable: 0, strong: 0 },
    readsFailed: 0,
    permittedReads: 0,
  };
  readonly #world: World;
  readonly #history: History;
  readonly #machines: readonly Machine[];
  readonly #acknowledged: AcknowledgedObserver;
  readonly #ready: () => void;
  #lastValue = 0;
  #isReady = false;
  #ended = false;

  constructor(
    world: World,
    history: History,
    machines: readonly Machine[],
    acknowledged: AcknowledgedObserver,
    ready: () => void,
  ) {
    this.#world = world;
    this.#history = history;
    this.#machines = machines;
    this.#acknowledged = acknowledged;
    this.#ready = ready;
  }

  start(): void {
    const { random, plan, stores, violated } = this.#world;
    const live: (() => Promise<void>)[] = [];
    for (let client = 1; client <= plan.clients; client++) {
      const own = new Prng(random.uint64());
      live.push(() => this.#live(client, own));
    }
    for (let i = 1; i <= plan.weakReaders; i++) {
      const own = new Prng(random.uint64());
      live.push(() => this.#watch(plan.clients + i, own));
    }
    const begin = () => {
      this.#isReady = true;
      this.#ready();
      for (const client of live) client().catch(violated);
    };
    if (stores.setup.length === 0) begin();
    else this.#setUp(stores.setup).then(begin, violated);
  }

  /** Writes what clients rely on, however often it takes. */
  async #setUp(statements: readonly Statement[]): Promise<void> {
    for (let isDone = false; !isDone;) {
      await this.#pause(50);
      const machine = this.#machines.find(({ running }) => running?.node.isLeader);
      if (machine === undefined) continue;
      try {
        await this.#write(machine, statements);
        isDone = true;
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
      }
    }
  }

  #write(machine: Machine, statements: readonly Statement[]): Promise<WriteAnswer> {
    return this.#call(machine, ({ running }) => {
      if (running === undefined) throw new Error("The machine is off");
      return running.service.write({
        statements,
        transaction: false,
        unified: false,
        format: plainFormat,
        statementTimeoutMs: 0,
        timeoutMs: callTimeoutMs,
      });
    });
  }

  /** Whether there is something to append to. */
  get isReady(): boolean {
    return this.#isReady;
  }

  end(): void {
    this.#ended = true;
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#world.queue.schedule(delayMs, resolve));
  }

  /** Stays with one node for a while, as a client with a connection does. */
  async #live(client: number, random: Prng): Promise<void> {
    const { plan } = this.#world;
    let machine: Machine | undefined;
    while (!this.#ended) {
      await this.#pause(random.below(plan.thinkMsMax));
      if (machine === undefined || random.chance(0.1)) {
        machine = this.#machines[random.below(this.#machines.length)];
      }
      if (machine?.running === undefined || !machine.member) {
        machine = undefined;
        continue;
      }
      const key = random.below(plan.keys);
      if (random.chance(0.5)) await this.append(client, machine, key);
      else {
        const level = random.pick<ReadKind>([
          "linearizable",
          "linearizable",
          "weak",
          "strong",
          "none",
        ]);
        await this.#read(client, machine, key, level);
      }
    }
  }

  /** Reads from a node that takes itself for the leader, and for a while longer: its lease may be over. */
  async #watch(client: number, random: Prng): Promise<void> {
    const { plan } = this.#world;
    let machine: Machine | undefined;
    while (!this.#ended) {
      await this.#pause(random.below(watchMsMax));
      if (machine?.running === undefined || random.chance(0.05)) {
        const leading = this.#machines.filter(({ running }) => running?.node.isLeader);
        machine = leading[random.below(Math.max(1, leading.length))];
      }
      if (machine?.running === undefined) continue;
      await this.#read(client, machine, random.below(plan.keys), "weak");
    }
  }

  /** Runs a call inside the node's program, and waits no longer than a client would. */
  #call<T>(machine: Machine, call: (machine: Machine) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      machine.running?.process.run(() => call(machine).then(resolve, reject));
      this.#world.queue.schedule(
        patienceMs,
        () => reject(new ServiceError("unknown_outcome", "The node does not answer")),
      );
    });
  }

  /** True when the append was acknowledged. */
  async append(client: number, machine: Machine, key: number): Promise<boolean> {
    const value = ++this.#lastValue;
    const operation: Operation = {
      client,
      key,
      kind: "append",
      value,
      invokedAt: this.#history.moment(),
      returnedAt: Infinity,
      outcome: "unknown",
      length: undefined,
    };
    this.#history.operations.push(operation);
    const { trace } = this.#world;
    trace.event("call", machine.id, client, "append", key, value);
    try {
      const answer = await this.#write(machine, this.#world.stores.append(key, value));
      operation.outcome = "applied";
      operation.length = this.#world.stores.lengthIn(answer.results);
      operation.returnedAt = this.#history.moment();
      this.counts.applied++;
      if (answer.servedBy !== undefined) this.counts.forwarded++;
      trace.event("done", machine.id, client, value, answer.raftIndex);
      this.#acknowledged(answer.raftIndex);
      return true;
    } catch (error) {
      this.#refused(machine, operation, error);
      return false;
    }
  }

  /** What an error tells the client of its write. */
  #refused(
    machine: Machine,
    operation: Operation & { kind: "append" },
    error: unknown,
  ): void {
    if (!(error instanceof ServiceError)) throw error;
    this.#world.trace.event("error", machine.id, operation.client, operation.value, error.kind);
    this.#world.trace.remark(machine.id, error.message);
    switch (error.kind) {
      case "no_leader":
      case "overloaded":
      case "unavailable":
      case "timeout":
        operation.outcome = "refused";
        operation.returnedAt = this.#history.moment();
        this.counts.refused++;
        break;
      case "unknown_outcome":
        this.counts.unknown++;
        break;
      case "failed":
        // The one failure that the toy knows: carried out, but the result has been lost.
        operation.outcome = "applied";
        operation.returnedAt = this.#history.moment();
        this.counts.applied++;
        break;
      case "stale":
      case "invalid":
        throw error;
    }
  }

  async #read(client: number, machine: Machine, key: number, level: ReadKind): Promise<void> {
    const invokedAt = this.#history.moment();
    const { trace, stores } = this.#world;
    trace.event("call", machine.id, client, level, key);
    try {
      const { results } = await this.#call(machine, async ({ running }) => {
        if (running === undefined) throw new Error("The machine is off");
        const { permit, clock, store } = running;
        const request = {
          statements: [stores.list(key)],
          transaction: false,
          format: plainFormat,
          timeoutMs: 0,
        };
        // Half of the clients have their connections to a thread that reads by the node's permit: it
        // looks at that first, and a little later at the database.
        const permitted = (level === "weak" || level === "linearizable") && client % 2 === 0 &&
          permit.isInForce(level, clock.now());
        if (permitted) {
          await new Promise<void>((resolve) => clock.after(client, resolve));
          this.counts.permittedReads++;
          return { results: await store.read(request) };
        }
        return await running.service.read(
          request,
          { level, freshnessMs: 0, freshnessStrict: false, timeoutMs: callTimeoutMs },
        );
      });
      if (!(results instanceof Uint8Array)) throw new Error("The answer is a stream");
      const seen = stores.valuesIn(results);
      const returnedAt = this.#history.moment();
      this.#history.operations.push({
        client,
        key,
        kind: "read",
        level,
        invokedAt,
        returnedAt,
        seen,
      });
      this.counts.reads[level]++;
      trace.event("seen", machine.id, client, level, key, seen.length);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      trace.event("error", machine.id, client, level, error.kind);
      this.counts.readsFailed++;
    }
  }
}
