import type { RoleTimes } from "../cluster/role_plan.ts";
import type { ExtensionChoice } from "./openers.ts";
import type { UpkeepTimes } from "../jobs/upkeep.ts";
import type { NodeLimits, NodeTiming, SnapshotPolicy } from "../node/types.ts";
import type { SlowOptions, StoreLimits } from "../store/options.ts";

/** How a member finds and leaves its cluster. Addresses are `host:port`. */
export interface ClusterConfiguration {
  /** Raft addresses to join through; empty to start alone or from what the disk holds. */
  readonly join: readonly string[];
  readonly joinAttempts: number;
  readonly joinIntervalMs: number;
  /** 0 when this node is not to take part in forming a new cluster. */
  readonly bootstrapExpect: number;
  readonly bootstrapExpectTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly nonVoter: boolean;
  /** Takes the place of a voter that is gone. */
  readonly standby: boolean;
  /** When members that are gone lose their votes, and their places. */
  readonly roleTimes: RoleTimes;
  /** Talk with nodes whose SQLite is another, for the time of an upgrade. */
  readonly allowSqliteMismatch: boolean;
  /** Shut down once removed from the cluster. */
  readonly shutdownOnRemove: boolean;
  /** Leave the cluster on shutdown. */
  readonly removeOnShutdown: boolean;
  /** Hand leadership over before shutdown. */
  readonly stepDownOnShutdown: boolean;
}

/** What a member of a cluster is told when it is put together. Addresses are `host:port`. */
export interface MemberConfiguration {
  /** Absolute; need not exist yet. */
  readonly dataDirectory: string;
  readonly nodeId: string;
  /** Where it listens for the other nodes. */
  readonly raftAddress: string;
  /** Where the others find it. */
  readonly advertisedAddress: string;
  /** Where they find its API. */
  readonly httpAddress: string;
  readonly cluster: ClusterConfiguration;
  readonly database: {
    /** 0 to suit the machine. */
    readonly readConnectionsMax: number;
    readonly foreignKeys: boolean;
    /** Which statements are logged as slow; undefined for none. */
    readonly slow: SlowOptions | undefined;
    /** How many bytes of row changes are kept; undefined for none. */
    readonly changesBytes: number | undefined;
    /** What is not delivered yet is kept beyond that. */
    readonly changesHeld: boolean;
    readonly limits: Partial<StoreLimits>;
    /** What a leader has done about the database now and then. */
    readonly upkeep: UpkeepTimes;
    /** Between two comparisons of all nodes' copies, in ms; 0 for none but those that are asked for. */
    readonly scrubMs: number;
    /** Between two readings of all pages of the file, in ms; 0 for none. */
    readonly pageCheckMs: number;
    /** What is damaged here, and others have, is set aside and made anew. */
    readonly repairs: boolean;
    readonly extensions: ExtensionChoice;
  };
  /** The longest that a write waits to be committed and applied, in ms. */
  readonly writeTimeoutMs: number;
  readonly timing: NodeTiming;
  readonly limits: NodeLimits;
  readonly snapshots: SnapshotPolicy;
}
