/** What a member of a cluster is told when it is put together. Addresses are `host:port`. */
export interface MemberConfiguration {
  /** Absolute; need not exist yet. */
  readonly dataDirectory: string;
  readonly nodeId: string;
  readonly http: {
    /** Where the others find this node's API. */
    readonly advertisedAddress: string;
  };
  readonly cluster: {
    /** Raft addresses to join through; empty to start alone or from what the disk holds. */
    readonly join: readonly string[];
    readonly joinAttempts: number;
    readonly joinIntervalMs: number;
    /** 0 when this node is not to take part in forming a new cluster. */
    readonly bootstrapExpect: number;
    readonly bootstrapExpectTimeoutMs: number;
    readonly connectTimeoutMs: number;
    readonly nonVoter: boolean;
    /** Talk with nodes whose SQLite is another, for the time of an upgrade. */
    readonly allowSqliteMismatch: boolean;
    /** Shut down once removed from the cluster. */
    readonly shutdownOnRemove: boolean;
    /** Leave the cluster on shutdown. */
    readonly removeOnShutdown: boolean;
    /** Hand leadership over before shutdown. */
    readonly stepDownOnShutdown: boolean;
  };
  readonly raft: {
    readonly address: string;
    readonly advertisedAddress: string;
    readonly heartbeatTimeoutMs: number;
    /** At most `heartbeatTimeoutMs`, never 0. */
    readonly leaderLeaseTimeoutMs: number;
    readonly applyTimeoutMs: number;
    readonly snapshotEntries: number;
    readonly snapshotIntervalMs: number;
    /** 0 for the store's default. */
    readonly snapshotWalBytes: number;
  };
  readonly database: {
    /** 0 to suit the machine. */
    readonly readConnectionsMax: number;
    readonly foreignKeys: boolean;
  };
}
