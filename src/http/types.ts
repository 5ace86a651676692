import type { UpkeepTimes } from "../jobs/upkeep.ts";
import type { Tracing } from "../cluster/tracing.ts";
import type { OtlpFigures } from "../metrics/otlp/types.ts";
import type { CdcFigures } from "../cdc/types.ts";
import type { ChangeLog, ChangeLogStatus } from "../changes/types.ts";
import type { Archived, ArchiveFigures } from "../backup/archive/types.ts";
import type {
  AutoBackupFigures,
  AutoRestoreFigures,
  SavedBackups,
  Verification,
} from "../backup/types.ts";
import type { Gate } from "../access/gate.ts";
import type { Audit } from "../audit/types.ts";
import type { WriteQueue } from "../cluster/write_queue.ts";
import type { Transfers } from "../io/transfers.ts";
import type { Recent } from "../base/recent.ts";
import type { Logger, LogLine } from "../io/types.ts";
import type { KeyPair } from "../tls/key_pair.ts";
import type { ConnectionFigures } from "./connection_watch.ts";
import type { BodyReader } from "./body_reader.ts";
import type { Service } from "../cluster/types.ts";
import type { LiveStore } from "./watch/live_queries.ts";
import type { Standby } from "../standby/types.ts";
import type { HttpThreads } from "./threads/http_threads.ts";

/** What flags have set, as /status shows it. */
export interface ServerSettings {
  readonly applyTimeoutMs: number;
  readonly heartbeatTimeoutMs: number;
  /** The longest that a follower waits for a leader before it campaigns. */
  readonly electionTimeoutMs: number;
  readonly snapshotIntervalMs: number;
  /** 0 for never. */
  readonly reapTimeoutMs: number;
  readonly reapReadOnlyTimeoutMs: number;
  readonly snapshotEntries: number;
  /** Started with -cdc-config. */
  readonly cdc: boolean;
  /** Entries kept behind a snapshot. */
  readonly trailingEntries: number;
  readonly upkeep: UpkeepTimes;
  /** Of this machine's memory, in bytes; undefined when it cannot be told. */
  readonly pageSize: number | undefined;
}

/** A certificate in force, as /status shows it. */
export type CertificateInForce = Pick<KeyPair, "subject" | "notBefore" | "notAfter">;

/** What discovery has come to, in rqlite's names. */
export type DiscoveryFigures = Readonly<
  Record<string, string | number | readonly string[] | undefined>
>;

/** TLS between nodes, as /status shows it. */
export interface NodeTlsFigures {
  readonly certificate: CertificateInForce;
  readonly verifiesClients: boolean;
  readonly verifiesServers: boolean;
  /** Nodes without TLS are taken, for the time of a transition. */
  readonly acceptsPlain: boolean;
}

/** The audit log as /status shows it. */
export interface AuditFigures {
  readonly target: string;
  /** Lines, since the start. */
  readonly written: number;
  /** Events that are in no line, since the start. */
  readonly lost: number;
  /** Why lines cannot be written; undefined while they can. */
  readonly failure: string | undefined;
}

/** HTTPS as it is in force. */
export interface HttpsInfo {
  readonly certPath: string;
  readonly keyPath: string;
  /** "" when none was named. */
  readonly caPath: string;
  readonly verifyClient: boolean;
  certificate(): CertificateInForce;
  /** Why newer files are not in force; undefined while they are. */
  reloadFailure(): string | undefined;
}

/** A flag as it counts, in text. */
export interface FlagInEffect {
  readonly name: string;
  /** What it belongs to in help. */
  readonly group: string;
  readonly value: string;
  readonly default: string;
  /** "command line", a variable, `FILE:LINE` or "default". */
  readonly source: string;
  readonly help: string;
}

/** What can be done about the backups that a cluster makes by itself. */
export interface BackupKeeping {
  /** Asks the store what backups there are. */
  list(): Promise<SavedBackups>;
  /** Restores the one with that key into a file, and checks it; undefined: there is none. */
  verify(key: string): Promise<Verification | undefined>;
}

/** What the server tells about itself. */
export interface ServerInfo {
  /** What the machine grants: asked for with each /status. */
  readonly machine: () => Promise<MachineFigures>;
  /**
   * The version of rqlite whose API this is, like `v10.3.0`: X-RQLITE-VERSION, /nodes and /status
   * carry it, because clients parse it.
   */
  readonly rqliteVersion: string;
  /** raftlite's own version. */
  readonly version: string;
  /** Where the server listens, `host:port`: not what others are told, which a proxy may lie before. */
  readonly listenAddress: string;
  /** Value of Access-Control-Allow-Origin, or several origins with commas between; "" for none. */
  readonly allowOrigin: string;
  /** What /licenses shows. */
  readonly licenses: () => Promise<string>;
  /** Undefined for plain HTTP. */
  readonly https?: HttpsInfo | undefined;
  readonly settings: ServerSettings;
  /** Undefined without -auto-backup. */
  readonly backups?: (() => AutoBackupFigures) | undefined;
  /** Undefined without -archive. */
  readonly archive?: (() => ArchiveFigures) | undefined;
  /** Undefined without -cdc-config. */
  readonly cdc?: (() => CdcFigures) | undefined;
  /** Undefined without -changes-size, and what brings it about. */
  readonly changes?: (() => ChangeLogStatus) | undefined;
  /** Gives undefined without -otlp-endpoint. */
  readonly otlp?: () => OtlpFigures | undefined;
  /** The long transfers that are under way; undefined: nobody looks. */
  readonly transfers?: Transfers | undefined;
  /** Undefined but for a standby. */
  readonly standby?: Standby | undefined;
  /** Undefined without -auto-restore. */
  readonly restore?: (() => AutoRestoreFigures) | undefined;
  /** Absent without an audit log. */
  readonly audit?: () => AuditFigures;
  /** The last lines of the log, and of the audit; undefined where there is none. */
  readonly logLines?: Recent<LogLine> | undefined;
  readonly auditLines?: Recent<string> | undefined;
  /** Undefined: nobody has given any. */
  readonly flags?: readonly FlagInEffect[] | undefined;
  /** Undefined without -auto-backup. */
  readonly backupKeeping?: BackupKeeping | undefined;
  /** Asks the archive what it has; undefined without -archive. */
  readonly archived?: (() => Promise<Archived>) | undefined;
  /** Absent without TLS between nodes. */
  readonly nodeTls?: () => NodeTlsFigures;
  /** Undefined until the server listens, or where none does. */
  readonly connections?: () => ConnectionFigures | undefined;
  /** The threads that serve HTTP beside the main one; undefined where there is none. */
  readonly threads?: HttpThreads | undefined;
  /** How discovery goes, if there is any. */
  readonly discovery?: () => DiscoveryFigures;
}

/** Undefined: the system does not say. */
export interface MachineFigures {
  /** Files and connections that may be open at a time. */
  readonly openFilesMax: number | undefined;
  /** Of the data directory. */
  readonly fileSystem: {
    readonly kind: string | undefined;
    readonly freeBytes: number;
    readonly totalBytes: number;
  } | undefined;
}

export interface HttpLimits {
  /** Largest body of a request, in bytes; a SQLite file to load or boot from has no limit. */
  readonly bodyBytesMax: number;
  /** Largest SQL text to load, in bytes: it is one entry of the log. */
  readonly loadTextBytesMax: number;
  /** How long a large body may pause, in ms: its client may be gone without a sign. */
  readonly bodyPauseMsMax: number;
  /** How long a transaction of several requests may be open, and without a request, in ms. */
  readonly transactionOpenMs: number;
  readonly transactionIdleMs: number;
  /** How long the idempotency key of a request is kept, in ms. */
  readonly keyKeptMs: number;
}

export const defaultHttpLimits: HttpLimits = {
  bodyBytesMax: 64 * 1024 * 1024,
  loadTextBytesMax: 64 * 1024 * 1024,
  bodyPauseMsMax: 60_000,
  transactionOpenMs: 60_000,
  transactionIdleMs: 5_000,
  keyKeptMs: 24 * 3_600_000,
};

/** How long this thread was at work without a pause, as a TurnWatch of io measures it. */
export interface TurnFigures {
  /** There is work to do: to be measured closely. */
  stir(): void;
  /** The longest turn of the event loop since the start, in ms. */
  readonly longestMs: number;
  /** The same of the last minute. */
  readonly longestLatelyMs: number;
}

export interface AppOptions {
  readonly service: Service;
  readonly info: ServerInfo;
  readonly limits: HttpLimits;
  readonly queue: WriteQueue;
  readonly logger: Logger;
  readonly turns: TurnFigures;
  readonly bodyReader: BodyReader;
  /** Traces writes; undefined: none is. */
  readonly tracing?: Tracing | undefined;
  /** Asks clients who they are; undefined: everybody may do everything. */
  readonly gate?: Gate | undefined;
  /** Is told who did what; undefined: nobody wants to know. */
  readonly audit?: Audit | undefined;
  /** What was done to rows; undefined: that is not kept. */
  readonly changes?: ChangeLog | undefined;
  /** Where queries that are watched are run. */
  readonly live: LiveStore;
}
