import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { promiseMs } from "../../src/raft/lease.ts";
import { Raft } from "../../src/raft/raft.ts";
import { EntryType, type NodeId } from "../../src/raft/types.ts";
import { defaultSettings, emptyDisk } from "./test_node.ts";
import { member } from "./test_cluster.ts";

/** Three cores that hand each other their messages directly, over disks that take no time. */
export class ThroughputCluster {
  readonly #nodes = new Map<NodeId, Raft>();
  readonly #leader: Raft;

  constructor() {
    const ids = ["a", "b", "c"];
    const { compaction, applied } = emptyDisk({ members: ids.map((id) => member(id)) });
    const hardState = { term: 0, votedFor: "", promiseMs: promiseMs(defaultSettings) };
    for (const id of ids) {
      const prng = new Prng(1n);
      const log = { lastIndex: 0, termStarts: [], configurations: [], entries: [] };
      const random = (limit: number) => prng.below(limit);
      const options = { ...defaultSettings, id, hardState, compaction, applied, log, random };
      this.#nodes.set(id, new Raft(options));
    }
    const leader = this.#nodes.get("a");
    assert(leader !== undefined);
    this.#leader = leader;
    leader.campaign();
    this.#settle();
  }

  /** Commits and applies `count` entries of `size` bytes, `outstanding` at a time. */
  run(count: number, outstanding: number, size: number): void {
    const data = new Uint8Array(size);
    const end = this.#leader.lastIndex + count;
    while (this.#leader.lastIndex < end) {
      for (let i = 0; i < outstanding; i++) this.#leader.propose(EntryType.command, data);
      this.#settle();
    }
    this.#leader.tick();
    this.#settle();
    for (const node of this.#nodes.values()) {
      assert.equal(node.commitIndex, this.#leader.lastIndex);
      node.compacted(node.commitIndex);
    }
  }

  #settle(): void {
    for (let busy = true; busy;) {
      busy = false;
      for (const node of this.#nodes.values()) {
        const ready = node.ready();
        if (ready === undefined) continue;
        busy = true;
        for (const message of ready.messages) this.#nodes.get(message.to)?.step(message);
        for (const message of ready.messagesAfterPersist) {
          this.#nodes.get(message.to)?.step(message);
        }
        const last = ready.entries[ready.entries.length - 1];
        if (last !== undefined) node.persisted(last.index, last.term);
        node.applied(ready.applyThrough);
      }
    }
  }
}
