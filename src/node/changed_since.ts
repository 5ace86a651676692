import { type Entry, EntryType } from "../raft/types.ts";
import type { RaftLog } from "../raft_log/types.ts";
import type { CommandCodec } from "./types.ts";

const bytesMax = 1024 * 1024;

/**
 * Whether an entry behind `index`, up to `to`, may have changed what is in the database: a command
 * that is no mere piece of a load, nor upkeep. So does whoever cannot tell, as the log no longer has them all.
 */
export async function changedSince(
  { log, codec }: {
    readonly log: Pick<RaftLog, "firstIndex" | "read">;
    readonly codec: Pick<CommandCodec, "isUnseen">;
  },
  index: number,
  to: number,
): Promise<boolean> {
  const changes = ({ type, data }: Entry) => type === EntryType.command && !codec.isUnseen(data);
  for (let from = index + 1; from <= to;) {
    if (from < log.firstIndex) return true;
    const entries = await log.read(from, to, bytesMax);
    if (entries.some(changes)) return true;
    from += entries.length;
  }
  return false;
}
