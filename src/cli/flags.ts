import { resolve } from "node:path";
import { isUnspecified, parseAddress } from "../io/address.ts";
import type { LogLevel } from "../io/types.ts";
import type { ClusterConfiguration } from "../member/configuration.ts";
import type { DiscoveryFlags } from "../discovery/open.ts";
import { discoveryOf } from "./discovery_flags.ts";
import { type AuditConfiguration, auditOf } from "./audit_flags.ts";
import type { UpkeepTimes } from "../jobs/upkeep.ts";
import type { SlowOptions } from "../store/options.ts";
import { FlagError } from "./flag_error.ts";
import type { FlagInEffect } from "../http/types.ts";
import { flagsInEffect } from "./flags_in_effect.ts";
import type { Variables } from "./environment_flags.ts";
import { located, readFlags } from "./flag_values.ts";
import { type ExtensionFlags, extensionsOf } from "./extension_flags.ts";
import { type HttpTls, httpTlsOf } from "./https_flags.ts";
import { type OtlpConfiguration, otlpOf } from "./otlp_flags.ts";
import { type NodeTlsConfiguration, nodeTlsOf } from "./node_tls_flags.ts";
import type { CommandLine, FlagValues } from "./flag_values.ts";

/** Where a node keeps its data when it is not told. */
export const dataDirectoryDefault = "./raftlite-data";

/** What the command line asks of the server, checked. Addresses are `host:port`. */
export interface Configuration {
  /** As they were given, to be shown. */
  readonly flags: readonly FlagInEffect[];
  /** Absolute; need not exist yet. */
  readonly dataDirectory: string;
  readonly nodeId: string;
  readonly http: {
    readonly address: string;
    readonly advertisedAddress: string;
    /** Path of the file of users; "" when nobody is asked who they are. */
    readonly usersPath: string;
    /** The user in whose name the node joins; "" for none. */
    readonly joinAs: string;
    /** For Access-Control-Allow-Origin, several with commas between; "" for no such header. */
    readonly allowOrigin: string;
    readonly bodyBytesMax: number;
    readonly keyKeptMs: number;
    readonly transactionOpenMs: number;
    readonly transactionIdleMs: number;
    readonly headerTimeoutMs: number;
    readonly idleTimeoutMs: number;
    readonly connectionsMax: number;
    /** That serve HTTP, the main one among them. */
    readonly threads: number;
    /** Undefined for plain HTTP. */
    readonly tls: HttpTls | undefined;
  };
  readonly cluster: ClusterConfiguration;
  /** Undefined when nothing is pushed to a collector. */
  readonly otlp: OtlpConfiguration | undefined;
  readonly nodeTls: NodeTlsConfiguration;
  /** Undefined without -disco-mode. */
  readonly discovery: DiscoveryFlags | undefined;
  /** Undefined for none. */
  readonly audit: AuditConfiguration | undefined;
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
    readonly logLevel: LogLevel;
  };
  readonly database: {
    /** 0 to suit the machine. */
    readonly readConnectionsMax: number;
    readonly foreignKeys: boolean;
    readonly upkeep: UpkeepTimes;
    /** Between two comparisons of all nodes' copies, in ms; 0 for none. */
    readonly scrubMs: number;
    /** Between two readings of all pages of the file, in ms; 0 for none. */
    readonly pageCheckMs: number;
    /** Damaged files are set aside, and made anew from the other nodes. */
    readonly repairs: boolean;
    readonly extensions: ExtensionFlags;
    /** Which statements are logged as slow; undefined for none. */
    readonly slow: SlowOptions | undefined;
    /** How many bytes of row changes are kept; undefined for none. */
    readonly changesBytes: number | undefined;
    /** What is not delivered yet is kept beyond that. */
    readonly changesHeld: boolean;
  };
  /** A URL, a path, or "stdout"; "" for none. */
  readonly cdc: string;
  /** Paths of configuration files; "" for none. */
  readonly backups: {
    readonly backupPath: string;
    readonly restorePath: string;
    readonly archive: {
      /** A directory or a file; "" for none. */
      readonly target: string;
      readonly lagMs: number;
      readonly baseIntervalMs: number;
      /** 0 for all. */
      readonly keepMs: number;
      readonly keepBases: number;
    };
  };
  readonly writeQueue: {
    readonly capacity: number;
    readonly batchSize: number;
    readonly timeoutMs: number;
    readonly transaction: boolean;
  };
}

export type Invocation =
  | { readonly type: "help" }
  | { readonly type: "version" }
  | {
    readonly type: "serve";
    readonly configuration: Configuration;
    /** To be logged once the log is there. */
    readonly warnings: readonly string[];
  };

/**
 * Reads the server's command line, and what the environment and the file of -config add to it;
 * throws a FlagError, which knows its exit code.
 */
export function parseFlags(args: readonly string[], variables: Variables = {}): Invocation {
  const commandLine = readFlags(args, variables);
  if (commandLine.values.help) return { type: "help" };
  if (commandLine.values.version) return { type: "version" };
  return {
    type: "serve",
    configuration: configurationOf(commandLine),
    warnings: commandLine.warnings,
  };
}

/** Checks what the flags say together and fills in what follows from them; throws a FlagError. */
export function configurationOf(commandLine: CommandLine): Configuration {
  try {
    return checkedConfiguration(commandLine);
  } catch (error) {
    throw located(error, commandLine);
  }
}

function checkedConfiguration(commandLine: CommandLine): Configuration {
  const { values, positionals } = commandLine;
  const advertised = checkAddresses(values);
  checkClusterFlags(values, advertised.raft);
  const dataDirectory = dataDirectoryOf(positionals);
  return {
    flags: flagsInEffect(commandLine),
    dataDirectory,
    nodeId: values["node-id"] || advertised.raft,
    http: {
      address: bindable(values["http-addr"]),
      advertisedAddress: advertised.http,
      usersPath: values["auth"],
      joinAs: values["join-as"],
      allowOrigin: checkedOrigin(values["http-allow-origin"]),
      bodyBytesMax: values["http-body-limit"],
      keyKeptMs: values["idempotency-key-ttl"],
      transactionOpenMs: values["tx-max-open"],
      transactionIdleMs: values["tx-idle-timeout"],
      headerTimeoutMs: values["http-header-timeout"],
      idleTimeoutMs: values["http-idle-timeout"],
      connectionsMax: values["http-max-connections"],
      threads: values["http-threads"],
      tls: httpTlsOf(values),
    },
    cluster: {
      join: values["join"],
      joinAttempts: values["join-attempts"],
      joinIntervalMs: values["join-interval"],
      bootstrapExpect: values["bootstrap-expect"],
      bootstrapExpectTimeoutMs: values["bootstrap-expect-timeout"],
      connectTimeoutMs: values["cluster-connect-timeout"],
      nonVoter: values["raft-non-voter"],
      standby: values["raft-standby"],
      roleTimes: {
        standbyMs: values["raft-standby-timeout"],
        reapMs: values["raft-reap-node-timeout"],
        reapReadOnlyMs: values["raft-reap-read-only-node-timeout"],
      },
      allowSqliteMismatch: values["allow-sqlite-mismatch"],
      shutdownOnRemove: values["raft-remove-shutdown"],
      removeOnShutdown: values["raft-cluster-remove-shutdown"],
      stepDownOnShutdown: values["raft-shutdown-stepdown"],
    },
    otlp: otlpOf(values),
    nodeTls: nodeTlsOf(values),
    discovery: discoveryOf(values),
    audit: auditOf(values, dataDirectory),
    raft: {
      address: bindable(values["raft-addr"]),
      advertisedAddress: advertised.raft,
      ...raftTimeouts(values),
      applyTimeoutMs: values["raft-apply-timeout"],
      snapshotEntries: values["raft-snap"],
      snapshotIntervalMs: values["raft-snap-int"],
      snapshotWalBytes: values["raft-snap-wal-size"],
      logLevel: values["raft-log-level"],
    },
    database: {
      readConnectionsMax: values["db-max-ro-conns"],
      foreignKeys: values["fk"],
      extensions: extensionsOf(values),
      upkeep: {
        vacuumMs: values["auto-vacuum-int"],
        optimizeMs: values["auto-optimize-int"],
        vacuumMode: values["auto-vacuum-mode"] === "incremental" ? "incremental" : "full",
      },
      scrubMs: values["scrub-interval"],
      pageCheckMs: values["page-check-interval"],
      repairs: values["auto-repair"],
      slow: slowOptions(values),
      changesBytes: changesBytes(values),
      changesHeld: values["cdc-config"] !== "",
    },
    cdc: values["cdc-config"],
    backups: {
      backupPath: values["auto-backup"],
      restorePath: values["auto-restore"],
      archive: {
        target: values["archive"],
        lagMs: values["archive-lag"],
        baseIntervalMs: values["archive-base-interval"],
        keepMs: values["archive-keep"],
        keepBases: values["archive-keep-bases"],
      },
    },
    writeQueue: {
      capacity: values["write-queue-capacity"],
      batchSize: values["write-queue-batch-size"],
      timeoutMs: values["write-queue-timeout"],
      transaction: values["write-queue-tx"],
    },
  };
}

function dataDirectoryOf(positionals: readonly string[]): string {
  const [first = dataDirectoryDefault, ...others] = positionals;
  if (others.length > 0) {
    throw new FlagError(
      1,
      `Arguments after data directory ${first} are not accepted: ${others.join(" ")}`,
    );
  }
  if (first.trim() === "") throw new FlagError(1, "The data directory has an empty name");
  if (first === "true" || first === "false") {
    throw new FlagError(
      1,
      `Data directory ${first}? Write a switch's value with "=", as in -fk=${first}, or the directory as ./${first}`,
    );
  }
  return resolve(first.trim());
}

/** The advertised addresses, once they and the bound ones can be what they are meant to be. */
function checkAddresses(values: FlagValues): { readonly http: string; readonly raft: string } {
  const http = advertisedAddress("HTTP", values["http-addr"], values["http-adv-addr"]);
  const raft = advertisedAddress("Raft", values["raft-addr"], values["raft-adv-addr"]);
  if (values["http-addr"] === values["raft-addr"]) {
    throw new FlagError(1, `HTTP and Raft addresses must differ: both are ${values["http-addr"]}`);
  }
  if (http === raft) {
    throw new FlagError(1, `Advertised HTTP and Raft addresses must differ: both are ${http}`);
  }
  return { http, raft };
}

function advertisedAddress(kind: "HTTP" | "Raft", bound: string, advertised: string): string {
  const flag = `-${kind.toLowerCase()}-addr`;
  const advertisedFlag = `-${kind.toLowerCase()}-adv-addr`;
  if (bound === "") throw new FlagError(1, `Flag ${flag} is empty: give it as host:port`);
  const chosen = advertised || bound;
  const address = parseAddress(chosen);
  if (isUnspecified(address)) {
    throw new FlagError(
      1,
      `Advertised ${kind} address ${chosen} is not routable: say with ${advertisedFlag} where others reach this node`,
    );
  }
  if (address.port === 0) {
    throw new FlagError(
      1,
      `Advertised ${kind} address ${chosen} has port 0: give ${flag} or ${advertisedFlag} a port`,
    );
  }
  return chosen;
}

/** Returns what Access-Control-Allow-Origin is to say; throws a FlagError unless a header can hold it. */
function checkedOrigin(origin: string): string {
  try {
    new Headers({ "access-control-allow-origin": origin });
    return origin;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new FlagError(
      1,
      `Invalid value ${JSON.stringify(origin)} for flag -http-allow-origin: no header can hold it`,
    );
  }
}

const leastChangesBytes = 1024 * 1024;
const defaultChangesBytes = 256 * 1024 * 1024;

function changesBytes(values: FlagValues): number | undefined {
  const size = values["changes-size"];
  if (size === 0) return values["cdc-config"] === "" ? undefined : defaultChangesBytes;
  if (size < leastChangesBytes) throw new FlagError(1, "-changes-size must be 0, or at least 1MiB");
  return size;
}

function slowOptions(values: FlagValues): SlowOptions | undefined {
  const thresholdMs = values["slow-query"];
  const withValues = values["slow-query-values"];
  if (withValues && thresholdMs === 0) {
    throw new FlagError(1, "-slow-query-values needs -slow-query, the time that is slow");
  }
  return thresholdMs === 0 ? undefined : { thresholdMs, withValues };
}

/** `:4001` listens on every interface, and is written so that it says so. */
function bindable(address: string): string {
  return address.startsWith(":") ? `0.0.0.0${address}` : address;
}

function checkClusterFlags(values: FlagValues, raftAddress: string): void {
  if (values["join-as"] !== "" && values["auth"] === "") {
    throw new FlagError(1, "-join-as needs -auth, the file with that user's password");
  }
  const join = values["join"];
  const expect = values["bootstrap-expect"];
  const isReplica = values["raft-non-voter"];
  const isStandby = values["raft-standby"];
  if (isReplica && isStandby) {
    throw new FlagError(
      1,
      "-raft-standby and -raft-non-voter exclude each other: a read replica never votes",
    );
  }
  if (expect > 0 && (isReplica || isStandby)) {
    const [flag, what] = isReplica ? ["-raft-non-voter", "read replica"] : [
      "-raft-standby",
      "standby",
    ];
    throw new FlagError(1, `-bootstrap-expect and ${flag} exclude each other: a ${what} joins`);
  }
  if (expect > 1 && join.length === 0 && values["disco-mode"] === "") {
    throw new FlagError(
      1,
      `-bootstrap-expect ${expect} needs -join with the Raft addresses of the nodes to form a cluster with, or -disco-mode`,
    );
  }
  if (expect === 0 && (join.includes(raftAddress) || join.includes(values["raft-addr"]))) {
    throw new FlagError(
      1,
      `Node cannot join itself: -join names its own address ${raftAddress}, which needs -bootstrap-expect`,
    );
  }
}

/** The rules that rqlite's Raft library has for its timeouts. */
function raftTimeouts(values: FlagValues) {
  const heartbeatTimeoutMs = values["raft-heartbeat-timeout"];
  const leaderLeaseTimeoutMs = values["raft-leader-lease-timeout"] || heartbeatTimeoutMs / 2;
  if (leaderLeaseTimeoutMs < 10) {
    throw new FlagError(
      1,
      `-raft-leader-lease-timeout (${leaderLeaseTimeoutMs}ms) must be 0s or at least 10ms`,
    );
  }
  if (leaderLeaseTimeoutMs > heartbeatTimeoutMs) {
    throw new FlagError(
      1,
      `-raft-leader-lease-timeout (${leaderLeaseTimeoutMs}ms) must not be above -raft-heartbeat-timeout (${heartbeatTimeoutMs}ms)`,
    );
  }
  return { heartbeatTimeoutMs, leaderLeaseTimeoutMs };
}
