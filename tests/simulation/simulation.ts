import { setImmediate } from "node:timers";
import { Prng } from "../../src/base/prng.ts";
import { voterIds } from "../../src/raft/configuration.ts";
import {
  type Configuration,
  type Member,
  type NodeId,
  nodeName,
  serverId,
} from "../../src/raft/types.ts";
import { type ChangesChecked, checkChangeLogs } from "./change_logs.ts";
import { Disturber } from "./disturber.ts";
import { EventQueue } from "./event_queue.ts";
import { checkHistory, History, type ReadKind } from "./history.ts";
import { Ledger, SafetyViolation } from "./ledger.ts";
import { Machine, type World } from "./machine.ts";
import { checkPermit } from "./permit_check.ts";
import { calmDisk, calmNetwork, calmStore, type Disturbance, drawPlan, type Plan } from "./plan.ts";
import { type NetworkCounts, SimulatedNetwork } from "./simulated_network.ts";
import type { Contents, StoreKind } from "./store_home.ts";
import { toyStores } from "./toy_store.ts";
import { Trace } from "./trace.ts";
import { Workload, type WorkloadCounts } from "./workload.ts";

/** What one seed came to. */
export interface RunResult {
  readonly seed: number;
  readonly plan: Plan;
  /** What did not hold, if anything. */
  readonly violation: Error | undefined;
  /** Equal for equal runs. */
  readonly traceHash: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly leaders: number;
  readonly committed: number;
  readonly snapshots: number;
  readonly network: NetworkCounts;
  readonly workload: WorkloadCounts;
  readonly disturbances: ReadonlyMap<Disturbance, number>;
  /** What nodes tell of changes, where they do. */
  readonly changes: ChangesChecked;
}

export interface RunOptions {
  /** Gets every line of the trace. */
  readonly print?: (line: string) => void;
  /** Changes the plan that the seed has drawn. */
  readonly adjust?: (plan: Plan) => Plan;
  /** What the nodes have for a store; default the toy. */
  readonly stores?: StoreKind;
  /** The cluster's version; the first when it is not given. */
  readonly version?: number;
  /** Clients beside those of the lists, for which `stores` must have what they need. */
  readonly beside?: (world: World, machines: readonly Machine[]) => Beside;
}

/** Clients of another kind. */
export interface Beside {
  /** What they rely on is there. */
  start(): void;
  end(): void;
  /** Throws what is wrong with what they saw. */
  check(contents: Contents): void;
}

/** How long the healed cluster may take until it works again as a whole, in ms of true time. */
const livenessMs = 60_000;
const spares = 2;

/** Runs one cluster through everything that its seed has in store for it. */
export async function simulate(seed: number, options: RunOptions = {}): Promise<RunResult> {
  return await new Simulation(seed, options).run();
}

class Simulation {
  readonly #seed: number;
  readonly #plan: Plan;
  readonly #world: World;
  readonly #machines: Machine[] = [];
  readonly #history = new History();
  readonly #workload: Workload;
  readonly #beside: Beside | undefined;
  readonly #disturber: Disturber;
  #violation: Error | undefined;
  #changes: ChangesChecked = { compared: 0, replayed: 0 };
  #events = 0;

  constructor(seed: number, options: RunOptions) {
    this.#seed = seed;
    const random = new Prng(BigInt(seed));
    const drawn = drawPlan(random);
    this.#plan = options.adjust?.(drawn) ?? drawn;
    const queue = new EventQueue();
    const ledger = new Ledger();
    const trace = new Trace(() => queue.now, options.print);
    const network = new SimulatedNetwork(queue, new Prng(random.uint64()), this.#plan.network, {
      sent: (message) =>
        this.#check(() => {
          ledger.sent(message);
          const sender = this.#machines.find(({ serverId }) => serverId === message.from);
          if (sender?.running !== undefined) checkPermit(sender.running, message);
        }),
      arrived: (message) => trace.event(message.type, message.to, message.from, message.term),
    });
    this.#world = {
      queue,
      random,
      network,
      ledger,
      trace,
      plan: this.#plan,
      stores: options.stores ?? toyStores,
      addresses: () => this.#machines.map(({ address }) => address),
      violated: (error) => this.#violation ??= error,
    };
    const { voters, learners } = this.#plan;
    const members = Array.from({ length: voters + learners }, (_, i) => member(i, i >= voters));
    const { version } = options;
    const configuration: Configuration = version === undefined ? { members } : { members, version };
    for (let i = 0; i < voters + learners + spares; i++) {
      // Either one has founded the cluster, or all were given the same beginning.
      const knows = i < members.length && (i === 0 || this.#plan.allFound);
      this.#machines.push(
        new Machine(
          `n${i + 1}`,
          this.#world,
          members[i]?.suffrage === "learner" ? "learner" : members[i] && "voter",
          knows ? configuration : undefined,
        ),
      );
    }
    this.#workload = new Workload(
      this.#world,
      this.#history,
      this.#machines,
      (index) => this.#acknowledged(index),
      () => this.#beside?.start(),
    );
    this.#beside = options.beside?.(this.#world, this.#machines);
    this.#disturber = new Disturber(this.#world, new Prng(random.uint64()), this.#machines);
  }

  async run(): Promise<RunResult> {
    // Nothing may be left to fail unseen.
    const unhandled = (event: PromiseRejectionEvent) => {
      event.preventDefault();
      this.#violation ??= new Error(`Unhandled rejection: ${event.reason?.stack ?? event.reason}`);
    };
    globalThis.addEventListener("unhandledrejection", unhandled);
    try {
      // Every run begins at the same point of the runtime's own loop: within a test the first one's
      // promises were not all done by its first event.
      await new Promise((resolve) => setImmediate(resolve));
      await this.#runPhases();
      // The runtime tells of rejections only between two turns of its own event loop.
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      globalThis.removeEventListener("unhandledrejection", unhandled);
    }
    return this.#result();
  }

  async #runPhases(): Promise<void> {
    for (const machine of this.#machines) if (machine.member) machine.start();
    this.#workload.start();
    this.#disturber.start();
    await this.#runUntil(this.#plan.safetyMs, () => false);
    if (this.#violation === undefined) await this.#recover();
    if (this.#violation === undefined) this.#checkEnd();
  }

  /** Steps until the condition holds; false when it does not by then. */
  async #runUntil(untilMs: number, condition: () => boolean): Promise<boolean> {
    const { queue } = this.#world;
    try {
      while (this.#violation === undefined && !condition()) {
        if (!await queue.step(untilMs)) return false;
        this.#events++;
        this.#look();
      }
    } catch (error) {
      // Thrown into the face of the network or the clock, which can do nothing about it.
      this.#violation ??= error as Error;
    }
    return true;
  }

  /** What every node shows of itself, after every step. */
  #look(): void {
    for (const { serverId: id, running } of this.#machines) {
      if (running === undefined) continue;
      const { node } = running;
      const { role, term } = node.status;
      this.#check(() =>
        this.#world.ledger.looks({
          id,
          term,
          leading: role === "leader",
          commitIndex: node.commitIndex,
          appliedIndex: node.appliedIndex,
        })
      );
    }
  }

  #check(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#violation ??= error as Error;
    }
  }

  /** Acknowledged by the voters in force: those in the leader's log, or already those of a change that it is making. */
  #acknowledged(index: number): void {
    const { ledger } = this.#world;
    const term = ledger.committedTerm(index);
    const leader = this.#machines.find(({ running }) =>
      running?.node.isLeader && running.node.status.term === term
    )?.running;
    if (term === undefined || leader === undefined) return;
    if (index <= ledger.lastConfigurationIndex) return;
    const inForce = [leader.log.configuration, leader.node.configuration].map(voterIds);
    this.#check(() =>
      ledger.acknowledged(
        index,
        inForce,
        (id) => this.#machines.some((m) => m.id === nodeName(id) && m.holdsDurably(index, term)),
      )
    );
  }

  /** Everything heals; then the cluster must work again, and bring all its members to one state. */
  async #recover(): Promise<void> {
    const { queue, network, trace } = this.#world;
    trace.event("recover", "");
    this.#disturber.end();
    this.#workload.end();
    this.#beside?.end();
    network.faults = calmNetwork;
    network.heal();
    for (const machine of this.#machines) {
      machine.diskFaults = calmDisk;
      machine.storeFaults = calmStore;
      machine.keepPower();
      machine.wake();
      if (machine.member) machine.start();
    }
    const deadline = queue.now + livenessMs;
    // A node that stops for a disk failure of before the healing starts again, as a supervisor has it.
    // What its unit file tells it to join through may be a member no more: the operator mends that.
    const supervise = () => {
      const leader = this.#leader();
      const inForce = leader?.running?.node.configuration.members ?? [];
      for (const machine of this.#machines) {
        if (leader !== undefined) machine.joinThrough(leader.address);
        // One that was to leave and is a member still is told again where the others are.
        if (machine.leaving && inForce.some(({ id }) => id === machine.serverId)) machine.stay();
        if (machine.member) machine.start();
      }
      queue.schedule(500, supervise);
    };
    supervise();
    let written = false;
    const write = async () => {
      while (!written) {
        const leader = this.#leader();
        written = leader !== undefined && this.#workload.isReady &&
          await this.#workload.append(0, leader, 0);
        await new Promise<void>((resolve) => queue.schedule(100, resolve));
      }
    };
    write().catch(this.#world.violated);
    await this.#runUntil(deadline, () => written && this.#settled());
    if (this.#violation === undefined && !(written && this.#settled())) {
      this.#violation = new SafetyViolation("Liveness", this.#unsettled());
    }
  }

  #leader(): Machine | undefined {
    return this.#machines.filter(({ running }) => running?.node.isLeader)
      .sort((a, b) => (b.running?.node.status.term ?? 0) - (a.running?.node.status.term ?? 0))[0];
  }

  /** Whether all members know the leader and have applied all that it has. */
  #settled(): boolean {
    const leader = this.#leader()?.running?.node;
    if (leader === undefined || leader.commitIndex !== leader.lastIndex) return false;
    const { members } = leader.configuration;
    const machineOf = (id: NodeId) => this.#machines.find((m) => m.id === nodeName(id));
    const isWhole = members.every(({ id }) => machineOf(id)?.member);
    return members.every(({ id, suffrage }) => {
      const machine = machineOf(id);
      if (machine === undefined) return false;
      // A new node whose joining broke off stays a stranger until somebody asks again.
      if (!machine.member) return true;
      if (machine.running === undefined || machine.serverId !== id) return false;
      const { node } = machine.running;
      // With all of them there, a standby has given its vote back.
      if (isWhole && machine.standby && suffrage !== "learner") return false;
      return suffrage !== "staging" && node.status.leader === leader.id &&
        node.appliedIndex === leader.commitIndex;
    });
  }

  #unsettled(): string {
    const nodes = this.#machines.map(({ id, running, member }) => {
      if (running === undefined) return `${id} off`;
      const { status, commitIndex, appliedIndex, lastIndex, configuration } = running.node;
      const members = configuration.members.map((m) => `${m.id}:${m.suffrage[0]}`).join(" ");
      return `${id} ${status.role} of ${
        status.leader || "nobody"
      } in term ${status.term}, log to ` +
        `${lastIndex}, committed ${commitIndex}, applied ${appliedIndex}, ` +
        `${member ? "member" : "stranger"} among ${members}`;
    });
    return `the healed cluster does not work as a whole after ${livenessMs} ms:\n  ${
      nodes.join("\n  ")
    }`;
  }

  /** What clients saw, against the state that the cluster ended with. */
  #checkEnd(): void {
    const leader = this.#leader();
    if (leader === undefined) return;
    const { contents } = leader;
    const { lists, hash } = contents;
    for (const machine of this.#machines) {
      if (machine === leader) continue;
      const inForce = leader.running?.node.configuration.members ?? [];
      const counts = machine.member && inForce.some(({ id }) => id === machine.serverId);
      if (!counts || machine.contents.hash === hash) continue;
      this.#violation ??= new SafetyViolation(
        "State machine safety",
        `${machine.id} ends with other contents than ${leader.id}`,
      );
    }
    const levels = new Set<ReadKind>(["linearizable", "strong"]);
    if (this.#plan.leaseHolds) levels.add("weak");
    this.#check(() => checkHistory(this.#history.operations, lists, levels));
    this.#check(() => this.#beside?.check(contents));
    this.#check(() => this.#checkChanges(leader, contents));
  }

  /** All members, as far as they know that they are some, tell the same of how their state came to be. */
  #checkChanges(leader: Machine, contents: Contents): void {
    const inForce = leader.running?.node.configuration.members ?? [];
    const kept = this.#machines.flatMap(({ id, serverId, running, member }) => {
      const log = running?.store.changes;
      const counts = member && inForce.some((one) => one.id === serverId);
      return log !== undefined && counts ? [{ id, log }] : [];
    });
    this.#changes = checkChangeLogs(kept, contents);
  }

  #result(): RunResult {
    const { queue, ledger, trace, network } = this.#world;
    for (const machine of this.#machines) machine.remove();
    return {
      seed: this.#seed,
      plan: this.#plan,
      violation: this.#violation,
      traceHash: trace.hash,
      events: this.#events,
      virtualMs: queue.now,
      leaders: ledger.leaderCount,
      committed: ledger.committedIndex,
      snapshots: this.#machines.reduce(
        (sum, { snapshotsInstalled }) => sum + snapshotsInstalled,
        0,
      ),
      network: network.counts,
      workload: this.#workload.counts,
      disturbances: this.#disturber.counts,
      changes: this.#changes,
    };
  }
}

function member(at: number, learner: boolean): Member {
  return {
    id: serverId(`n${at + 1}`, "00000000"),
    address: `n${at + 1}:4002`,
    httpAddress: `n${at + 1}:4001`,
    suffrage: learner ? "learner" : "voter",
  };
}
