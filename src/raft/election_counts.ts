import type { ElectionCounts as Counts, NodeId } from "./types.ts";

/** What a server has seen of elections since it started, as it counts them. */
export class ElectionCounts implements Counts {
  begun = 0;
  won = 0;
  leaders = 0;
  /** "" before the first. */
  #last: NodeId = "";

  /** That server leads from now on; "": none is known to. */
  noteLeader(leader: NodeId): void {
    if (leader === "" || leader === this.#last) return;
    this.#last = leader;
    this.leaders++;
  }
}
