import {
  ClusterCounts,
  type ComparisonReport,
  type MemberReport,
  type NodeReport,
  type ReadAnswer,
  type ReadLevelOptions,
  type Service,
  ServiceError,
  type ServiceStatus,
  type VersionReport,
} from "../cluster/types.ts";
import { Histogram } from "../base/histogram.ts";
import { freeBytes } from "../io/machine.ts";
import type { Clock } from "../io/types.ts";
import { newestVersion } from "../raft/cluster_version.ts";
import type { Member } from "../raft/types.ts";
import type {
  BackupCopy,
  BackupOptions,
  ReadRequest,
  SqliteProfile,
  Statements,
  StatementSummary,
  Store,
  StoreStatus,
} from "../store/types.ts";
import type { ArchiveFollower } from "./follower.ts";
import { readsRefused, writesRefused } from "./types.ts";

export interface StandbyServiceParts {
  readonly follower: Pick<ArchiveFollower, "figures" | "reaches">;
  readonly store: Store;
  readonly profile: SqliteProfile;
  readonly clock: Clock;
  readonly nodeId: string;
  readonly raftAddress: string;
  readonly httpAddress: string;
  readonly dataDirectory: string;
}

const refused = () => Promise.reject(new ServiceError("unavailable", writesRefused));
const unheard = () => Promise.reject(new ServiceError("unavailable", readsRefused));

/** What a standby is over HTTP: a node that reads what it has, hears from no leader, and says so. */
export class StandbyService implements Service {
  readonly #parts: StandbyServiceParts;
  readonly #startedAtMs: number;
  readonly #counts = new ClusterCounts();

  readonly relay = { serve: () => {}, ask: unheard };
  readonly write = refused;
  readonly begin = refused;
  readonly runInTransaction = refused;
  readonly commit = refused;
  readonly rollback = refused;
  readonly loadSql = refused;
  readonly load = refused;
  readonly stepDown = refused;
  readonly remove = refused;
  readonly upgrade = refused;
  readonly snapshot = refused;
  readonly sync = unheard;

  constructor(parts: StandbyServiceParts) {
    this.#parts = parts;
    this.#startedAtMs = parts.clock.wallTime();
  }

  async read(
    request: ReadRequest,
    { level, freshnessMs, freshnessStrict, minIndex, timeoutMs }: ReadLevelOptions,
    signal?: () => AbortSignal,
  ): Promise<ReadAnswer> {
    const { follower, store } = this.#parts;
    if (level !== "none" && level !== "auto") return await unheard();
    this.#checkCopy();
    if (minIndex !== undefined && !await follower.reaches(minIndex, timeoutMs)) {
      throw new ServiceError(
        "behind",
        `This standby has applied index ${store.applied.index}, the request asks for ${minIndex}`,
      );
    }
    const { index, msBehind, entriesBehind } = follower.figures;
    if (index === 0) throw new ServiceError("unavailable", "This standby has no data yet");
    const isStale = (msBehind ?? Infinity) > freshnessMs || (freshnessStrict && entriesBehind > 0);
    if (freshnessMs > 0 && isStale) throw new ServiceError("stale", "stale read");
    const results = await store.read(request, signal);
    const seenIndex = minIndex === undefined ? undefined : store.applied.index;
    return { results, raftIndex: 0, seenIndex };
  }

  /** Throws a ServiceError while what is here is damaged. */
  #checkCopy(): void {
    const { damage } = this.#parts.follower.figures;
    if (damage === undefined) return;
    throw new ServiceError(
      "unavailable",
      `This standby's copy of the database is damaged, and is being replaced: ${damage}`,
    );
  }

  inspect(statements: Statements, rights?: string): Promise<(boolean | string)[]> {
    return this.#parts.store.inspect(statements, rights);
  }

  async backup(
    options: BackupOptions & { readonly noLeader: boolean },
    signal?: AbortSignal,
  ): Promise<BackupCopy> {
    if (!options.noLeader) {
      throw new ServiceError("unavailable", `${readsRefused}; a backup with noleader`);
    }
    this.#checkCopy();
    return await this.#parts.store.backup(options, signal);
  }

  status(): ServiceStatus {
    const { follower, store, profile, nodeId, raftAddress, httpAddress, dataDirectory } =
      this.#parts;
    const { index, term } = store.applied;
    const { figures } = follower;
    const { cluster, entriesBehind, msBehind = Infinity, damage, copiesReplaced } = figures;
    return {
      id: nodeId,
      raftAddress,
      httpAddress,
      dataDirectory,
      clusterId: cluster,
      raft: { role: "follower", term, leader: "" },
      configuration: { members: [] },
      commitIndex: index + entriesBehind,
      appliedIndex: index,
      lastLogIndex: index + entriesBehind,
      lastContactMs: Math.min(msBehind, this.#parts.clock.now()),
      startedAtMs: this.#startedAtMs,
      counts: this.#counts,
      sqlite: { profile, mismatchPermitted: false, mismatches: [] },
      comparison: undefined,
      firstLogIndex: index + 1,
      logSizeBytes: 0,
      snapshotIndex: index,
      snapshotsTaken: 0,
      snapshotsInstalled: figures.basesTaken,
      copiesReplaced,
      damage,
      pendingWrites: 0,
      progress: [],
      elections: { begun: 0, won: 0, leaders: 0 },
      stages: {
        wait: new Histogram(),
        sync: new Histogram(),
        replicate: new Histogram(),
        apply: new Histogram(),
      },
      health: index === 0 ? "no data yet" : damage ?? store.full ?? "ok",
    };
  }

  storeStatus(): Promise<StoreStatus> {
    return this.#parts.store.status();
  }

  freeBytes(): Promise<number | undefined> {
    return freeBytes(this.#parts.dataDirectory);
  }

  statements(): Promise<StatementSummary[]> {
    return this.#parts.store.statements();
  }

  nodes(): Promise<NodeReport[]> {
    return Promise.resolve([]);
  }

  memberReports(): Promise<MemberReport[]> {
    return Promise.resolve([]);
  }

  leader(): Member | undefined {
    return undefined;
  }

  verify(): Promise<ComparisonReport> {
    return Promise.reject(
      new ServiceError("unavailable", "A standby has no other copies beside it"),
    );
  }

  backUp(): Promise<undefined> {
    return Promise.reject(
      new ServiceError(
        "failed",
        "a standby makes no backups: they are its cluster's, until promoted",
      ),
    );
  }

  comparison(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  versions(): Promise<VersionReport> {
    return Promise.resolve({ version: newestVersion, newest: newestVersion, nodes: [] });
  }
}
