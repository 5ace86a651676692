/** How far a standby is. Times are in ms since 1970 UTC. */
export interface StandbyFigures {
  /** The archive that it follows. */
  readonly target: string;
  /** The cluster whose archive that is; "" before it was reached. */
  readonly cluster: string;
  /** The last entry that is applied; 0 before the first base copy. */
  readonly index: number;
  /** Entries that the archive is known to have beyond. */
  readonly entriesBehind: number;
  /** Since all that the archive had then was applied; undefined when that never was. */
  readonly msBehind: number | undefined;
  /** When the leader stamped the last write that is applied; undefined before the first since the start. */
  readonly lastWriteTime: number | undefined;
  readonly piecesApplied: number;
  readonly bytesFetched: number;
  /** Base copies taken: the first, and one for each gap and each copy that was damaged. */
  readonly basesTaken: number;
  /** Failures in a row until now, and the last one's reason. */
  readonly failing: { readonly times: number; readonly message: string } | undefined;
  /** What is wrong with the copy, as long as it waits for a base copy; undefined for a good one. */
  readonly damage: string | undefined;
  /** How often a damaged one was replaced since the start. */
  readonly copiesReplaced: number;
}

/** What came of a promotion. */
export interface Promotion {
  /** Of the new cluster. */
  readonly clusterId: string;
  /** The last entry that is in it. */
  readonly index: number;
  readonly lastWriteTime: number | undefined;
  /** Whether that is all that the archive had. */
  readonly complete: boolean;
  /** What is wrong with it, where it was promoted as it is; undefined for a good one. */
  readonly damage: string | undefined;
}

export interface PromoteOptions {
  /** How long to catch up with the archive, in ms. */
  readonly timeoutMs: number;
  /** With what is here, where the archive cannot be reached or read to its end. */
  readonly asIs: boolean;
}

/** A standby as HTTP knows it. */
export interface Standby {
  readonly figures: StandbyFigures;
  /**
   * Applies all that the archive has, then makes it a cluster of its own, durably. Rejects with a
   * PromotionError, and goes on following unless that says otherwise.
   */
  promote(options: PromoteOptions): Promise<Promotion>;
}

/** Why a standby was not promoted. */
export class PromotionError extends Error {
  override name = "PromotionError";
}

/** Why it takes no writes, and the way out. */
export const writesRefused =
  "This is a standby, which follows an archive and takes no writes: write to the cluster that it follows or, if that is gone, promote this (raftlite promote)";

/** Why it has no fresher reads. */
export const readsRefused =
  "This is a standby, which follows an archive and hears from no leader: read with level=none, or auto";
