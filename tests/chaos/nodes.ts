import { Cluster, eventually, type NodeProcess } from "../cluster/harness.ts";
import type { Prng } from "../../src/base/prng.ts";
import type { FaultyMachine, MachineShop } from "./faulty_machine.ts";
import type { Report } from "./report.ts";

/** Longest wait for a node that is started beside faults, in ms. */
const patienceMs = 120_000;

/** The nodes of a cluster, their machines, and who of them is meant to run. */
export class Nodes implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly #report: Report;
  readonly #shop: MachineShop | undefined;
  readonly #machines = new Map<NodeProcess, FaultyMachine>();
  readonly #expected = new Set<NodeProcess>();
  /** What a node is started with until it has joined. */
  readonly #joining = new Map<NodeProcess, readonly string[]>();
  /** Those that a fault has to itself. */
  readonly #held = new Set<NodeProcess>();
  readonly replicas = new Set<NodeProcess>();
  /** Path of the main.ts of an earlier release, where the cluster goes over from that and back. */
  readonly earlier: string | undefined;
  readonly #everyone = new Set<NodeProcess>();

  constructor(
    { cluster, report, shop, earlier }: {
      readonly cluster: Cluster;
      readonly report: Report;
      readonly shop: MachineShop | undefined;
      readonly earlier: string | undefined;
    },
  ) {
    this.cluster = cluster;
    this.#report = report;
    this.#shop = shop;
    this.earlier = earlier;
  }

  /** All that are in the cluster, as far as the chaos has it. */
  get all(): readonly NodeProcess[] {
    return this.cluster.nodes;
  }

  /** Those that have been in it as well. */
  get everyone(): readonly NodeProcess[] {
    return [...this.#everyone];
  }

  get voters(): readonly NodeProcess[] {
    return this.all.filter((node) => !this.replicas.has(node));
  }

  machineOf(node: NodeProcess): FaultyMachine | undefined {
    return this.#machines.get(node);
  }

  /** Makes one more and starts it; the first forms the cluster. */
  async add(through: NodeProcess | undefined, isReplica = false): Promise<NodeProcess> {
    const node = this.cluster.create(isReplica ? ["-raft-non-voter"] : []);
    this.#everyone.add(node);
    await Deno.mkdir(node.directory, { recursive: true });
    if (this.#shop !== undefined) this.#machines.set(node, this.#shop.make(node.directory));
    if (isReplica) this.replicas.add(node);
    if (through !== undefined) this.#joining.set(node, ["-join", through.raftAddress]);
    this.start(node);
    return node;
  }

  start(node: NodeProcess): void {
    node.start(this.#joining.get(node) ?? [], this.#machines.get(node)?.environment ?? {});
    this.#watch(node).catch((error) => this.#report.thrown("Driver", error));
  }

  /** Notes when it ends without having been asked to, and starts it again as a supervisor does. */
  async #watch(node: NodeProcess): Promise<void> {
    const { code } = await node.exited();
    if (this.#expected.delete(node)) return;
    const lines = lastLines(node);
    if (this.#hadFailedSync(node, code)) {
      this.#report.note(`${node.id} has stopped, as a sync failed: it is started again`);
    } else if (this.#joining.has(node)) {
      this.#report.note(`${node.id} could not join: ${lines}`);
      this.#report.count("join given up");
      // Whoever starts it tries again.
      await new Promise((resolve) => setTimeout(resolve, 500));
    } else {
      this.#report.violation("Nodes run", `${node.id} ended by itself with ${code}:\n${lines}`);
    }
    if (this.all.includes(node) && !node.running && !this.#expected.has(node)) this.start(node);
  }

  /** Whether it ended as a node does that a sync has failed for. */
  #hadFailedSync(node: NodeProcess, code: number): boolean {
    const machine = this.#machines.get(node);
    if (code !== 1 || machine === undefined || machine.get("syncsFailed") === 0) return false;
    machine.set("syncsFailed", 0);
    this.#report.count("stop after a failed sync");
    return true;
  }

  /** Ends it by a signal, and waits until it is gone. */
  async end(node: NodeProcess, signal: Deno.Signal): Promise<void> {
    if (!node.running) return;
    this.#expected.add(node);
    let status: Deno.CommandStatus;
    let wasAsked = true;
    try {
      status = await node.kill(signal);
    } catch (error) {
      // It has ended at this moment by itself, which the watch takes for what was wanted.
      if (!(error instanceof TypeError)) throw error;
      status = await node.exited();
      wasAsked = false;
    }
    if (signal !== "SIGTERM" && wasAsked || status.code === 0) return;
    if (this.#hadFailedSync(node, status.code)) return;
    const lines = lastLines(node);
    this.#report.violation("Stops when asked", `${node.id} ended with ${status.code}:\n${lines}`);
  }

  async ready(node: NodeProcess): Promise<void> {
    await eventually(() => `${node.id} to be ready`, async () => {
      if (!node.running) return false;
      const answer = await node.fetch("/readyz", { timeoutMs: 2_000 });
      await answer.body;
      return answer.status === 200;
    }, patienceMs);
    this.#joining.delete(node);
  }

  /** Has all run another program, one after the other; undefined for the one that is tested. */
  async goOver(to: string | undefined): Promise<void> {
    this.cluster.mainPath = to;
    for (const node of [...this.all]) {
      if (node.mainPath === to) continue;
      await this.end(node, "SIGTERM");
      node.mainPath = to;
      this.start(node);
      await this.ready(node);
    }
  }

  /** Takes it out of the lists; its process has ended. */
  forget(node: NodeProcess): void {
    this.replicas.delete(node);
    this.#joining.delete(node);
    const at = this.cluster.nodes.indexOf(node);
    if (at >= 0) this.cluster.nodes.splice(at, 1);
  }

  /** One that runs and that no fault has yet, often the leader; it is to be let go. */
  async take(random: Prng, from: readonly NodeProcess[] = this.all): Promise<Taken | undefined> {
    const leader = random.chance(0.4) ? await this.leader() : undefined;
    const free = from.filter((node) => node.running && !this.#held.has(node));
    const node = leader !== undefined && free.includes(leader)
      ? leader
      : free[random.below(Math.max(1, free.length))];
    if (node === undefined || this.#held.has(node)) return undefined;
    this.#held.add(node);
    const what = `${node.id}${node === leader ? " (leader)" : ""}`;
    return { node, what, [Symbol.dispose]: () => void this.#held.delete(node) };
  }

  /** A given one, once no fault has it any more; it is to be let go. */
  async takeThis(node: NodeProcess): Promise<Disposable> {
    await eventually(`${node.id} to be let go`, () => !this.#held.has(node), patienceMs);
    this.#held.add(node);
    return { [Symbol.dispose]: () => void this.#held.delete(node) };
  }

  /** All of them, when no fault has any. */
  takeAll(): Disposable | undefined {
    if (this.#held.size > 0) return undefined;
    const taken = [...this.all];
    for (const node of taken) this.#held.add(node);
    return { [Symbol.dispose]: () => taken.forEach((node) => this.#held.delete(node)) };
  }

  /** Whom the first that answers knows to lead. */
  async leader(): Promise<NodeProcess | undefined> {
    for (const node of this.all) {
      if (!node.running) continue;
      const id = await node.fetch("/nodes?nonvoters", { timeoutMs: 1_000 }).then(
        ({ body }) =>
          (Object.values(JSON.parse(body)) as { id: string; leader: boolean }[])
            .find(({ leader }) => leader)?.id,
        () => undefined,
      );
      const leader = this.all.find((other) => other.id === id);
      if (leader !== undefined) return leader;
    }
    return undefined;
  }

  /** All run, on disks and clocks that are as they should be, and reach each other. */
  async heal(): Promise<void> {
    for (const machine of this.#machines.values()) machine.heal();
    for (const node of this.all) {
      node.thaw();
      const proxy = this.cluster.proxyOf(node);
      proxy?.block(() => false);
      proxy?.hold(() => false);
      proxy?.slowDown(0);
    }
    for (const node of this.all) if (!node.running) this.start(node);
    for (const node of this.all) await this.ready(node);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.all) this.#expected.add(node);
    await this.cluster[Symbol.asyncDispose]();
  }
}

function lastLines({ log }: NodeProcess): string {
  return log.trimEnd().split("\n").slice(-8).join("\n");
}

/** A node that a fault has to itself. */
export interface Taken extends Disposable {
  readonly node: NodeProcess;
  /** How it is named in the report. */
  readonly what: string;
}
