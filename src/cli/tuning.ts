import { httpAddressOf } from "../io/address.ts";
import type { NodeLimits, NodeTiming, SnapshotPolicy } from "../node/types.ts";
import type { ExtensionChoice } from "../member/openers.ts";
import type { MemberConfiguration } from "../member/configuration.ts";
import type { Configuration } from "./flags.ts";

const MiB = 1024 * 1024;

/** The longest tick, in ms: what the grain of all Raft timeouts is. */
const tickMsMax = 50;

/**
 * Raft's times from rqlite's flags. A follower campaigns after between half and the whole of
 * -raft-heartbeat-timeout without a leader, so that at the default of 1 s writes go on about a
 * second after the loss of a leader; heartbeats are sent five times in that half, and half as often
 * by a leader at rest.
 */
export function timing(configuration: Configuration): NodeTiming {
  const { heartbeatTimeoutMs, leaderLeaseTimeoutMs } = configuration.raft;
  const electionMs = heartbeatTimeoutMs / 2;
  const tickMs = Math.max(1, Math.min(tickMsMax, Math.floor(electionMs / 10)));
  const electionTicks = Math.max(5, Math.floor(electionMs / tickMs));
  return {
    tickMs,
    electionTicks,
    heartbeatTicks: Math.max(1, Math.floor(electionTicks / 5)),
    // Below the election timeout by a fifth: a lease then holds while no machine's clock runs a
    // quarter faster than another's.
    leaseTicks: Math.max(
      1,
      Math.min(Math.floor(electionTicks * 0.8), Math.floor(leaderLeaseTimeoutMs / tickMs)),
    ),
  };
}

/** Bounds on what a node holds in memory. */
const nodeLimits: NodeLimits = {
  pendingWritesMax: 16_384,
  commandBytesMax: 64 * MiB,
  pendingBytesMax: 128 * MiB,
  pendingReadsMax: 65_536,
  applyBytesMax: 4 * MiB,
  appendBytesMax: 1 * MiB,
  inflightMax: 64,
  cacheBytesMax: 8 * MiB,
};

/** Log on disk that calls for a snapshot however few entries it holds. */
const logBytesMax = 256 * MiB;
/** Entries kept for slow followers: as many as rqlite keeps. */
const trailingEntries = 10_240;
/** Of them only as many as fit in that: else the log of large writes would never get smaller. */
const trailingBytesMax = 64 * MiB;

export function snapshotPolicy(configuration: Configuration): SnapshotPolicy {
  return {
    entries: configuration.raft.snapshotEntries,
    logBytes: logBytesMax,
    intervalMs: configuration.raft.snapshotIntervalMs,
    trailing: trailingEntries,
    trailingBytes: trailingBytesMax,
  };
}

/** What the flags say to the member, in its terms. */
export function memberConfiguration(
  configuration: Configuration,
  extensions: ExtensionChoice = { files: [], safe: [] },
): MemberConfiguration {
  const { dataDirectory, nodeId, cluster, http, raft, database } = configuration;
  const { snapshotWalBytes } = raft;
  return {
    dataDirectory,
    nodeId,
    raftAddress: raft.address,
    advertisedAddress: raft.advertisedAddress,
    httpAddress: httpAddressOf(http.advertisedAddress, http.tls !== undefined),
    cluster,
    database: {
      ...database,
      extensions,
      limits: snapshotWalBytes === 0 ? {} : { walBytes: snapshotWalBytes },
    },
    writeTimeoutMs: raft.applyTimeoutMs,
    timing: timing(configuration),
    limits: nodeLimits,
    snapshots: snapshotPolicy(configuration),
  };
}
