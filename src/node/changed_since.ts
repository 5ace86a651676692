import { EntryType } from "../raft/types.ts";
import type { RaftLog } from "../raft_log/types.ts";

const bytesMax = 1024 * 1024;

/**
 * Whether there is a command among the entries behind `index` up to `to`: what else is in a log
 * changes nothing in the database. So does whoever cannot tell, as the log no longer has them all.
 */
export async function changedSince(
  log: Pick<RaftLog, "firstIndex" | "read">,
  index: number,
  to: number,
): Promise<boolean> {
  for (let from = index + 1; from <= to;) {
    if (from < log.firstIndex) return true;
    const entries = await log.read(from, to, bytesMax);
    if (entries.some(({ type }) => type === EntryType.command)) return true;
    from += entries.length;
  }
  return false;
}
