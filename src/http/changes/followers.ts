import type { ChangeLog } from "../../changes/types.ts";
import { SharedReads } from "./shared_reads.ts";

/** Everybody who follows the changes at this node. */
export class Followers {
  /** How many may at a time. */
  readonly max = 4096;
  readonly reads: SharedReads;
  readonly #followers = new Set<AbortController>();

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

  /** Ends all streams: the node stops. */
  close(): void {
    for (const follower of this.#followers) follower.abort();
  }
}
