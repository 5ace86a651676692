import type { Progress } from "./progress.ts";
import type { NodeId } from "./types.ts";

interface Departure {
  readonly peer: Progress;
  /** Where the entry stands that took it out. */
  readonly index: number;
  /** When to give up, in ticks. */
  readonly until: number;
}

/**
 * Members that were removed and may not know it yet. They count for nothing any more, but are sent
 * the log for a moment longer, up to the entry that took them out and the news that it is
 * committed: a node that is not told goes on asking for votes until an operator looks (4.2.3).
 */
export class Departing {
  readonly #departures = new Map<NodeId, Departure>();

  get none(): boolean {
    return this.#departures.size === 0;
  }

  add(peer: Progress, index: number, until: number): void {
    this.#departures.set(peer.id, { peer, index, until });
  }

  get(id: NodeId): Progress | undefined {
    return this.#departures.get(id)?.peer;
  }

  /** The member is put anew, or cannot be told. */
  delete(id: NodeId): void {
    this.#departures.delete(id);
  }

  /** Forgets those that know, and those that could not be told in time. */
  settle(now: number): void {
    for (const [id, { peer, index, until }] of this.#departures) {
      const told = peer.matchIndex >= index && peer.commitTold >= index;
      if (told || now >= until) this.#departures.delete(id);
    }
  }

  /** Whom to send something, and whether to say by itself what is committed. */
  *pending(commitIndex: number): Generator<{ peer: Progress; newsDue: boolean }> {
    for (const { peer, index } of this.#departures.values()) {
      yield { peer, newsDue: commitIndex >= index };
    }
  }
}
