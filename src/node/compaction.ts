import { DiskError, type Logger } from "../io/types.ts";
import type { RaftLog } from "../raft_log/types.ts";
import type { Raft } from "../raft/raft.ts";
import type { StateMachine } from "../store/types.ts";
import type { LogHolds } from "./log_holds.ts";
import type { SnapshotPolicy } from "./types.ts";

export interface CompactionParts {
  readonly raft: Pick<Raft, "termAt" | "configurationAt" | "compacted">;
  readonly log: Pick<RaftLog, "firstIndex" | "sizeBytes" | "recentFrom" | "compact">;
  readonly stateMachine: Pick<StateMachine, "applied" | "checkpoint">;
  readonly policy: SnapshotPolicy;
  readonly logger: Logger;
  readonly holds: Pick<LogHolds, "allowed">;
  /** What the last checkpoint before the start covers. */
  readonly snapshotIndex: number;
}

/**
 * A snapshot of this node is its own SQLite file once a checkpoint has reached the disk: then the
 * log behind it, less a tail for slow followers and what is held for those that get a snapshot, is no
 * longer needed (thesis 5.1.2).
 */
export class Compaction {
  readonly #parts: CompactionParts;
  #running: Promise<boolean> | undefined;
  #snapshotIndex: number;
  #taken = 0;

  constructor(parts: CompactionParts) {
    this.#parts = parts;
    this.#snapshotIndex = parts.snapshotIndex;
  }

  /** What the last checkpoint covers. */
  get snapshotIndex(): number {
    return this.#snapshotIndex;
  }

  /** Snapshots made since the start. */
  get taken(): number {
    return this.#taken;
  }

  get due(): boolean {
    const { stateMachine, policy, log } = this.#parts;
    const behind = stateMachine.applied.index - this.#snapshotIndex;
    return this.#running === undefined && behind > 0 &&
      (behind >= policy.entries || log.sizeBytes >= policy.logBytes);
  }

  /** Checkpoints and drops the log behind it; false when there was nothing new. One after the other. */
  async run(trailing?: number): Promise<boolean> {
    while (this.#running !== undefined) await this.idle();
    this.#running = this.#run(trailing).finally(() => {
      this.#running = undefined;
    });
    return await this.#running;
  }

  /** A full disk is no failure: the next run may find room. */
  async #run(trailing: number | undefined): Promise<boolean> {
    try {
      return await this.#compact(trailing);
    } catch (error) {
      if (!(error instanceof DiskError) || error.kind !== "full") throw error;
      this.#parts.logger.log("WARN", "node", `No snapshot was made: ${error.message}`);
      return false;
    }
  }

  async #compact(trailing: number | undefined): Promise<boolean> {
    const { raft, log, stateMachine, logger, holds } = this.#parts;
    const position = await stateMachine.checkpoint();
    if (position.index <= this.#snapshotIndex) return false;
    const wanted = trailing === undefined
      ? this.#behindTail(position.index)
      : position.index - trailing;
    const index = holds.allowed(wanted, log.sizeBytes);
    const term = raft.termAt(index);
    if (index >= log.firstIndex && term !== undefined) {
      await log.compact({ index, term, configuration: raft.configurationAt(index) });
      raft.compacted(index);
    }
    this.#snapshotIndex = position.index;
    this.#taken++;
    logger.log(
      "INFO",
      "node",
      `Snapshot at index ${position.index} (term ${position.term}): log begins at ${log.firstIndex}, ${log.sizeBytes} bytes`,
    );
    return true;
  }

  /** Where the tail that is kept for slow followers begins: by its entries, and by their bytes. */
  #behindTail(index: number): number {
    const { log, policy: { trailing, trailingBytes } } = this.#parts;
    return Math.min(index, Math.max(index - trailing, log.recentFrom(trailingBytes) - 1));
  }

  /** A received snapshot stands for everything up to `index`. */
  installed(index: number): void {
    this.#snapshotIndex = Math.max(this.#snapshotIndex, index);
  }

  /** Resolves when none is running; its failure is its caller's. */
  async idle(): Promise<void> {
    await this.#running?.catch(() => {});
  }
}
