import { isAlone } from "../raft/configuration.ts";
import { Raft } from "../raft/raft.ts";
import type { Status } from "../raft/types.ts";
import { Applier } from "./applier.ts";
import { Compaction } from "./compaction.ts";
import { DiskWatch } from "./disk_watch.ts";
import { Driver } from "./driver.ts";
import { Handover } from "./handover.ts";
import { LogHolds } from "./log_holds.ts";
import { ReadBarriers } from "./read_barriers.ts";
import { SnapshotReceiver } from "./snapshot_receiver.ts";
import { SnapshotSender } from "./snapshot_sender.ts";
import { Replacement } from "./replacement.ts";
import { Ticker } from "./ticker.ts";
import type { NodeOptions } from "./types.ts";
import { Upkeep } from "./upkeep.ts";
import { Proposer } from "./writes/proposer.ts";
import { WriteStages } from "./writes/write_stages.ts";
import { WatchedRequests } from "./writes/pending_writes.ts";

/** What a node does itself, when its parts come to it. */
export interface NodeHandlers {
  /** Whether the node has not been started yet. */
  readonly isNew: () => boolean;
  /** Whether it answers reads: started, and neither stopping nor failed. */
  readonly isRunning: () => boolean;
  readonly statusChanged: (status: Status) => void;
  readonly failed: (error: unknown) => void;
}

/** What a node is made of; each knows of the others only what it is handed here. */
export type NodeParts = ReturnType<typeof nodeParts>;

export function nodeParts(options: NodeOptions, handlers: NodeHandlers) {
  const { contents, timing, limits, snapshots, clock, logger, log, codec } = options;
  const { stateMachine, transport } = options;
  const { failed } = handlers;
  const due = () => driver.schedule();
  const raft = new Raft({
    id: options.id,
    electionTicks: timing.electionTicks,
    heartbeatTicks: timing.heartbeatTicks,
    leaseTicks: timing.leaseTicks,
    tickMs: timing.tickMs,
    appendBytesMax: limits.appendBytesMax,
    inflightMax: limits.inflightMax,
    cacheBytesMax: limits.cacheBytesMax,
    random: options.random,
    hardState: contents.hardState,
    compaction: contents.compaction,
    log: contents.log,
    applied: stateMachine.applied.index,
  });
  // A leader that has taken itself out is not, though one member is left: that one has to be asked.
  const alone = () => isAlone(raft.configuration, options.id);
  const replacement = new Replacement(options.damage);
  const damage = () => replacement.reason;
  const disk = new DiskWatch({ log, stateMachine, clock, timing, damage });
  const handover = new Handover(raft, timing);
  const watched = new WatchedRequests(codec, options.origin);
  const stages = new WriteStages(clock);
  const proposer = new Proposer({
    raft,
    clock,
    codec,
    seed: options.seed,
    limits,
    stages,
    alone,
    logBusy: () => log.busy,
    due,
  });
  const reads = new ReadBarriers(raft, limits.pendingReadsMax);
  const applier = new Applier({
    raft,
    log,
    clock,
    stateMachine,
    stages,
    bytesMax: limits.applyBytesMax,
    paused: options.damage !== undefined,
    handlers: {
      urgent: () => raft.status.role === "leader" || reads.size > 0,
      format: (entry) => proposer.format(entry.index, entry.term) ?? watched.format(entry),
      applied: (entry, answer) => {
        proposer.applied(entry.index, entry.term, answer);
        watched.applied(entry, answer);
      },
      advanced: (index) => {
        raft.applied(index);
        reads.applied(index);
        due();
      },
      failed,
    },
  });
  const holds = new LogHolds({ raft, clock, logger, logBytes: snapshots.logBytes });
  const compaction = new Compaction({
    raft,
    log,
    stateMachine,
    policy: snapshots,
    logger,
    holds,
    snapshotIndex: contents.compaction.index,
  });
  const sender = new SnapshotSender({
    raft,
    log,
    holds,
    stateMachine,
    transport,
    clock,
    logger,
    transfers: options.transfers,
    damage,
    due,
  });
  const receiver = new SnapshotReceiver({
    raft,
    log,
    applier,
    stateMachine,
    marker: options.installMarker,
    transfers: options.transfers,
    logger,
    replacement,
    onReplaced: options.onReplaced,
  });
  const upkeep = new Upkeep({
    raft,
    log,
    clock,
    timing,
    policy: snapshots,
    disk,
    handover,
    proposer,
    reads,
    compaction,
    receiver,
    replacement,
    applier,
    due,
    failed,
  });
  const ticker = new Ticker({
    raft,
    clock,
    timing,
    each: () => upkeep.act(),
    ticksUntilDue: () => upkeep.ticksUntilDue,
  });
  const { leasePermit } = options;
  /** Keeps what others may rest on true: see LeasePermit. */
  const permitReads = () => {
    if (leasePermit === undefined) return;
    const isSound = handlers.isRunning() && replacement.reason === undefined;
    const index = isSound ? raft.leaseIndex : undefined;
    if (index === undefined || index > applier.applied) return leasePermit.publish(0, false);
    const ticks = Math.min(raft.leaseTicksLeft, timing.electionTicks);
    leasePermit.publish(ticker.lastTickAt + ticks * timing.tickMs, alone());
  };
  const driver = new Driver({
    raft,
    log,
    transport,
    proposer,
    reads,
    applier,
    sender,
    stages,
    // Nothing is written while the log begins anew behind a snapshot: what waits goes after it.
    held: () => handlers.isNew() || receiver.swapping,
    leaving: permitReads,
    ran: () => {
      ticker.hurry();
      permitReads();
    },
    onConfiguration: options.onConfiguration,
    onStatus: handlers.statusChanged,
    failed,
  });
  return {
    raft,
    ticker,
    disk,
    handover,
    watched,
    stages,
    proposer,
    reads,
    applier,
    holds,
    compaction,
    sender,
    receiver,
    replacement,
    driver,
    permitReads,
    alone,
  };
}
