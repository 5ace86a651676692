import type { Clock } from "../io/types.ts";
import type { StateMachine } from "../store/types.ts";
import type { RaftLog } from "../raft_log/types.ts";
import type { NodeTiming } from "./types.ts";

/** What a disk that is slow, but works, writes at least, in bytes per ms. */
const slowestBytesPerMs = 10_000;

export interface DiskWatchParts {
  readonly log: Pick<RaftLog, "full" | "underWay">;
  readonly stateMachine: Pick<StateMachine, "full">;
  readonly clock: Pick<Clock, "now">;
  readonly timing: Pick<NodeTiming, "electionTicks" | "tickMs">;
  /** What is wrong with the database that is on it, where something is. */
  readonly damage?: () => string | undefined;
}

/** Whether this node's disk takes writes, and has what was written to it. */
export class DiskWatch {
  readonly #parts: DiskWatchParts;
  readonly #patienceMs: number;

  constructor(parts: DiskWatchParts) {
    this.#parts = parts;
    // Two election timeouts of the longest kind (3.4): one write can be half a dozen syncs, where it
    // waits for a compaction and begins a segment, and a disk may take 300 ms for each under load.
    this.#patienceMs = 2 * 2 * parts.timing.electionTicks * parts.timing.tickMs;
  }

  /**
   * How long the log's oldest write has waited for the disk, in ms; 0 when none does, and while it
   * waits for room.
   */
  get waitMs(): number {
    const { log, clock } = this.#parts;
    return log.underWay === undefined ? 0 : clock.now() - log.underWay.since;
  }

  /** What keeps this node from taking writes; undefined when nothing does. */
  get trouble(): string | undefined {
    const { log, stateMachine } = this.#parts;
    const damage = this.#parts.damage?.();
    if (damage !== undefined) return `The database is damaged and is being replaced: ${damage}`;
    // Neither the log nor the state machine may be short of room.
    if (log.full || stateMachine.full !== undefined) {
      return "The disk is full: writes wait until there is room";
    }
    const { underWay } = log;
    if (underWay === undefined) return undefined;
    const waitedMs = this.waitMs;
    if (waitedMs <= this.#patienceMs + underWay.bytes / slowestBytesPerMs) return undefined;
    return `The disk has not answered for ${
      Math.round(waitedMs / 1000)
    } s: writes wait until it does`;
  }
}
