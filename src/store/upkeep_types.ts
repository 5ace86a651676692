import type { RequestId } from "./command_types.ts";

/** What is done about a database now and then, whoever writes to it. */
export type UpkeepTask = "vacuum" | "optimize" | "scrub";

/** Those that an entry does on each node, and not only marks. */
export type UpkeepWork = Exclude<UpkeepTask, "scrub">;

/**
 * What an entry does of such a task: only has the time count from now on; rebuilds the file, also
 * so that it can give pages back later without that; gives some pages back; has the planner's
 * statistics renewed where that helps; or marks where all nodes' copies are compared.
 */
export type UpkeepStep =
  | "begin"
  | "vacuum"
  | "vacuum_to_incremental"
  | "incremental_vacuum"
  | "optimize"
  | "scrub";

/** Upkeep by the leader's timer; see apply/upkeep.ts. */
export interface UpkeepCommand {
  readonly type: "upkeep";
  readonly task: UpkeepTask;
  readonly step: UpkeepStep;
  /** Of an incremental vacuum; 0 for all. */
  readonly pages: number;
  /** The task is done with it, and its time counts from now on. */
  readonly last: boolean;
  /** It is for the time after what the entry of this index noted; nothing is done when that is not the last. */
  readonly after: number;
  readonly request: RequestId | undefined;
}

/** What all nodes know of a task, as entries of the log have noted it. Times are in ms since 1970 UTC. */
export interface UpkeepRecord {
  /** From when on its interval was counted at first. */
  readonly since: number;
  /** When it was last done; undefined before the first time. */
  readonly last: number | undefined;
  /** Of the entry that noted this. */
  readonly index: number;
}

export type UpkeepRecords = { readonly [Task in UpkeepTask]: UpkeepRecord | undefined };

/** What a node's own runs of a task came to since its start. */
export interface UpkeepRuns {
  readonly ok: number;
  readonly failed: number;
  readonly totalMs: number;
  readonly lastMs: number;
}
