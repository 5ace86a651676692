import type { ServiceStatus, SqliteStanding } from "../cluster/types.ts";
import type { Member, Role } from "../raft/types.ts";
import { formatGoBytes } from "./go_bytes.ts";
import { formatGoDuration } from "./go_duration.ts";
import type { ServerSettings } from "./types.ts";

export type Figures = Readonly<Record<string, unknown>>;

/** What /status shows under `store`: the node's figures, what its flags set, and SQLite's. */
export function storeFigures(
  node: ServiceStatus,
  sqlite: Figures,
  settings: ServerSettings,
): Figures {
  const { members } = node.configuration;
  const leader = members.find((member) => member.id === node.raft.leader);
  const directoryBytes = numberOf(sqlite, "size") + numberOf(sqlite, "wal_size") +
    node.logSizeBytes;
  return {
    addr: node.raftAddress,
    apply_timeout: formatGoDuration(settings.applyTimeoutMs),
    cdc: { enabled: false, registered: false },
    cluster_id: node.clusterId,
    db_applied_index: node.appliedIndex,
    db_conf: { fk_constraints: sqlite.fk_constraints === true },
    dir: node.dataDirectory,
    dir_size: directoryBytes,
    dir_size_friendly: formatGoBytes(directoryBytes),
    election_timeout: formatGoDuration(settings.electionTimeoutMs),
    fsm_index: node.appliedIndex,
    fsm_term: numberOf(sqlite, "applied_term"),
    health: node.health,
    heartbeat_timeout: formatGoDuration(settings.heartbeatTimeoutMs),
    leader: { addr: leader?.address ?? "", node_id: leader?.id ?? "" },
    node_id: node.id,
    nodes: members.map(({ id, address, suffrage }) => ({
      id,
      addr: address,
      suffrage: suffrage === "voter" ? "voter" : "nonvoter",
    })),
    pending_writes: node.pendingWrites,
    raft: raftFigures(node),
    ready: node.health === "ok" && leader !== undefined,
    // Nodes are never taken out for being away.
    reap_read_only_timeout: "0s",
    reap_timeout: "0s",
    snapshot_interval: formatGoDuration(settings.snapshotIntervalMs),
    snapshot_store: snapshotFigures(node, sqlite),
    snapshot_threshold: settings.snapshotEntries,
    sqlite3: { ...sqliteFigures(sqlite), ...standingFigures(node.sqlite) },
    trailing_logs: settings.trailingEntries,
  };
}

/** A node has one snapshot at most: its own database, as far as a checkpoint has made it durable. */
function snapshotFigures(node: ServiceStatus, sqlite: Figures): Figures {
  return {
    dir: node.dataDirectory,
    dir_size: node.snapshotIndex === 0 ? 0 : numberOf(sqlite, "size"),
    snapshots: node.snapshotIndex === 0 ? [] : [String(node.snapshotIndex)],
  };
}

function raftFigures(node: ServiceStatus): Figures {
  const { members } = node.configuration;
  const self = members.find((member) => member.id === node.id);
  const voters = members.filter(({ suffrage }) => suffrage === "voter").length;
  const isVoter = self?.suffrage === "voter";
  return {
    applied_index: node.appliedIndex,
    commit_index: node.commitIndex,
    first_log_index: node.firstLogIndex,
    fsm_pending: node.commitIndex - node.appliedIndex,
    last_contact: node.raft.role === "leader" ? 0 : formatGoDuration(node.lastContactMs),
    last_log_index: node.lastLogIndex,
    last_snapshot_index: node.snapshotIndex,
    latest_configuration: `[${members.map(configurationText).join(" ")}]`,
    log_size: node.logSizeBytes,
    log_size_friendly: formatGoBytes(node.logSizeBytes),
    num_peers: voters - (isVoter ? 1 : 0),
    progress: node.progress,
    state: stateNames[node.raft.role],
    term: node.raft.term,
    voter: isVoter,
  };
}

/** SQLite's own figures, and some of them again by rqlite's names. */
function sqliteFigures(sqlite: Figures): Figures {
  const size = numberOf(sqlite, "size");
  return {
    ...sqlite,
    conn_pool_stats: {
      ro: readConnections(sqlite.read_pool),
      rw: { max_open_connections: 1, open_connections: 1 },
    },
    db_size: size,
    db_size_friendly: formatGoBytes(size),
    extensions: [],
    mem_stats: {
      freelist_count: sqlite.freelist_count,
      page_count: sqlite.page_count,
      page_size: sqlite.page_size,
    },
  };
}

/** What this node's SQLite is beside the other members'. */
function standingFigures({ profile, mismatchPermitted, mismatches }: SqliteStanding): Figures {
  return {
    source_id: profile.sourceId,
    probes: Object.fromEntries(profile.probes.map(({ group, answers }) => [group, answers])),
    mismatch_allowed: mismatchPermitted,
    mismatches: mismatches.map(({ id, address, refused, differences }) => ({
      node_id: id,
      addr: address,
      refused,
      differences,
    })),
  };
}

function readConnections(pool: unknown): Figures {
  const open = numberOf(pool, "readers");
  const busy = numberOf(pool, "busy");
  return {
    idle: open - busy,
    in_use: busy,
    open_connections: open,
  };
}

/** A number in what the store reports; 0 when there is none. */
function numberOf(figures: unknown, name: string): number {
  if (typeof figures !== "object" || figures === null) return 0;
  const value: unknown = Object.entries(figures).find(([key]) => key === name)?.[1];
  return typeof value === "number" ? value : 0;
}

const stateNames: Readonly<Record<Role, string>> = {
  follower: "Follower",
  "pre-candidate": "Candidate",
  candidate: "Candidate",
  leader: "Leader",
};

function configurationText({ id, address, suffrage }: Member): string {
  return `{Suffrage:${suffrage === "voter" ? "Voter" : "Nonvoter"} ID:${id} Address:${address}}`;
}
