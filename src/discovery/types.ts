/** Where to find the members of a cluster is not to be had; says of which mode and key, and why. */
export class DiscoveryError extends Error {
  override name = "DiscoveryError";
}

export type DiscoveryMode = "dns" | "dns-srv" | "consul-kv" | "etcd-kv";

/** Under rqlite's names, for /status. */
export type DiscoveryFigures = Readonly<
  Record<string, string | number | readonly string[] | undefined>
>;

/** Says where nodes of the cluster may be. */
export interface Discovery {
  readonly mode: DiscoveryMode;
  /**
   * Raft addresses of nodes, as `host:port`, sorted; may name nodes that are gone, and this one.
   * Bounded in time and number. Throws a DiscoveryError.
   */
  look(): Promise<readonly string[]>;
  /** What it has come to, for /status: rqlite's names. */
  figures(): DiscoveryFigures;
  /** Where nodes are also written down; undefined where somebody else does that. */
  readonly registry: Registry | undefined;
}

/** A node as it is written down: rqlite's names, so that both read each other's. */
export interface Entry {
  /** The operator's name of the node. */
  readonly id: string;
  /** With its scheme. */
  readonly api_addr: string;
  /** Raft address, `host:port`. */
  readonly addr: string;
  /** Which server of that name it is: a node without its data is another. Not of rqlite. */
  readonly server_id?: string;
  /** So that no other cluster takes the key over. Not of rqlite. */
  readonly cluster_id?: string;
}

/** A key in a store, where the leader is written down, and below it the nodes. Each call may throw a DiscoveryError. */
export interface Registry {
  /** Of the key, for log lines. */
  readonly name: string;
  /** The leader that was written down last, which may be gone for long; undefined before the first. */
  leader(): Promise<Entry | undefined>;
  /** Writes the first leader down, unless there is one: who may begin a cluster. */
  claim(entry: Entry): Promise<boolean>;
  /** Writes down where this node is, for some time, and that it leads, if it does. */
  report(entry: Entry, isLeader: boolean): Promise<void>;
}
