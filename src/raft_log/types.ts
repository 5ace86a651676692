import type { CompactionPoint, Entry, HardState, RecoveredLog } from "../raft/types.ts";

/** What the log held when it was opened. */
export interface LogContents {
  readonly hardState: HardState;
  readonly compaction: CompactionPoint;
  readonly log: RecoveredLog;
}

/** Something to be made durable. Entries may begin inside the log, which is then cut there. */
export interface LogWrite {
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
}

/** Damage that recovery must not step over: says file and offset. */
export class LogDamageError extends Error {
  override name = "LogDamageError";
  constructor(readonly path: string, readonly offset: number, message: string) {
    super(message);
  }
}

/** Thrown by every write after a disk failure: nothing later is ever reported as durable. */
export class LogFailedError extends Error {
  override name = "LogFailedError";
}

/**
 * The durable log of one node, as the node drives it. Calls are made without waiting for the one
 * before and take effect in the order made; `append` shares one sync among all that wait (group
 * commit). `kind: "full"` of a DiskError leaves the log usable once there is room again.
 */
export interface RaftLog {
  /** Resolves when everything of `write` is durable. */
  append(write: LogWrite): Promise<void>;
  /** Entries from `from` on to `to` inclusive, at least one, then as many as `bytesMax` allows. */
  read(from: number, to: number, bytesMax: number): Promise<Entry[]>;
  /** Drops what lies up to `point.index`, as far as whole segments allow; durable when it resolves. */
  compact(point: CompactionPoint): Promise<void>;
  /** Drops everything and starts anew behind `point`, after an installed snapshot. */
  reset(point: CompactionPoint): Promise<void>;
  /** Bytes on disk. */
  readonly sizeBytes: number;
  /** The first index still held; lastIndex + 1 when empty. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  close(): Promise<void>;
}
