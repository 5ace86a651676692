import assert from "node:assert/strict";
import { voterIds } from "../../src/raft/configuration.ts";
import type { AppendResponse, Entry, NodeId } from "../../src/raft/types.ts";
import type { TestDisk, TestNode } from "./test_node.ts";

interface Seen {
  readonly prevTerm: number;
  readonly entry: Entry;
}

/**
 * Watches all nodes of a cluster from outside and throws as soon as one of the properties of
 * figure 3.2 of the thesis, or a promise of the core, does not hold.
 */
export class Checker {
  /** Every entry that was ever in a log, by index and term. */
  readonly #entries = new Map<string, Seen>();
  readonly #leaders = new Map<number, NodeId>();
  readonly #applied: Entry[] = [];
  readonly #commits = new Map<NodeId, number>();
  readonly #ledTerm = new Map<NodeId, number>();
  #committedIndex = 0;
  #committedTerm = 0;
  /** For every read that waits: what was committed anywhere when it was asked for. */
  readonly #reads = new Map<string, number>();

  get committedIndex(): number {
    return this.#committedIndex;
  }

  get appliedCount(): number {
    return this.#applied.length;
  }

  /**
   * Log matching: an index and a term name one entry, behind one and the same predecessor (3.5).
   * To be called with what comes to a disk or leaves in a message: what a crash takes from memory
   * alone never was.
   */
  exists(prevTerm: number, entries: readonly Entry[]): void {
    for (const entry of entries) {
      const key = `${entry.index}/${entry.term}`;
      const seen = this.#entries.get(key);
      if (seen === undefined) this.#entries.set(key, { prevTerm, entry });
      else {
        assert(
          seen.entry.data === entry.data && seen.entry.type === entry.type,
          `Log matching: there are two entries ${key}`,
        );
        assert.equal(prevTerm, seen.prevTerm, `Log matching: before ${key}`);
      }
      prevTerm = entry.term;
    }
  }

  /**
   * Who acknowledges entries answers the leader of its own term, and has on its disk what that one
   * has in its log (figure 3.1, AppendEntries; 3.8). To be called when the answer leaves.
   */
  acknowledged(
    { from, to, term, matchIndex }: AppendResponse,
    all: ReadonlyMap<NodeId, TestNode>,
  ): void {
    const answer = `${from} acknowledges ${matchIndex} in term ${term} to ${to}`;
    assert.equal(to, this.#leaders.get(term), `${answer}, which does not lead in it`);
    const disk = all.get(from)?.disk;
    const onDisk = disk === undefined ? undefined : termOnDisk(disk, matchIndex);
    assert(onDisk !== undefined, `${answer}, and does not have it on disk`);
    const raft = all.get(to)?.raft;
    if (raft?.status.role !== "leader" || raft.status.term !== term) return;
    assert(matchIndex <= raft.lastIndex, `${answer}, whose log ends at ${raft.lastIndex}`);
    const wanted = raft.termAt(matchIndex);
    // The leader has compacted what it cannot tell the term of: that is committed.
    if (wanted === undefined || onDisk === "compacted") return;
    assert.equal(onDisk, wanted, `${answer}, and has another entry there`);
  }

  /** State machine safety: nobody ever applies another entry at an index (3.6.3). */
  applied(node: TestNode, entry: Entry): void {
    const first = this.#applied[entry.index];
    if (first === undefined) this.#applied[entry.index] = entry;
    else {
      assert(
        first.term === entry.term && first.data === entry.data,
        `State machine safety: ${node.id} applies (${entry.index}, ${entry.term})`,
      );
    }
  }

  /** To be called whenever a node has done something. */
  observe(node: TestNode, all: ReadonlyMap<NodeId, TestNode>): void {
    const { raft } = node;
    const { role, term } = raft.status;
    if (role === "leader" && this.#ledTerm.get(node.id) !== term) {
      this.#ledTerm.set(node.id, term);
      const leader = this.#leaders.get(term) ?? node.id;
      assert.equal(leader, node.id, `Election safety: two leaders in term ${term}`);
      this.#leaders.set(term, node.id);
      if (this.#committedIndex > 0 && this.#committedTerm < term) this.#complete(node);
    }
    const commit = raft.commitIndex;
    assert(commit >= (this.#commits.get(node.id) ?? 0), `Commit index of ${node.id} went back`);
    this.#commits.set(node.id, commit);
    if (commit > this.#committedIndex) this.#committed(node, commit, all);
  }

  restarted(node: TestNode): void {
    this.#commits.set(node.id, 0);
    this.#ledTerm.delete(node.id);
    for (const key of this.#reads.keys()) {
      if (key.startsWith(`${node.id}/`)) this.#reads.delete(key);
    }
  }

  readAsked(node: TestNode, context: number): void {
    this.#reads.set(`${node.id}/${context}`, this.#committedIndex);
  }

  /** A read sees everything that was committed when it was asked for (6.4). */
  readAnswered(node: TestNode, context: number, index: number): void {
    const key = `${node.id}/${context}`;
    const least = this.#reads.get(key);
    assert(least !== undefined, `${node.id} got an answer to a read it does not wait for`);
    this.#reads.delete(key);
    assert(index >= least, `Stale read at ${node.id}: index ${index}, committed ${least}`);
  }

  readDropped(node: TestNode, context: number): void {
    assert(this.#reads.delete(`${node.id}/${context}`), "Dropped a read that did not wait");
  }

  /** Leader completeness: a leader has every entry committed in the terms before its own (3.6.3). */
  #complete(node: TestNode): void {
    const term = node.raft.termAt(this.#committedIndex);
    assert(
      term === this.#committedTerm || (term === undefined && node.applied >= this.#committedIndex),
      `Leader completeness: ${node.id} lacks the committed entry ${this.#committedIndex}`,
    );
  }

  /** What is committed is on the disks of a majority of the voters by then (3.6.2, 10.2.1). */
  #committed(node: TestNode, index: number, all: ReadonlyMap<NodeId, TestNode>): void {
    const term = node.raft.termAt(index);
    assert(term !== undefined);
    // One that commits its own removal has resigned by now, in the same term.
    assert.equal(this.#leaders.get(term), node.id, `${node.id} commits ${index} without leading`);
    assert.equal(term, node.raft.status.term, `Committed ${index} by counting in an old term`);
    this.#committedIndex = index;
    this.#committedTerm = term;
    const voters = voterIds(node.raft.configuration);
    const holders = voters.filter((id) => {
      const disk = all.get(id)?.disk;
      if (disk === undefined) return false;
      const onDisk = termOnDisk(disk, index);
      return onDisk === "compacted" || onDisk === term;
    });
    assert(
      holders.length * 2 > voters.length,
      `Committed ${index} with only ${holders} of ${voters} having it on disk`,
    );
  }
}

/** The term of an entry that a disk holds; undefined where it does not. */
function termOnDisk(
  { compaction, entries }: TestDisk,
  index: number,
): number | "compacted" | undefined {
  if (index <= compaction.index) return "compacted";
  return entries[index - compaction.index - 1]?.term;
}
