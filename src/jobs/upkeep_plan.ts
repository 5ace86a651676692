import type { StoreStatus, UpkeepCommand, UpkeepRecord, UpkeepWork } from "../store/types.ts";

/** What one entry of the log is to do. */
export type UpkeepEntry = Omit<UpkeepCommand, "type" | "request">;

/** How a VACUUM gives space back: by a new file, or by the free pages at the old one's end. */
export const vacuumModes = ["full", "incremental"] as const;
export type VacuumMode = typeof vacuumModes[number];

/** How often a leader looks at most, and at least, whether something is due, in ms. */
const lookMsMin = 50;
const lookMsMax = 60_000;
/** Looks to an interval: what is due is late by that part of it at most. */
const looksPerInterval = 10;

/** Free pages that one entry gives back: others are applied between two of them. */
export const pagesPerEntry = 4_096;

/** Entries of one incremental vacuum at most: free pages that come meanwhile are for the next time. */
const entriesMax = 100_000;

/**
 * When a task is to be done next, in ms since 1970 UTC; undefined when nobody has had its time count
 * yet. A record of a clock that was ahead by more than the interval says nothing.
 */
export function dueAt(
  record: UpkeepRecord | undefined,
  intervalMs: number,
  nowMs: number,
): number | undefined {
  if (record === undefined) return undefined;
  const from = record.last ?? record.since;
  return from - nowMs > intervalMs ? nowMs : from + intervalMs;
}

/** Between two looks whether what is to be done at that interval is due, in ms. */
export function lookEveryMs(intervalMs: number): number {
  return Math.max(lookMsMin, Math.min(lookMsMax, intervalMs / looksPerInterval));
}

/** The entries that do a task, in their order; the last one says that it is done. */
export function entriesOf(
  task: UpkeepWork,
  record: UpkeepRecord,
  mode: VacuumMode,
  store: Pick<StoreStatus, "freePages" | "incrementalVacuum">,
): UpkeepEntry[] {
  const whole = { task, pages: 0, last: true, after: record.index };
  if (task === "optimize") return [{ ...whole, step: "optimize" }];
  if (mode === "full") return [{ ...whole, step: "vacuum" }];
  if (!store.incrementalVacuum) return [{ ...whole, step: "vacuum_to_incremental" }];
  const count = Math.min(entriesMax, Math.max(1, Math.ceil(store.freePages / pagesPerEntry)));
  return Array.from({ length: count }, (_, i) => ({
    ...whole,
    step: "incremental_vacuum",
    pages: pagesPerEntry,
    last: i === count - 1,
  }));
}
