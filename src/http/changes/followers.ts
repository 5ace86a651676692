import type { ChangeLog } from "../../changes/types.ts";
import { nextTurn } from "../next_turn.ts";
import { SharedReads } from "./shared_reads.ts";

/** Followers that are told something in one turn of the event loop: a few ms. */
const perTurn = 32;

/** Everybody who follows the changes at this node. */
export class Followers {
  /** How many may at a time. */
  readonly max = 4096;
  readonly reads: SharedReads;
  readonly #followers = new Set<AbortController>();
  #told = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(log: ChangeLog) {
    this.reads = new SharedReads(log);
  }

  get count(): number {
    return this.#followers.size;
  }

  /** False when there are too many. */
  enter(follower: AbortController): boolean {
    if (this.#followers.size >= this.max) return false;
    this.#followers.add(follower);
    return true;
  }

  leave(follower: AbortController): void {
    this.#followers.delete(follower);
  }

  /** Resolves when a follower that has news may be told: not all at once, so that requests get between. */
  turn(): Promise<void> {
    const turn = this.#turn;
    if (++this.#told % perTurn === 0) this.#turn = turn.then(nextTurn);
    return turn;
  }

  /** Ends all streams: the node stops. */
  close(): void {
    for (const follower of this.#followers) follower.abort();
  }
}
