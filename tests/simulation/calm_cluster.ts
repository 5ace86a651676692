import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import type { Node } from "../../src/node/node.ts";
import { NodeError } from "../../src/node/types.ts";
import { serverId } from "../../src/raft/types.ts";
import { EventQueue } from "./event_queue.ts";
import { Ledger } from "./ledger.ts";
import { Machine, type World } from "./machine.ts";
import { calmDisk, calmNetwork, calmStore, drawPlan, type Plan, ticks } from "./plan.ts";
import { SimulatedNetwork } from "./simulated_network.ts";
import { encodeToyCommand } from "./toy_command.ts";
import { toyStores } from "./toy_store.ts";
import { Trace } from "./trace.ts";

/** Three calm machines, which step as far as a test wants. */
export class CalmCluster {
  readonly machines: readonly Machine[];
  readonly network: SimulatedNetwork;
  readonly #queue = new EventQueue();
  readonly #violations: Error[] = [];
  #written = 0;

  constructor() {
    const random = new Prng(1n);
    const drawn = drawPlan(random);
    const timing = { ...ticks, tickMs: 50 };
    const plan: Plan = {
      ...drawn,
      network: calmNetwork,
      disk: calmDisk,
      store: calmStore,
      segmentedLog: false,
      drift: 0,
      limits: { ...drawn.limits, pendingWritesMax: 1000 },
      timings: [timing, timing],
    };
    const queue = this.#queue;
    const observer = { sent: () => {}, arrived: () => {} };
    this.network = new SimulatedNetwork(queue, new Prng(2n), calmNetwork, observer);
    const world: World = {
      queue,
      random,
      network: this.network,
      ledger: new Ledger(),
      trace: new Trace(() => queue.now, undefined),
      plan,
      stores: toyStores,
      addresses: () => [],
      violated: (error) => this.#violations.push(error),
    };
    const members = ["n1", "n2", "n3"].map((name) => ({
      id: serverId(name, "00000000"),
      address: `${name}:4002`,
      httpAddress: `${name}:4001`,
      suffrage: "voter" as const,
    }));
    this.machines = ["n1", "n2", "n3"].map((name) =>
      new Machine(name, world, "voter", { members })
    );
    for (const machine of this.machines) machine.start();
    // The first events come only once the machines have read their disks.
    const next = () => void queue.schedule(10, next);
    next();
  }

  /** Lets time pass until the condition holds; fails when it does not within that many ms. */
  async until<T>(condition: () => T | undefined, withinMs: number): Promise<T> {
    const deadline = this.#queue.now + withinMs;
    for (;;) {
      const value = condition();
      if (value !== undefined) return value;
      assert(await this.#queue.step(deadline), `Not within ${withinMs} ms: ${condition}`);
      assert.deepEqual(this.#violations, []);
    }
  }

  /** The one that leads and is followed by another. */
  leader(): Machine | undefined {
    return this.machines.find(({ running, serverId }) =>
      running?.node.isLeader &&
      this.machines.some((other) =>
        other.running?.node.isLeader === false && other.running.node.status.leader === serverId
      )
    );
  }

  /** Writes, and ends with the write's index or the kind of its failure; time is the caller's to pass. */
  write(machine: Machine, timeoutMs: number): Promise<number | string> {
    const { running } = machine;
    assert(running);
    const value = ++this.#written;
    const command = encodeToyCommand({ origin: 0n, sequence: 0, floor: 0, key: 1, value });
    return running.node
      .propose(command, { format: undefined, deadline: running.clock.now() + timeoutMs })
      .then(({ index }) => index, (error) => {
        assert(error instanceof NodeError, String(error));
        return error.kind;
      });
  }

  /** Passes the time that the work needs, no more than that many ms. */
  async ended<T>(work: Promise<T>, withinMs: number): Promise<T> {
    let result: { readonly value: T } | undefined;
    work.then((value) => result = { value });
    return (await this.until(() => result, withinMs)).value;
  }

  /** Nothing gets from this machine to the others, or back. */
  isolate({ address }: Machine): void {
    for (const { address: other } of this.machines) {
      this.network.cut(address, other);
      this.network.cut(other, address);
    }
  }
}

/** What runs on a machine; fails where nothing does. */
export function nodeOf({ id, running }: Machine): Node {
  assert(running !== undefined, `Nothing runs on ${id}`);
  return running.node;
}
