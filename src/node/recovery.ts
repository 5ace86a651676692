import { promiseMs } from "../raft/lease.ts";
import type { LogContents, RaftLog } from "../raft_log/types.ts";
import type { CompactionPoint } from "../raft/types.ts";
import type { AppliedPosition } from "../store/types.ts";
import type { NodeTiming } from "./types.ts";

/** The log and the database of a node do not belong together; says how, and the way out. */
export class RecoveryError extends Error {
  override name = "RecoveryError";

  /** `part` is what is not as it should be: a database may be made anew, what a log has promised is lost with it. */
  constructor(readonly part: "database" | "log", message: string) {
    super(message);
  }
}

/** What a start finds on disk. */
export interface Found {
  readonly contents: LogContents;
  readonly applied: AppliedPosition;
  /** Left behind by an installation of a snapshot that a crash cut short. */
  readonly marker: CompactionPoint | undefined;
  /** The database is empty, as it was damaged, and is to come from the leader. */
  readonly replaced?: boolean;
}

/** How to go on: `fresh` has no log and no data yet; `reset` begins the log anew behind the snapshot. */
export type Recovery =
  | { readonly type: "fresh" }
  | { readonly type: "continue" }
  | { readonly type: "reset"; readonly point: CompactionPoint };

/** The term of the entry at `index` by what recovery of the log knows; undefined outside the log. */
function termAt({ compaction, log }: LogContents, index: number): number | undefined {
  if (index === compaction.index) return compaction.term;
  if (index < compaction.index || index > log.lastIndex) return undefined;
  return log.termStarts.findLast((start) => start.index <= index)?.term;
}

/** True when the log holds no promise: no term, no entry, no compaction. */
function isEmpty({ hardState, compaction, log }: LogContents): boolean {
  return hardState.term === 0 && compaction.index === 0 && log.lastIndex === 0;
}

/** What an operator can do about a data directory whose parts do not belong together. */
export function wayOutOf(directory: string): string {
  return `Restore ${directory} as a whole from one copy, or empty it and let the node join its cluster again`;
}

/**
 * Decides how a node goes on from what its disk holds. One row, the first that matches:
 *
 * | found | then |
 * | --- | --- |
 * | no log, nothing applied | fresh: the node may form or join a cluster |
 * | no log, something applied | refused: the votes and entries that the node promised are gone |
 * | a marker, and exactly its state applied, which the log does not hold | the crash came between the swap of the state and the log's new beginning: reset |
 * | nothing applied, as the database is to be replaced | continue: the leader sends it |
 * | applied before the log's beginning | refused: entries between the two are missing |
 * | applied beyond the log's end | refused: log files are missing |
 * | applied at an index where the log has another term | refused: the two are of different nodes |
 * | applied inside the log | continue: the tail is replayed |
 */
export function recover(found: Found, directory: string): Recovery {
  const { contents, applied, marker } = found;
  const { compaction, log } = contents;
  const term = termAt(contents, applied.index);
  if (isEmpty(contents) && applied.index === 0) return { type: "fresh" };
  if (
    marker !== undefined && marker.index === applied.index && marker.term === applied.term &&
    term !== applied.term
  ) {
    return { type: "reset", point: marker };
  }
  const wayOut = wayOutOf(directory);
  if (isEmpty(contents)) {
    throw new RecoveryError(
      "log",
      `The database has applied index ${applied.index} but there is no Raft log in ${directory}/raft. ${wayOut}`,
    );
  }
  if (found.replaced === true && applied.index === 0) return { type: "continue" };
  if (applied.index < compaction.index) {
    throw new RecoveryError(
      "database",
      `The database ends at index ${applied.index} but the Raft log begins after ${compaction.index}. ${wayOut}`,
    );
  }
  if (applied.index > log.lastIndex) {
    throw new RecoveryError(
      "log",
      `The database has applied index ${applied.index} but the Raft log ends at ${log.lastIndex}. ${wayOut}`,
    );
  }
  if (applied.index > 0 && term !== applied.term) {
    throw new RecoveryError(
      "log",
      `At index ${applied.index} the database is of term ${applied.term}, the Raft log of term ${term}: they are of different nodes. ${wayOut}`,
    );
  }
  return { type: "continue" };
}

/**
 * Makes durable what a node is going to promise its leaders, before it starts; returns what its log
 * holds then. A longer promise of an earlier run stays, and the core shortens it once it is over.
 */
export async function recordPromise(
  log: Pick<RaftLog, "append">,
  contents: LogContents,
  timing: NodeTiming,
): Promise<LogContents> {
  const own = promiseMs(timing);
  if (contents.hardState.promiseMs >= own) return contents;
  const hardState = { ...contents.hardState, promiseMs: own };
  await log.append({ hardState, entries: [] });
  return { ...contents, hardState };
}
