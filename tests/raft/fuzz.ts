import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { EntryType, type Message, type NodeId } from "../../src/raft/types.ts";
import { member, TestCluster } from "./test_cluster.ts";
import type { Settings, TestNode } from "./test_node.ts";

/** Messages that the network holds; beyond, it loses some. */
const messagesMax = 300;

export interface FuzzResult {
  readonly steps: number;
  readonly committed: number;
  readonly elections: number;
  readonly readsAnswered: number;
  readonly crashes: number;
  readonly snapshots: number;
  readonly members: number;
}

/** How often each kind of thing happens, drawn once for a run so that runs differ in kind. */
interface Weights {
  /** What passes between two ticks: much where messages are quick. */
  readonly tick: number;
  readonly lose: number;
  readonly duplicate: number;
  readonly reorder: number;
  readonly crash: number;
  readonly cut: number;
  /** The members fall into two groups that cannot talk, or the leader loses some of the others. */
  readonly partition: number;
  /** Messages between two members got lost on the way, and the sender is told. */
  readonly unreachable: number;
  readonly membership: number;
  readonly transfer: number;
  /** Leases break where two lead, each in its term. */
  readonly leaderReads: number;
  readonly compaction: number;
}

/** One cluster that all kinds of misfortune happen to, in an order that the seed determines. */
export class Fuzz {
  readonly #prng: Prng;
  readonly #cluster: TestCluster;
  readonly #weights: Weights;
  #context = 0;
  #names = 0;
  #elections = 0;
  #crashes = 0;
  #snapshots = 0;
  #term = 0;

  constructor(seed: bigint) {
    this.#prng = new Prng(seed);
    const prng = this.#prng;
    const settings: Partial<Settings> = {
      heartbeatTicks: 1 + prng.below(2),
      appendBytesMax: 1 + prng.below(30),
      inflightMax: 1 + prng.below(8),
      cacheBytesMax: prng.chance(0.5) ? 200 : 1 << 20,
    };
    // Flags may differ from node to node, as an operator changes them.
    const [alike, least] = [prng.chance(0.7), 5 + prng.below(6)];
    this.#names = 1 + prng.below(5);
    this.#cluster = TestCluster.of(this.#names, () => {
      const electionTicks = alike ? least : 5 + prng.below(20);
      return { ...settings, electionTicks, leaseTicks: electionTicks };
    }, prng.uint64());
    const rare = (most: number) => prng.chance(0.5) ? 0 : most * prng.uint32() / 0x1_0000_0000;
    this.#weights = {
      tick: [0.08, 0.03, 0.01][prng.below(3)] ?? 0.08,
      lose: rare(0.2),
      duplicate: rare(0.2),
      reorder: rare(1),
      crash: rare(0.02),
      cut: rare(0.02),
      partition: rare(0.02),
      unreachable: rare(0.05),
      membership: rare(0.03),
      transfer: rare(0.03),
      leaderReads: rare(0.3),
      compaction: rare(0.05),
    };
  }

  /** Misfortune for `steps` steps, then everything heals and the cluster must make progress. */
  run(steps: number): FuzzResult {
    for (let i = 0; i < steps; i++) this.#step();
    this.#heal();
    return {
      steps,
      committed: this.#cluster.checker.committedIndex,
      elections: this.#elections,
      readsAnswered: this.#cluster.reads.filter((read) => read.index > 0).length,
      crashes: this.#crashes,
      snapshots: this.#snapshots,
      members: this.#names,
    };
  }

  #step(): void {
    const prng = this.#prng;
    const cluster = this.#cluster;
    const weights = this.#weights;
    const node = this.#anyNode();
    if (prng.chance(weights.tick)) this.#tickAll();
    if (prng.chance(weights.crash)) this.#crashOrRestart(node);
    if (prng.chance(weights.cut)) this.#cutOrHeal();
    if (prng.chance(weights.partition)) this.#partOrHeal();
    if (prng.chance(weights.leaderReads)) this.#readAtLeaders();
    if (node.up) {
      const draw = prng.below(100);
      if (draw < 50) cluster.process(node);
      else if (draw < 70) cluster.finishWrite(node);
      else if (draw < 80) node.apply();
      else if (draw < 90) this.#propose(node);
      else if (draw < 95) {
        cluster.read(node, ++this.#context, prng.chance(0.5) ? "lease" : "quorum");
      } else for (const load of node.loads.splice(0)) node.load(load);
      if (prng.chance(weights.membership)) this.#changeMembership(node);
      if (prng.chance(weights.transfer)) this.#transfer(node);
      if (prng.chance(weights.cut)) node.raft.campaign();
      if (prng.chance(weights.compaction)) node.compact(node.applied - prng.below(5));
      if (prng.chance(weights.unreachable)) node.raft.unreachable(this.#anyNode().id);
    }
    for (let i = prng.below(4); i > 0; i--) this.#deliverOne();
    if (cluster.streams.length > 0 && prng.chance(0.1)) this.#finishStream(prng.chance(0.7));
    while (cluster.messages.length > messagesMax) this.#takeMessage();
  }

  #anyNode(): TestNode {
    const nodes = [...this.#cluster.nodes.values()];
    const node = nodes[this.#prng.below(nodes.length)];
    assert(node !== undefined);
    return node;
  }

  /** Every clock goes at the same pace, as the lease supposes; in what order is left open. */
  #tickAll(): void {
    const nodes = [...this.#cluster.nodes.values()];
    const first = this.#prng.below(nodes.length);
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[(first + i) % nodes.length];
      if (node?.up !== true) continue;
      node.raft.tick();
      this.#cluster.checker.observe(node, this.#cluster.nodes);
      if (node.raft.status.role === "leader" && node.raft.status.term > this.#term) {
        this.#term = node.raft.status.term;
        this.#elections++;
      }
    }
  }

  #takeMessage(): Message | undefined {
    const { messages } = this.#cluster;
    const any = this.#prng.chance(this.#weights.reorder);
    const position = any ? this.#prng.below(Math.max(1, messages.length)) : 0;
    return messages.splice(position, 1)[0];
  }

  #deliverOne(): void {
    const message = this.#takeMessage();
    if (message === undefined || this.#prng.chance(this.#weights.lose)) return;
    if (this.#prng.chance(this.#weights.duplicate)) this.#cluster.messages.push(message);
    this.#cluster.deliver(message);
    // Who has handed over the lead learns late of the one that has it.
    if (message.type === "timeout_now" && this.#prng.chance(this.#weights.partition * 20)) {
      this.#cluster.isolate(message.from);
    }
  }

  #finishStream(deliver: boolean): void {
    const stream = this.#cluster.streams.shift();
    if (stream === undefined) return;
    this.#snapshots++;
    this.#cluster.finishStream(stream, deliver);
  }

  #propose(node: TestNode): void {
    for (let i = this.#prng.below(4); i >= 0; i--) {
      node.raft.propose(EntryType.command, new Uint8Array(this.#prng.below(20)));
    }
  }

  #crashOrRestart(node: TestNode): void {
    const cluster = this.#cluster;
    const prng = this.#prng;
    if (!node.up) cluster.restart(node.id, prng.below(10));
    else {
      this.#crashes++;
      if (prng.chance(0.5)) node.disk.applied = node.applied;
      cluster.crash(node.id, prng.below(node.writesWaiting + 1));
      if (prng.chance(0.7)) cluster.restart(node.id, prng.below(10));
    }
  }

  #cutOrHeal(): void {
    if (this.#prng.chance(0.3)) this.#cluster.heal();
    else this.#cluster.cut.add(`${this.#anyNode().id}>${this.#anyNode().id}`);
  }

  #partOrHeal(): void {
    const cluster = this.#cluster;
    cluster.heal();
    if (this.#prng.chance(0.3)) return;
    const { leader } = cluster;
    const ids = [...cluster.nodes.keys()];
    const some = ids.filter(() => this.#prng.chance(0.5));
    if (leader !== undefined && this.#prng.chance(0.5)) this.#part([leader.id], some);
    else this.#part(ids.filter((id) => !some.includes(id)), some);
  }

  #part(one: readonly NodeId[], other: readonly NodeId[]): void {
    for (const a of one) {
      for (const b of other) this.#cluster.cut.add(`${a}>${b}`).add(`${b}>${a}`);
    }
  }

  #readAtLeaders(): void {
    for (const node of this.#cluster.nodes.values()) {
      if (!node.up || node.raft.status.role !== "leader") continue;
      this.#cluster.read(node, ++this.#context, "lease");
    }
  }

  #changeMembership(node: TestNode): void {
    const draw = this.#prng.below(10);
    if (draw < 3 && this.#cluster.nodes.size < 9) {
      const id = String.fromCharCode(97 + this.#names);
      const suffrage = draw === 0 ? "voter" : draw === 1 ? "staging" : "learner";
      const result = node.raft.proposeMembership({ type: "put", member: member(id, suffrage) });
      if (!result.ok) return;
      this.#names++;
      this.#cluster.add(id, { members: [] }, node.settings);
    } else {
      const other = this.#anyNode();
      if (draw < 6) {
        node.raft.proposeMembership({ type: "put", member: member(other.id, "voter") });
      } else if (draw < 8) {
        node.raft.proposeMembership({ type: "put", member: member(other.id, "learner") });
      } else node.raft.proposeMembership({ type: "remove", id: other.id });
    }
    this.#cluster.checker.observe(node, this.#cluster.nodes);
  }

  #transfer(node: TestNode): void {
    node.raft.transferLeadership(this.#anyNode().id);
  }

  /** The network and all nodes work: within a bounded time everybody must have everything. */
  #heal(): void {
    const cluster = this.#cluster;
    cluster.heal();
    for (const node of cluster.nodes.values()) if (!node.up) cluster.restart(node.id);
    for (let i = 0; i < 400; i++) {
      cluster.tick();
      if (i % 20 === 19) this.#proposeAtLeader();
      if (i > 100 && this.#converged()) return;
    }
    const states = [...cluster.nodes.values()].map((node) =>
      `${node.id}: ${JSON.stringify(node.raft.status)} commit ${node.raft.commitIndex} ` +
      `applied ${node.applied} log ${node.disk.compaction.index}..${node.raft.lastIndex} ` +
      JSON.stringify(node.raft.progress())
    );
    assert.fail(`No progress after everything healed\n${states.join("\n")}`);
  }

  #proposeAtLeader(): void {
    const leader = this.#cluster.leader;
    if (leader === undefined) return;
    this.#propose(leader);
    this.#cluster.read(leader, ++this.#context);
    this.#cluster.settle();
  }

  /** The leader's last entry is of its term and applied by every member. */
  #converged(): boolean {
    const leader = this.#cluster.leader;
    if (leader === undefined) return false;
    const { raft } = leader;
    if (raft.termAt(raft.lastIndex) !== raft.status.term) return false;
    return raft.configuration.members.every(({ id }) =>
      this.#cluster.node(id).applied === raft.lastIndex
    );
  }
}
