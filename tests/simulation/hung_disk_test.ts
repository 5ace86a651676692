import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { NodeError } from "../../src/node/types.ts";
import { serverId } from "../../src/raft/types.ts";
import { EventQueue } from "./event_queue.ts";
import { Ledger } from "./ledger.ts";
import { Machine, type World } from "./machine.ts";
import { calmDisk, calmNetwork, calmStore, drawPlan, ticks } from "./plan.ts";
import { SimulatedNetwork } from "./simulated_network.ts";
import { encodeToyCommand } from "./toy_command.ts";
import { toyStores } from "./toy_store.ts";
import { Trace } from "./trace.ts";

const hung = { ...calmDisk, syncMsMin: 600_000, syncMsMax: 600_001 };
const slow = { ...calmDisk, syncMsMin: 300, syncMsMax: 301 };

/** Three calm machines, which step as far as a test wants. */
class Cluster {
  readonly machines: readonly Machine[];
  readonly #queue = new EventQueue();
  readonly #violations: Error[] = [];
  #written = 0;

  constructor() {
    const random = new Prng(1n);
    const drawn = drawPlan(random);
    const plan = {
      ...drawn,
      network: calmNetwork,
      disk: calmDisk,
      store: calmStore,
      segmentedLog: false,
      drift: 0,
      limits: { ...drawn.limits, pendingWritesMax: 1000 },
      timing: { ...ticks, tickMs: 50 },
    };
    const queue = this.#queue;
    const observer = { sent: () => {}, arrived: () => {} };
    const world: World = {
      queue,
      random,
      network: new SimulatedNetwork(queue, new Prng(2n), calmNetwork, observer),
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
}

Deno.test("a leader whose disk does not answer lets another lead, says so, and follows once it does", async () => {
  const cluster = new Cluster();
  const first = await cluster.until(() => cluster.leader(), 10_000);
  assert.equal(typeof await cluster.ended(cluster.write(first, 3_000), 3_000), "number");
  first.diskFaults = hung;
  const node = first.running?.node;
  assert(node);
  const behind = [cluster.write(first, 30_000)];
  await cluster.until(() => node.lastIndex > node.commitIndex || undefined, 1_000);
  behind.push(cluster.write(first, 30_000));
  const second = await cluster.until(() => {
    const leader = cluster.leader();
    return leader === first ? undefined : leader;
  }, 4_000);
  assert.equal(typeof await cluster.ended(cluster.write(second, 3_000), 3_000), "number");
  // Nothing was done for the write that waited for the disk: its client may go elsewhere at once.
  assert.equal(await cluster.ended(behind[1] ?? assert.fail(), 100), "unavailable");
  assert.match(node.figures.health, /^The disk has not answered for \d+ s: writes wait/);
  first.diskFaults = calmDisk;
  await cluster.until(
    () =>
      node.figures.health === "ok" &&
        node.appliedIndex === second.running?.node.appliedIndex || undefined,
    700_000,
  );
});

Deno.test("a leader whose disk does not answer refuses writes at once where no other can lead", async () => {
  const cluster = new Cluster();
  const first = await cluster.until(() => cluster.leader(), 10_000);
  for (const machine of cluster.machines) machine.diskFaults = hung;
  void cluster.write(first, 30_000);
  await cluster.until(() => first.running?.node.figures.health !== "ok" || undefined, 4_000);
  assert.equal(await cluster.ended(cluster.write(first, 30_000), 20), "unavailable");
});

Deno.test("a disk that takes 300 ms for a sync keeps its leader under load", async () => {
  const cluster = new Cluster();
  const first = await cluster.until(() => cluster.leader(), 10_000);
  for (const machine of cluster.machines) machine.diskFaults = slow;
  const node = first.running?.node;
  assert(node);
  const { term } = node.status;
  let answered = 0;
  const writeAlways = (): Promise<void> =>
    cluster.write(first, 60_000).then((index) => {
      assert.equal(typeof index, "number");
      answered++;
      return writeAlways();
    });
  for (let client = 0; client < 4; client++) void writeAlways();
  await cluster.until(() => {
    assert.equal(node.figures.health, "ok");
    return answered > 100 || undefined;
  }, 60_000);
  assert.equal(node.status.term, term);
  assert.equal(cluster.leader(), first);
});
