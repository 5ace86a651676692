import type { Clock, Disk, Logger } from "../io/types.ts";
import type { Library } from "../sqlite/mod.ts";
import type { SlowOptions } from "./statements/statement_meter.ts";
export type { SlowOptions } from "./statements/statement_meter.ts";
import type { ImageLimits } from "./copy/held_image.ts";
import type { Threads } from "./threads.ts";

/** Bounds on what a store holds at once, and waits for. */
export interface StoreLimits {
  /** Reads that may wait for a reader. */
  readonly queueMax: number;
  /** Readers that may wait for slow clients, beside those that work. */
  readonly streamsMax: number;
  /** Bytes of one answer, and of all, that may lie on the disk until their clients take them. */
  readonly answerBytesMax: number;
  readonly answersBytesMax: number;
  /** How long a client may take nothing of a streamed answer or a backup, in ms. */
  readonly stallMs: number;
  /** Backups being made or sent; each may become a whole copy of the database. */
  readonly backupsMax: number;
  /** Size at which the WAL is moved into the database file, in bytes. */
  readonly walBytes: number;
  /** How long the WAL may be held for a copy that is being read, in ms. */
  readonly copyHeldMs: number;
  /** What a copy of the users' data may have of its own in memory, without the store's own tables, in bytes. */
  readonly copyEditBytes: number;
}

/** Times the WAL's wanted size that it may grow for a copy that is being read. */
const copyGrowthFactor = 16;

/** For how long a copy may be read from the database itself: then what is left of it is copied. */
export function imageLimits(
  { walBytes, copyHeldMs, copyEditBytes }: Pick<
    StoreLimits,
    "walBytes" | "copyHeldMs" | "copyEditBytes"
  >,
): ImageLimits {
  return {
    grownBytesMax: walBytes * copyGrowthFactor,
    heldMsMax: copyHeldMs,
    editBytesMax: copyEditBytes,
  };
}

export const defaultLimits: StoreLimits = {
  queueMax: 4096,
  streamsMax: 16,
  answerBytesMax: 256 * 1024 * 1024,
  answersBytesMax: 1024 * 1024 * 1024,
  stallMs: 30_000,
  backupsMax: 8,
  walBytes: 16 * 1024 * 1024,
  copyHeldMs: 600_000,
  copyEditBytes: 32 * 1024 * 1024,
};

/** From one time that all pages of the file are read to the next, in ms. */
export const defaultPageCheckMs = 3_600_000;

export interface StoreOptions {
  /** Holds the database; made when it is not there. One store at a time, which the caller sees to. */
  readonly directory: string;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly threads: Threads;
  readonly library: Library;
  readonly logger: Logger;
  /** Read-only connections that may work at the same time; default 4, or as many as there are cores. */
  readonly readers?: number;
  /** Enforces foreign keys; the same on every node, or they will differ. */
  readonly foreignKeys?: boolean;
  /** Which statements are logged as slow; undefined for none. */
  readonly slow?: SlowOptions | undefined;
  /** How many bytes of row changes are kept; undefined for none, which costs nothing. */
  readonly changesBytes?: number | undefined;
  /** What is not delivered yet is kept beyond that; see ChangeFile. */
  readonly changesHeld?: boolean;
  readonly limits?: Partial<StoreLimits>;
  /** What may still be written to the directory's disk, in bytes, where somebody can say. */
  readonly freeBytes?: (() => Promise<number | undefined>) | undefined;
  /** How often all pages of the file are read, and their sums compared, in ms; 0 for never. */
  readonly pageCheckMs?: number | undefined;
}
