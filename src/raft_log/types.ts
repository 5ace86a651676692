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

/** A write that the disk has not answered yet. */
export interface WriteUnderWay {
  /** When it was handed over, in ms of the clock. */
  readonly since: number;
  /** Data of its entries. */
  readonly bytes: number;
}

/** What is read of a log, however it is driven. */
interface LogReading {
  /** Entries from `from` on to `to` inclusive, at least one, then as many as `bytesMax` allows. */
  read(from: number, to: number, bytesMax: number): Promise<Entry[]>;
  /** Bytes on disk. */
  readonly sizeBytes: number;
  /** The first of the newest entries that together take at most so many bytes on disk. */
  recentFrom(bytesMax: number): number;
  /** The first index still held; lastIndex + 1 when empty. */
  readonly firstIndex: number;
  /** The last one that is durable. */
  readonly lastIndex: number;
}

/**
 * The durable log of one node, as the node drives it. Calls are made without waiting for the one
 * before and take effect in the order made; `append` shares one sync among all that wait (group
 * commit). While the disk is full, what is appended waits for room.
 */
export interface RaftLog extends LogReading {
  /** Resolves when everything of `write`, and all that was appended before it, is durable. */
  append(write: LogWrite): Promise<void>;
  /**
   * Drops what lies up to `point.index`, as far as whole segments allow; durable when it resolves.
   * Throws a DiskError of kind "full", with nothing changed, when there is no room to say so.
   */
  compact(point: CompactionPoint): Promise<void>;
  /** Drops everything and starts anew behind `point`, after an installed snapshot. */
  reset(point: CompactionPoint): Promise<void>;
  /** Something that was appended is not durable: what is appended now could not be before it is. */
  readonly busy: boolean;
  /** What the disk is at; undefined when nothing waits for it, and while that waits for room. */
  readonly underWay: WriteUnderWay | undefined;
  /** The disk has no room: nothing new becomes durable until there is. */
  readonly full: boolean;
  /** Resolves when nothing is queued or under way. */
  idle(): Promise<void>;
  /** What waits is still written, unless it waits for room. */
  close(): Promise<void>;
}

/**
 * Where a log lies, driven one call at a time. A call that throws a DiskError of kind "full" has
 * changed nothing and may be made again; after any other failure none may.
 */
export interface LogStore extends LogReading {
  /** Durable when it resolves. */
  write(write: LogWrite): Promise<void>;
  compact(point: CompactionPoint): Promise<void>;
  reset(point: CompactionPoint): Promise<void>;
  /** Something is durable that no mark says so of. */
  readonly unmarked: boolean;
  /** Notes that all before is durable. */
  mark(): Promise<void>;
  /** `sound` unless a call has failed. */
  close(sound: boolean): Promise<void>;
}
