import { promiseMs } from "../raft/lease.ts";
import type { LogContents, RaftLog } from "../raft_log/types.ts";
import type { NodeTiming } from "./types.ts";

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
