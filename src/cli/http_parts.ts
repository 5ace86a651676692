import type { Archived, ArchiveFigures } from "../backup/archive/types.ts";
import type { CdcFigures } from "../cdc/types.ts";
import type { ChangeLog } from "../changes/types.ts";
import type { AutoBackupFigures, AutoRestoreFigures } from "../backup/types.ts";
import type { Gate } from "../access/gate.ts";
import type { LiveStore } from "../http/watch/live_queries.ts";
import type { ConnectionFigures, ConnectionLimits } from "../http/connection_watch.ts";
import { appOf } from "../http/app.ts";
import { AppState } from "../http/app_state.ts";
import { handedWrites } from "../http/handed_writes.ts";
import { collectFamilies } from "../http/metrics.ts";
import type { OtlpFigures } from "../metrics/otlp/types.ts";
import { OwnFaults } from "../http/findings/own_faults.ts";
import type { HttpThreads } from "../http/threads/http_threads.ts";
import { BodyReader } from "../http/body_reader.ts";
import {
  type BackupKeeping,
  defaultHttpLimits,
  type DiscoveryFigures,
  type HttpsInfo,
  type NodeTlsFigures,
  type ServerSettings,
  type TurnFigures,
} from "../http/types.ts";
import { defaultWriteQueueOptions, WriteQueue } from "../cluster/write_queue.ts";
import type { Tracing } from "../cluster/tracing.ts";
import type { Service } from "../cluster/types.ts";
import type { Transfers } from "../io/transfers.ts";
import type { StderrLogger } from "../io/stderr_logger.ts";
import type { Clock } from "../io/types.ts";
import { parseAddress } from "../io/address.ts";
import { fileSystemOf, openFilesMax } from "../io/machine.ts";
import type { OpenAudit } from "./audit.ts";
import type { Configuration } from "./flags.ts";
import type { Standby } from "../standby/types.ts";
import { readLicenses } from "./license_text.ts";
import { memoryPageSize } from "./memory_page_size.ts";
import { snapshotPolicy, timing } from "./tuning.ts";
import { rqliteVersion, version } from "./version.ts";

interface Parts {
  readonly service: Service;
  readonly clock: Clock;
  readonly logger: StderrLogger;
  readonly turns: TurnFigures;
  readonly connections: () => ConnectionFigures | undefined;
  /** Undefined where the main thread serves alone. */
  readonly threads?: HttpThreads | undefined;
  /** Undefined without users. */
  readonly gate: Gate | undefined;
  /** Undefined without an audit log. */
  readonly audit: OpenAudit | undefined;
  /** Undefined without TLS between nodes. */
  readonly nodeTls: (() => NodeTlsFigures) | undefined;
  /** Undefined without discovery. */
  readonly discovery: (() => DiscoveryFigures) | undefined;
  /** Undefined for plain HTTP. */
  readonly https: HttpsInfo | undefined;
  /** Undefined without -auto-backup. */
  readonly backups: (() => AutoBackupFigures) | undefined;
  /** Undefined without -archive. */
  readonly archive: (() => ArchiveFigures) | undefined;
  /** Undefined without -auto-backup, without -archive. */
  readonly backupKeeping?: BackupKeeping | undefined;
  readonly archived?: (() => Promise<Archived>) | undefined;
  /** Undefined without -cdc-config. */
  readonly cdc: (() => CdcFigures) | undefined;
  /** Undefined where no changes are kept. */
  readonly changes: ChangeLog | undefined;
  /** Where queries that are watched are run. */
  readonly live: LiveStore;
  /** Undefined where nothing is traced. */
  readonly tracing: Tracing | undefined;
  /** Gives undefined as long as nothing is pushed. */
  readonly otlp: () => OtlpFigures | undefined;
  readonly transfers: Transfers;
  /** Undefined but for a standby. */
  readonly standby?: Standby | undefined;
  /** Undefined without -auto-restore. */
  readonly restore: (() => AutoRestoreFigures) | undefined;
}

/** The HTTP side of a node, made from its flags. */
export function httpParts(configuration: Configuration, parts: Parts) {
  const { http, writeQueue } = configuration;
  const { service, logger, turns, gate, audit, nodeTls, discovery, changes, live } = parts;
  const queue = new WriteQueue(parts, { ...defaultWriteQueueOptions, ...writeQueue });
  const bodyReader = new BodyReader();
  const state = new AppState({
    service,
    bodyReader,
    queue,
    logger,
    turns,
    gate,
    audit: audit?.log,
    tracing: parts.tracing,
    changes,
    live,
    limits: {
      ...defaultHttpLimits,
      bodyBytesMax: http.bodyBytesMax,
      keyKeptMs: http.keyKeptMs,
      transactionOpenMs: http.transactionOpenMs,
      transactionIdleMs: http.transactionIdleMs,
    },
    info: {
      machine: async () => ({
        openFilesMax: openFilesMax(),
        fileSystem: await fileSystemOf(service.status().dataDirectory),
      }),
      rqliteVersion,
      version,
      listenAddress: http.address,
      allowOrigin: http.allowOrigin,
      licenses: readLicenses,
      https: parts.https,
      backups: parts.backups,
      archive: parts.archive,
      cdc: parts.cdc,
      changes: changes && (() => changes.status),
      restore: parts.restore,
      standby: parts.standby,
      transfers: parts.transfers,
      connections: parts.connections,
      threads: parts.threads,
      otlp: parts.otlp,
      settings: settingsOf(configuration),
      flags: configuration.flags,
      logLines: logger.recent,
      auditLines: audit?.log.recent,
      backupKeeping: parts.backupKeeping,
      archived: parts.archived,
      ...(nodeTls === undefined ? {} : { nodeTls }),
      ...(discovery === undefined ? {} : { discovery }),
      ...(audit === undefined ? {} : { audit: audit.figures }),
    },
  });
  const { recorder, feed, followers } = state;
  const ownFaults = new OwnFaults(state);
  return {
    ...{
      app: appOf(state),
      writes: handedWrites(state),
      queue,
      bodyReader,
      recorder,
      feed,
      followers,
      live: state.live,
    },
    faults: () => ownFaults.get(),
    families: () => collectFamilies(state),
  };
}

function settingsOf(configuration: Configuration): ServerSettings {
  const { raft, cluster: { roleTimes } } = configuration;
  const { tickMs, electionTicks } = timing(configuration);
  const { trailing, entries, intervalMs } = snapshotPolicy(configuration);
  return {
    applyTimeoutMs: raft.applyTimeoutMs,
    heartbeatTimeoutMs: raft.heartbeatTimeoutMs,
    electionTimeoutMs: 2 * electionTicks * tickMs,
    snapshotIntervalMs: intervalMs,
    reapTimeoutMs: roleTimes.reapMs,
    reapReadOnlyTimeoutMs: roleTimes.reapReadOnlyMs,
    snapshotEntries: entries,
    cdc: configuration.cdc !== "",
    trailingEntries: trailing,
    upkeep: configuration.database.upkeep,
    pageSize: memoryPageSize(),
  };
}

/** How clients' connections are bounded. */
export function connectionLimits({ http }: Configuration): ConnectionLimits {
  return {
    headerMsMax: http.headerTimeoutMs,
    idleMsMax: http.idleTimeoutMs,
    bodyMsMax: defaultHttpLimits.bodyPauseMsMax,
    connectionsMax: http.connectionsMax,
  };
}

/** Where HTTP listens. */
export function httpAddress({ http }: Configuration): { hostname: string; port: number } {
  const { host, port } = parseAddress(http.address);
  return { hostname: host, port };
}
