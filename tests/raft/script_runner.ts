import assert from "node:assert/strict";
import type { Message, Ready } from "../../src/raft/types.ts";
import {
  describeConfiguration,
  describeEntries,
  describeMessage,
  describeReady,
} from "./script_words.ts";
import { member, TestCluster } from "./test_cluster.ts";
import type { Settings, TestNode } from "./test_node.ts";

const settingNames: readonly (keyof Settings)[] = [
  "electionTicks",
  "heartbeatTicks",
  "leaseTicks",
  "tickMs",
  "appendBytesMax",
  "inflightMax",
  "cacheBytesMax",
];

/**
 * Runs a scenario: blocks of commands, each with the output expected of it behind a line `----`, up
 * to a blank line. Returns the same text with the output that really came.
 *
 * The commands, where NODE is a name and MESSAGES is `a>b`, `*>b`, `a>*` or `*>*`:
 *   nodes COUNT [SETTING=N]…      a cluster of voters a, b, c …
 *   join NODE                     a node with an empty disk, that is in no configuration yet
 *   campaign NODE, tick NODE|* N, propose NODE N [BYTES], read NODE CONTEXT [lease],
 *   put NODE ID SUFFRAGE, remove NODE ID, transfer NODE ID, compact NODE INDEX, unreachable NODE ID
 *   ready NODE                    takes the Readys and shows them
 *   persist NODE [N]              finishes the oldest N writes, else all
 *   apply NODE
 *   deliver MESSAGES, drop MESSAGES, duplicate MESSAGES
 *   streams ok|lost               ends the snapshot streams
 *   lose                          takes all Readys, finishes all writes, loses all messages
 *   settle                        everything goes its way in order, without output
 *   time N                        N ticks everywhere, with everything settled after each
 *   isolate NODE, heal, crash NODE [N], restart NODE
 *   status [NODE]…, log NODE, progress NODE, messages, reads
 */
export function runScript(text: string): string {
  return text.trimEnd().split(/\n\n+/).reduce(
    ({ script, result }, block) => ({ script, result: [...result, script.block(block)] }),
    { script: new Script(), result: [] as string[] },
  ).result.join("\n\n") + "\n";
}

class Script {
  #cluster = new TestCluster(1n);
  #settings: Partial<Settings> = {};
  #output: string[] = [];

  block(text: string): string {
    const lines = text.split("\n");
    const end = lines.indexOf("----");
    const commands = end === -1 ? lines : lines.slice(0, end);
    this.#output = [];
    for (const command of commands) {
      if (command.startsWith("#") || command === "") continue;
      try {
        this.#run(command.split(" "));
      } catch (error) {
        this.#output.push(`${command}: ${error instanceof Error ? error.message : error}`);
      }
    }
    if (end === -1 && this.#output.length === 0) return commands.join("\n");
    return [...commands, "----", ...this.#output].join("\n");
  }

  #run([command = "", ...args]: string[]): void {
    const [first = "", second = "", third = ""] = args;
    const cluster = this.#cluster;
    switch (command) {
      case "nodes":
        return this.#nodes(Number(first), args.slice(1));
      case "join":
        cluster.add(first, { members: [] }, this.#settings);
        return;
      case "tick":
        for (const node of first === "*" ? cluster.nodes.values() : [cluster.node(first)]) {
          for (let i = 0; i < Number(second); i++) node.raft.tick();
        }
        return;
      case "deliver":
      case "drop":
      case "duplicate":
        return this.#messages(command, first);
      case "streams":
        for (const stream of cluster.streams.splice(0)) {
          this.#output.push(`snapshot ${stream.from}>${stream.to} at ${stream.point.index}`);
          cluster.finishStream(stream, first === "ok");
        }
        return;
      case "lose":
        for (const node of cluster.nodes.values()) {
          if (node.up) cluster.process(node);
          while (cluster.finishWrite(node));
        }
        cluster.messages = [];
        return;
      case "settle":
        return cluster.settle();
      case "time":
        return cluster.tick(Number(first));
      case "heal":
        return cluster.heal();
      case "status":
        for (const id of args.length > 0 ? args : cluster.nodes.keys()) this.#status(id);
        return;
      case "messages":
        this.#output.push(...cluster.messages.map(describeMessage));
        return;
      case "reads":
        for (const { node, context, index } of cluster.reads.splice(0)) {
          this.#output.push(`${node}: read ${context} ${index === 0 ? "dropped" : `at ${index}`}`);
        }
        return;
      default:
        return this.#atNode(command, cluster.node(first), second, third);
    }
  }

  #atNode(command: string, node: TestNode, second: string, third: string): void {
    const cluster = this.#cluster;
    switch (command) {
      case "campaign":
        return node.raft.campaign();
      case "propose":
        return cluster.propose(node, Number(second), Number(third === "" ? 1 : third));
      case "read":
        return cluster.read(node, Number(second), third === "lease" ? "lease" : "quorum");
      case "put": {
        assert(third === "voter" || third === "staging" || third === "learner", "No suffrage");
        return this.#result(
          node.raft.proposeMembership({ type: "put", member: member(second, third) }),
        );
      }
      case "remove":
        return this.#result(node.raft.proposeMembership({ type: "remove", id: second }));
      case "transfer":
        return this.#result(node.raft.transferLeadership(second));
      case "compact":
        return node.compact(Number(second));
      case "unreachable":
        return node.raft.unreachable(second);
      case "ready":
        return this.#ready(node);
      case "persist":
        return this.#persist(node, second === "" ? Infinity : Number(second));
      case "load":
        for (const load of node.loads.splice(0)) node.load(load);
        return;
      case "apply":
        node.apply();
        return;
      case "isolate":
        return cluster.isolate(node.id);
      case "crash":
        return cluster.crash(node.id, Number(second));
      case "restart":
        return cluster.restart(node.id);
      case "log":
        this.#output.push(
          `${node.id}: ${node.disk.compaction.index}/${node.disk.compaction.term} and ` +
            describeEntries(node.disk.entries) + " on disk",
        );
        return;
      case "progress":
        for (const { id, matchIndex, nextIndex, state } of node.raft.progress()) {
          this.#output.push(`${node.id}: ${id} match ${matchIndex} next ${nextIndex} ${state}`);
        }
        return;
      default:
        throw new Error(`Unknown command ${command}`);
    }
  }

  #nodes(count: number, settings: string[]): void {
    for (const setting of settings) {
      const [name, value] = setting.split("=");
      const known = settingNames.find((candidate) => candidate === name);
      assert(known !== undefined, `Unknown setting ${name}`);
      this.#settings = { ...this.#settings, [known]: Number(value) };
    }
    this.#cluster = TestCluster.of(count, this.#settings);
  }

  /** Takes the Readys through the node's own driver, which hands them on, and shows each. */
  #ready(node: TestNode): void {
    const { raft } = node;
    const show = (ready: Ready | undefined) => {
      if (ready !== undefined) {
        const lines = describeReady(ready, (context) => node.readName(context));
        this.#output.push(...lines.map((line) => `${node.id}: ${line}`));
        if (ready.applyThrough > node.applyThrough) {
          this.#output.push(`${node.id}: apply through ${ready.applyThrough}`);
        }
      }
      return ready;
    };
    const original = raft.ready.bind(raft);
    raft.ready = () => show(original());
    try {
      if (!this.#cluster.process(node)) this.#output.push(`${node.id}: nothing to do`);
    } finally {
      raft.ready = original;
    }
  }

  #persist(node: TestNode, count: number): void {
    const before = this.#cluster.messages.length;
    for (let i = 0; i < count && this.#cluster.finishWrite(node); i++);
    for (const message of this.#cluster.messages.slice(before)) {
      this.#output.push(`${node.id}: now sent ${describeMessage(message)}`);
    }
  }

  #messages(what: "deliver" | "drop" | "duplicate", pattern: string): void {
    const [from, to] = pattern.split(">");
    const matches = (message: Message) =>
      (from === "*" || message.from === from) && (to === "*" || message.to === to);
    const chosen = this.#cluster.messages.filter(matches);
    if (what === "duplicate") {
      this.#cluster.messages.push(...chosen);
      return;
    }
    this.#cluster.messages = this.#cluster.messages.filter((message) => !matches(message));
    for (const message of chosen) {
      if (what === "deliver") this.#cluster.deliver(message);
      else this.#output.push(`dropped ${describeMessage(message)}`);
    }
  }

  #result(result: ReturnType<TestNode["raft"]["proposeMembership"]>): void {
    this.#output.push(result.ok ? `at ${result.index}/${result.term}` : result.reason);
  }

  #status(id: string): void {
    const { raft, up, applied } = this.#cluster.node(id);
    const { role, term, leader } = raft.status;
    const known = leader === "" ? "no leader" : `leader ${leader}`;
    const members = describeConfiguration(raft.configuration);
    this.#output.push(
      up
        ? `${id}: ${role} term ${term} ${known}, commit ${raft.commitIndex}, applied ${applied}, ` +
          `log ends ${raft.lastIndex}/${raft.termAt(raft.lastIndex)}, ${members || "no members"}`
        : `${id}: down`,
    );
  }
}
