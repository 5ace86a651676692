import type { Entry } from "../../raft/types.ts";
import type { LeadingNode } from "../types.ts";

/** A node as the archive sees it. */
export interface ArchivedNode extends LeadingNode {
  readonly term: number;
  /** The first entry that the log holds. */
  readonly firstLogIndex: number;
  /** Of an entry of the log, or of the last one that it holds no more; undefined of others. */
  termAt(index: number): number | undefined;
  /** Entries from `from` on to `to` inclusive, at least one, then as many as `bytesMax` allows. */
  readLog(from: number, to: number, bytesMax: number): Promise<Entry[]>;
  /** Has the log keep what lies behind that index, within a bound. */
  keepLogBehind(index: number): void;
}

/** What this node has done for the archive since it was started. Times are in ms since 1970 UTC. */
export interface ArchiveFigures {
  readonly target: string;
  /** Up to where the log is known to be archived. */
  readonly index: number;
  /** Applied entries that are not. */
  readonly entriesBehind: number;
  readonly piecesShipped: number;
  readonly bytesShipped: number;
  readonly basesMade: number;
  /** Times when entries were gone from the log before they were archived. */
  readonly gaps: number;
  /** Undefined before this node's first piece. */
  readonly lastShippedTime: number | undefined;
  readonly lastBaseIndex: number;
  readonly lastBaseTime: number | undefined;
  /** Failures in a row until now, and the last one's reason. */
  readonly failing: { readonly times: number; readonly message: string } | undefined;
  /** Undefined where nothing is ever removed. */
  readonly trim: TrimFigures | undefined;
}

/** What an archive can restore, in short. Times are the leaders', in ms since 1970 UTC. */
export interface Archived {
  readonly cluster: string;
  /** The newest first, and not all of very many. */
  readonly bases: readonly {
    readonly index: number;
    readonly time: number;
    readonly bytes: number;
    readonly sqlite: string;
  }[];
  /** From the first base copy to the last entry; gaps between only `raftlite restore -list` sees. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly firstTime: number | undefined;
  readonly lastTime: number | undefined;
}

/** What this node has removed of the archive since it was started. */
export interface TrimFigures {
  /** Where the archive begins, as far as this node knows; 0 where nothing was removed. */
  readonly firstIndex: number;
  readonly objectsRemoved: number;
  /** Failures in a row until now, and the last one's reason. */
  readonly failing: { readonly times: number; readonly message: string } | undefined;
}
