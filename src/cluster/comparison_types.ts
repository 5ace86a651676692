import type { CopyDigest, RowChunk } from "../store/types.ts";

/** What became of one copy. */
export type CopyVerdict =
  /** As most of the others are. */
  | "same"
  /** Others than most: it leaves the reads, and is replaced. */
  | "differs"
  /** Copies differ, and no more than half of all are alike: nobody can tell which are right. */
  | "undecided"
  /** Nothing is known of it. */
  | "not_compared";

/** A table in which a copy is not as it should be. */
export interface DifferingTable {
  readonly name: string;
  /** How many rows are others; undefined where they could not be counted. */
  readonly rows: number | undefined;
}

export interface ComparedCopy {
  /** The operator's name of its node. */
  readonly id: string;
  readonly verdict: CopyVerdict;
  /** Says why, of one that is not the same; "" otherwise. */
  readonly why: string;
  readonly tables: readonly DifferingTable[];
}

/** What a comparison of all nodes' copies has come to. Times are in ms since 1970 UTC. */
export interface ComparisonReport {
  readonly state: "running" | "done" | "failed";
  readonly startedAtMs: number;
  /** Undefined while it runs. */
  readonly finishedAtMs: number | undefined;
  /** Of the log, at which the copies were compared last. */
  readonly index: number;
  /** How many were compared, without the schema, which is too; and their rows. */
  readonly tables: number;
  readonly rows: number;
  readonly copies: readonly ComparedCopy[];
  /** What SQLite's check finds of all copies alike: the content's fault, not a copy's. */
  readonly findings: readonly string[];
  /** Tables of which nothing is known, and why. */
  readonly unread: readonly string[];
  /** All of it in a sentence. */
  readonly message: string;
}

/** What a leader that compares copies asks of a member. */
export type CopyCall =
  /** Be ready to hold the database behind the next entry that marks a comparison; digest the tables behind `after`. */
  | { readonly do: "arm"; readonly id: string; readonly after: string }
  | { readonly do: "digest"; readonly id: string }
  | { readonly do: "chunks"; readonly id: string; readonly table: string }
  | {
    readonly do: "rows";
    readonly id: string;
    readonly table: string;
    readonly from: number;
    readonly count: number;
  }
  /** It is over: nothing is to be held any more. */
  | { readonly do: "end"; readonly id: string }
  /** Your copy, as it was read in this comparison, is not as it should be. */
  | { readonly do: "replace"; readonly id: string; readonly reason: string }
  /** This is what came of it. */
  | { readonly do: "tell"; readonly report: ComparisonReport };

/** How far a member is with its digest. */
export type DigestAnswer =
  | { readonly state: "waiting" | "reading" }
  | { readonly state: "done"; readonly digest: CopyDigest }
  | { readonly state: "failed"; readonly message: string };

/** A member as the leader that compares copies sees it. */
export interface ComparedMember {
  /** The operator's name of it. */
  readonly id: string;
  readonly isSelf: boolean;
  arm(id: string, after: string): Promise<void>;
  digest(id: string): Promise<DigestAnswer>;
  chunks(id: string, table: string): Promise<RowChunk[]>;
  rows(id: string, table: string, from: number, count: number): Promise<number[]>;
  end(id: string): Promise<void>;
  replace(id: string, reason: string): Promise<void>;
  tell(report: ComparisonReport): Promise<void>;
}
