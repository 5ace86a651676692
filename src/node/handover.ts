import { voterIds } from "../raft/configuration.ts";
import type { Raft } from "../raft/raft.ts";
import type { NodeId } from "../raft/types.ts";
import type { NodeTiming } from "./types.ts";

/** How long to wait, once every voter was asked in vain, before they are asked again, in ms. */
const restMs = 10_000;

/**
 * Finds the leader's successor. One that cannot write asks each voter once to take over, the best
 * first, and then rests: the others may be no better off, and while it asks it takes no writes.
 */
export class Handover {
  readonly #raft: Pick<Raft, "configuration" | "progress" | "transferLeadership">;
  /** How long one voter gets, in ms: a transfer ends by itself after an election timeout. */
  readonly #attemptMs: number;
  readonly #asked = new Set<NodeId>();
  #nextAt = Number.NEGATIVE_INFINITY;

  constructor(
    raft: Pick<Raft, "configuration" | "progress" | "transferLeadership">,
    timing: NodeTiming,
  ) {
    this.#raft = raft;
    this.#attemptMs = (timing.electionTicks + 1) * timing.tickMs;
  }

  /** The voter that would be the best next leader: heard from lately, and with the most of the log. */
  successor(except: ReadonlySet<NodeId> = new Set()): NodeId | undefined {
    const voters = new Set(voterIds(this.#raft.configuration));
    return this.#raft.progress()
      .filter((peer) => peer.recentlyActive && voters.has(peer.id) && !except.has(peer.id))
      .sort((a, b) => b.matchIndex - a.matchIndex)[0]?.id;
  }

  /** To be called at every tick of a leader that cannot write; `now` in ms of the clock. */
  urge(now: number): void {
    if (now < this.#nextAt) return;
    const successor = this.successor(this.#asked);
    if (successor !== undefined) {
      if (this.#raft.transferLeadership(successor).ok) this.#asked.add(successor);
      this.#nextAt = now + this.#attemptMs;
    } else if (this.#asked.size > 0) {
      this.#asked.clear();
      this.#nextAt = now + restMs;
    }
  }

  /** To be called when this node does not lead, or can write. */
  reset(): void {
    this.#asked.clear();
    this.#nextAt = Number.NEGATIVE_INFINITY;
  }
}
