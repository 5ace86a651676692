import type { ServiceStatus, SqliteStanding } from "../cluster/types.ts";
import type { Member, PeerProgress, Role } from "../raft/types.ts";
import { dueAt } from "../jobs/upkeep_plan.ts";
import type { ReadPoolStatus, StoreStatus, UpkeepWork } from "../store/types.ts";
import { formatGoBytes } from "../base/go_bytes.ts";
import { formatDuration } from "../base/duration.ts";
import { timeText } from "./time_text.ts";
import type { ServerInfo } from "./types.ts";

/** A value of /status; undefined ones are left out. */
export type Figure =
  | string
  | number
  | bigint
  | boolean
  | undefined
  | readonly string[]
  | readonly Figures[]
  | Figures;

/** An object of /status, by rqlite's names and this program's own. */
export interface Figures {
  readonly [name: string]: Figure;
}

/** What /status shows under `store`: the node's figures, what its flags set, and SQLite's. */
export function storeFigures(
  node: ServiceStatus,
  store: StoreStatus,
  { settings, standby }: Pick<ServerInfo, "settings" | "standby">,
): Figures {
  const { members } = node.configuration;
  const leader = members.find((member) => member.id === node.raft.leader);
  const directoryBytes = store.databaseBytes + store.walBytes + node.logSizeBytes;
  return {
    addr: node.raftAddress,
    apply_timeout: formatDuration(settings.applyTimeoutMs),
    auto_optimize: upkeepFigures("optimize", store, settings.upkeep.optimizeMs),
    auto_vacuum: upkeepFigures("vacuum", store, settings.upkeep.vacuumMs),
    cdc: { enabled: settings.cdc, registered: settings.cdc },
    cluster_id: node.clusterId,
    copies: {
      damage: node.damage,
      replaced: node.copiesReplaced,
      comparison: node.comparison && {
        message: node.comparison.message,
        index: node.comparison.index,
        finished_at: timeText(node.comparison.finishedAtMs),
      },
    },
    db_applied_index: node.appliedIndex,
    db_conf: { fk_constraints: store.foreignKeys },
    dir: node.dataDirectory,
    dir_size: directoryBytes,
    dir_size_friendly: formatGoBytes(directoryBytes),
    election_timeout: formatDuration(settings.electionTimeoutMs),
    fsm_index: node.appliedIndex,
    fsm_term: store.applied.term,
    health: node.health,
    heartbeat_timeout: formatDuration(settings.heartbeatTimeoutMs),
    leader: { addr: leader?.address ?? "", node_id: leader?.id ?? "" },
    node_id: node.id,
    nodes: members.map(({ id, address, suffrage }) => ({
      id,
      addr: address,
      suffrage: suffrage === "voter" ? "voter" : "nonvoter",
    })),
    pending_writes: node.pendingWrites,
    raft: { ...raftFigures(node), ...(standby && { state: "Standby" }) },
    ready: node.health === "ok" && leader !== undefined,
    reap_read_only_timeout: formatDuration(settings.reapReadOnlyTimeoutMs),
    reap_timeout: formatDuration(settings.reapTimeoutMs),
    snapshot_interval: formatDuration(settings.snapshotIntervalMs),
    snapshot_store: snapshotFigures(node, store),
    snapshot_threshold: settings.snapshotEntries,
    sqlite3: { ...sqliteFigures(store), ...standingFigures(node.sqlite) },
    trailing_logs: settings.trailingEntries,
  };
}

/** Undefined, and so left out, where this node's flag asks for none. */
function upkeepFigures(
  task: UpkeepWork,
  { upkeep, upkeepRuns }: StoreStatus,
  intervalMs: number,
): Figures | undefined {
  if (intervalMs === 0) return undefined;
  const record = upkeep[task];
  const next = dueAt(record, intervalMs, Date.now());
  return {
    [`last_${task}`]: timeText(record?.last),
    [`next_${task}_after`]: timeText(next),
    interval: formatDuration(intervalMs),
    runs: upkeepRuns[task].ok,
    runs_failed: upkeepRuns[task].failed,
  };
}

/** A node has one snapshot at most: its own database, as far as a checkpoint has made it durable. */
function snapshotFigures(node: ServiceStatus, store: StoreStatus): Figures {
  return {
    dir: node.dataDirectory,
    dir_size: node.snapshotIndex === 0 ? 0 : store.databaseBytes,
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
    last_contact: node.raft.role === "leader" ? 0 : formatDuration(node.lastContactMs),
    last_log_index: node.lastLogIndex,
    last_snapshot_index: node.snapshotIndex,
    latest_configuration: `[${members.map(configurationText).join(" ")}]`,
    log_size: node.logSizeBytes,
    log_size_friendly: formatGoBytes(node.logSizeBytes),
    num_peers: voters - (isVoter ? 1 : 0),
    progress: node.progress.map(progressFigures),
    state: stateNames[node.raft.role],
    term: node.raft.term,
    voter: isVoter,
  };
}

function progressFigures(peer: PeerProgress): Figures {
  const { id, matchIndex, nextIndex, state, recentlyActive } = peer;
  return { id, matchIndex, nextIndex, state, recentlyActive };
}

/** Names and directory as rqlite has them; what is in the files, and what writes may not call, are ours. */
export function extensionFigures(
  { extensions: { files, safe, functions } }: StoreStatus,
  dataDirectory: string,
): Figures {
  if (files.length === 0) return { names: [] };
  const uncertain = functions.filter(({ deterministic }) => !deterministic);
  return {
    dir: `${dataDirectory}/extensions`,
    names: files.map(({ name }) => name),
    sha256: Object.fromEntries(files.map(({ name, sha256 }) => [name, sha256])),
    safe,
    refused_in_writes: [...new Set(uncertain.map(({ name }) => name))].toSorted(),
  };
}

/** SQLite's own figures, and some of them again by rqlite's names. */
function sqliteFigures(store: StoreStatus): Figures {
  const { databaseBytes, pageBytes, pages, freePages } = store;
  return {
    version: store.sqliteVersion,
    compile_options: store.compileOptions,
    library_path: store.libraryPath,
    library_origin: store.libraryOrigin,
    path: store.databasePath,
    size: databaseBytes,
    db_size: databaseBytes,
    db_size_friendly: formatGoBytes(databaseBytes),
    page_size: pageBytes,
    page_count: pages,
    freelist_count: freePages,
    incremental_vacuum: store.incrementalVacuum,
    mem_stats: { page_size: pageBytes, page_count: pages, freelist_count: freePages },
    wal_size: store.walBytes,
    wal_checkpoints: store.walCheckpoints,
    wrong_page_reads: store.wrongPageReads,
    applied_index: store.applied.index,
    applied_term: store.applied.term,
    // rqlite's servers have it no more, but its shell asks before `.restore`, and takes text only.
    fk_constraints: store.foreignKeys ? "enabled" : "disabled",
    pragmas: { ro: store.pragmas.reader, rw: store.pragmas.writer },
    statements_cached: store.statementsCached,
    sessions: store.sessions,
    apply_queue: store.writerRequests,
    apply_batches: {
      main_thread: store.batchesApplied.mainThread,
      writer: store.batchesApplied.writer,
    },
    main_thread: { on: store.mainThread.on, times_off: store.mainThread.timesOff },
    read_pool: readPoolFigures(store.readPool),
    conn_pool_stats: {
      ro: readConnections(store.readPool),
      rw: { max_open_connections: 1, open_connections: 1 },
    },
    extensions: store.extensions.files.map(({ name }) => name),
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

function readPoolFigures({ readers, busy, streaming, queued }: ReadPoolStatus): Figures {
  return { readers, busy, streaming, queued };
}

function readConnections({ readers, busy }: ReadPoolStatus): Figures {
  return { idle: readers - busy, in_use: busy, open_connections: readers };
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
