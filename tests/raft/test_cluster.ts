import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { EntryType } from "../../src/raft/types.ts";
import type {
  CompactionPoint,
  Configuration,
  Member,
  Message,
  NodeId,
  Suffrage,
} from "../../src/raft/types.ts";
import { Checker } from "./checker.ts";
import { defaultSettings, emptyDisk, type Settings, TestNode } from "./test_node.ts";

export function member(id: NodeId, suffrage: Suffrage = "voter"): Member {
  return { id, address: `${id}:4002`, httpAddress: `${id}:4001`, suffrage };
}

/** A snapshot on its way. */
export interface TestStream {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly point: CompactionPoint;
}

/** Answers to reads, as a test sees them: "context@index", "context dropped". */
export interface ReadOutcome {
  readonly node: NodeId;
  readonly context: number;
  /** 0 for a dropped one. */
  readonly index: number;
}

/** Some nodes with a network between them that does what the test says, and a checker that watches. */
export class TestCluster {
  readonly nodes = new Map<NodeId, TestNode>();
  readonly checker = new Checker();
  readonly streams: TestStream[] = [];
  readonly reads: ReadOutcome[] = [];
  readonly prng: Prng;
  /** Messages that have been sent and not yet delivered, oldest first. */
  messages: Message[] = [];
  /** Pairs "from>to" that nothing passes between. */
  readonly cut = new Set<string>();

  constructor(seed: bigint) {
    this.prng = new Prng(seed);
  }

  /** A cluster of voters named a, b, c …, none of which has started an election; `settings` may draw each one's. */
  static of(
    size: number,
    settings: Partial<Settings> | (() => Partial<Settings>) = {},
    seed = 1n,
  ): TestCluster {
    const cluster = new TestCluster(seed);
    const ids = Array.from({ length: size }, (_, i) => String.fromCharCode(97 + i));
    const configuration = { members: ids.map((id) => member(id)) };
    for (const id of ids) {
      cluster.add(id, configuration, typeof settings === "function" ? settings() : settings);
    }
    return cluster;
  }

  add(id: NodeId, configuration: Configuration, settings: Partial<Settings> = {}): TestNode {
    const node = new TestNode(
      id,
      emptyDisk(configuration),
      { ...defaultSettings, ...settings },
      new Prng(this.prng.uint64()),
      {
        sent: (messages) => this.#sent(messages),
        written: (prevTerm, entries) => this.checker.exists(prevTerm, entries),
        applied: (node, entry) => this.checker.applied(node, entry),
        read: (node, { context, index }) => {
          this.checker.readAnswered(node, context, index);
          this.reads.push({ node: node.id, context, index });
        },
        readDropped: (node, context) => {
          this.checker.readDropped(node, context);
          this.reads.push({ node: node.id, context, index: 0 });
        },
      },
    );
    this.nodes.set(id, node);
    return node;
  }

  #sent(messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.type === "append_request") {
        this.checker.exists(message.prevLogTerm, message.entries);
      } else if (message.type === "append_response" && message.success) {
        this.checker.acknowledged(message, this.nodes);
      }
      this.messages.push(message);
    }
  }

  node(id: NodeId): TestNode {
    const node = this.nodes.get(id);
    assert(node !== undefined, `No node ${id}`);
    return node;
  }

  /** The node that leads in the highest term; undefined when none does. */
  get leader(): TestNode | undefined {
    let result: TestNode | undefined;
    for (const node of this.nodes.values()) {
      if (!node.up || node.raft.status.role !== "leader") continue;
      if (node.raft.status.term > (result?.raft.status.term ?? 0)) result = node;
    }
    return result;
  }

  /** The core's next Readys are taken, and the checker looks at the node. */
  process(node: TestNode): boolean {
    this.checker.observe(node, this.nodes);
    const any = node.takeReady();
    for (const to of node.snapshots.splice(0)) {
      this.streams.push({ from: node.id, to, point: node.snapshotPoint() });
    }
    this.checker.observe(node, this.nodes);
    return any;
  }

  deliver(message: Message): void {
    const node = this.nodes.get(message.to);
    if (node === undefined || !node.up || this.cut.has(`${message.from}>${message.to}`)) return;
    assert.equal(node.raft.step(message), undefined, "A sound server's message is passed over");
    this.checker.observe(node, this.nodes);
  }

  finishWrite(node: TestNode): boolean {
    const any = node.finishWrite();
    this.checker.observe(node, this.nodes);
    return any;
  }

  /** The receiver gets the whole snapshot, unless the way is cut. */
  finishStream({ from, to, point }: TestStream, deliver: boolean): void {
    const receiver = this.node(to);
    const ok = deliver && receiver.up && !this.cut.has(`${from}>${to}`);
    if (ok) {
      receiver.install(point);
      this.checker.observe(receiver, this.nodes);
    }
    const sender = this.node(from);
    if (sender.up) sender.raft.snapshotFinished(to, ok);
  }

  /** Everything goes its way, in order, until nothing is left to do. */
  settle(): void {
    for (let steps = 0;; steps++) {
      assert(steps < 10_000, "The cluster does not come to rest");
      let busy = false;
      for (const node of this.nodes.values()) {
        if (!node.up) continue;
        if (this.process(node)) busy = true;
        while (this.finishWrite(node)) busy = true;
        if (node.apply()) busy = true;
        for (const load of node.loads.splice(0)) {
          node.load(load);
          busy = true;
        }
      }
      const messages = this.messages;
      this.messages = [];
      for (const message of messages) this.deliver(message);
      for (const stream of this.streams.splice(0)) {
        this.finishStream(stream, true);
        busy = true;
      }
      if (!busy && messages.length === 0) return;
    }
  }

  /** Time passes everywhere; after each tick everything settles. */
  tick(count = 1): void {
    for (let i = 0; i < count; i++) {
      for (const node of this.nodes.values()) if (node.up) node.raft.tick();
      this.settle();
    }
  }

  elect(id: NodeId): TestNode {
    const node = this.node(id);
    node.raft.campaign();
    this.settle();
    assert.equal(node.raft.status.role, "leader", `${id} was not elected`);
    return node;
  }

  /** Proposes `count` commands of `size` bytes each. */
  propose(node: TestNode, count = 1, size = 1): void {
    for (let i = 0; i < count; i++) {
      const result = node.raft.propose(EntryType.command, new Uint8Array(size));
      assert(result.ok, "Not proposed");
    }
  }

  read(node: TestNode, context: number, mode: "quorum" | "lease" = "quorum"): void {
    this.checker.readAsked(node, context);
    node.askRead(context, mode);
  }

  crash(id: NodeId, finished = 0): void {
    this.node(id).crash(finished);
  }

  restart(id: NodeId, cached?: number): void {
    const node = this.node(id);
    node.restart(cached);
    this.checker.restarted(node);
  }

  /** Nothing passes between `id` and the others. */
  isolate(id: NodeId): void {
    for (const other of this.nodes.keys()) {
      this.cut.add(`${id}>${other}`);
      this.cut.add(`${other}>${id}`);
    }
  }

  heal(): void {
    this.cut.clear();
  }
}
