/** What this node has seen of its cluster since it was started, for /debug/vars. */
export class ClusterCounts {
  /** Requests of nodes to join, by whichever way they came. */
  joinRequests = 0;
  /** Joins that changed the configuration; this and the next two only while this node leads. */
  joins = 0;
  /** Joins of members that had nothing new to say. */
  joinsIgnored = 0;
  /** Joins of members that came back under other addresses, or without their data. */
  joinsInPlace = 0;
  removals = 0;
  stepDowns = 0;
}
