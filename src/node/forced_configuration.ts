import { checksum } from "../base/checksum.ts";
import type { LogContents, RaftLog } from "../raft_log/types.ts";
import { type Configuration, type Entry, EntryType } from "../raft/types.ts";
import type { AppliedPosition } from "../store/types.ts";

/** Bytes of entries carried over at once. */
const batchBytes = 8 * 1024 * 1024;
const nothing = new Uint8Array();
/** More than those who are gone can have begun since the nodes that are left last heard of one. */
const termsUnheard = 1_000_000;

/**
 * Writes a log to `to` that is the log `from` under another configuration: for a cluster that lost
 * its majority, where an operator says who is left. Every entry keeps its index and term, so that
 * the logs of the nodes that are left still agree where they did; configuration entries that are
 * not yet applied become empty ones, since they speak of members that are gone.
 *
 * Index and term name an entry, in an archive and in the logs of those who are gone, too: so what is
 * written from now on is of a term that these never had.
 */
export async function forceConfiguration(
  { from, to, applied, configuration }: {
    readonly from: { readonly log: RaftLog; readonly contents: LogContents };
    readonly to: RaftLog;
    readonly applied: AppliedPosition;
    readonly configuration: Configuration;
  },
): Promise<void> {
  await to.reset({ index: applied.index, term: applied.term, configuration });
  const { term, promiseMs } = from.contents.hardState;
  const hardState = { term: term + termsUnheard, votedFor: "", promiseMs };
  await to.append({ hardState, entries: [] });
  const { lastIndex } = from.contents.log;
  let next = applied.index + 1;
  while (next <= lastIndex) {
    const entries = await from.log.read(next, lastIndex, batchBytes);
    await to.append({ hardState: undefined, entries: entries.map(withoutConfiguration) });
    next += entries.length;
  }
}

function withoutConfiguration(entry: Entry): Entry {
  if (entry.type !== EntryType.configuration) return entry;
  return { ...entry, type: EntryType.noop, data: nothing, checksum: checksum(nothing) };
}
