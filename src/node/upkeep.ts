import type { Clock } from "../io/types.ts";
import type { RaftLog } from "../raft_log/types.ts";
import type { Raft } from "../raft/raft.ts";
import type { Applier } from "./applier.ts";
import type { Compaction } from "./compaction.ts";
import type { DiskWatch } from "./disk_watch.ts";
import type { Handover } from "./handover.ts";
import type { ReadBarriers } from "./read_barriers.ts";
import type { Replacement } from "./replacement.ts";
import type { SnapshotReceiver } from "./snapshot_receiver.ts";
import type { NodeTiming, SnapshotPolicy } from "./types.ts";
import type { Proposer } from "./writes/proposer.ts";

export interface UpkeepParts {
  readonly raft: Pick<Raft, "status">;
  readonly log: Pick<RaftLog, "busy">;
  readonly clock: Pick<Clock, "now">;
  readonly timing: Pick<NodeTiming, "tickMs">;
  readonly policy: Pick<SnapshotPolicy, "intervalMs">;
  readonly disk: Pick<DiskWatch, "trouble">;
  readonly handover: Pick<Handover, "urge" | "reset">;
  readonly proposer: Pick<Proposer, "size" | "expire" | "refuseWaiting">;
  readonly reads: Pick<ReadBarriers, "size" | "expire">;
  readonly compaction: Pick<Compaction, "due" | "run">;
  readonly receiver: Pick<SnapshotReceiver, "receiving">;
  readonly replacement: Pick<Replacement, "reason">;
  readonly applier: Pick<Applier, "pause">;
  /** There may be something to do. */
  readonly due: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * What a node does as time passes, beside its core: what waits is given up in time, a disk in trouble
 * is seen to, and the log is compacted now and then.
 */
export class Upkeep {
  readonly #parts: UpkeepParts;
  #nextCompactionCheck = 0;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  /** To be called by each of the ticker's timers. */
  act(): void {
    const { raft, clock, policy, disk, handover, proposer, reads } = this.#parts;
    const { compaction, receiver, due, failed } = this.#parts;
    const now = clock.now();
    proposer.expire(now);
    reads.expire(now);
    const { trouble } = disk;
    if (trouble !== undefined) proposer.refuseWaiting(trouble);
    if (trouble !== undefined && raft.status.role === "leader") handover.urge(now);
    else handover.reset();
    const isDamaged = this.#parts.replacement.reason !== undefined;
    // What a leader has promised to answer it answers first; then nothing is to come of the copy.
    if (isDamaged && raft.status.role !== "leader") void this.#parts.applier.pause();
    if (now >= this.#nextCompactionCheck) {
      this.#nextCompactionCheck = now + policy.intervalMs;
      if (compaction.due && !receiver.receiving && !isDamaged) compaction.run().catch(failed);
    }
    due();
  }

  /** In how many ticks `act` will have something to do, unless something happens. */
  get ticksUntilDue(): number {
    const { log, clock, timing, disk, proposer, reads } = this.#parts;
    const waiting = proposer.size > 0 || reads.size > 0 || log.busy;
    if (waiting || disk.trouble !== undefined) return 1;
    return Math.ceil((this.#nextCompactionCheck - clock.now()) / timing.tickMs);
  }
}
