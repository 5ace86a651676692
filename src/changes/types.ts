/**
 * The change log as its readers see it: what was done to which rows, by the index of the Raft entry
 * that did it. It is the same on every node, but for how far back it goes: each keeps as much as
 * its -changes-size, and a node whose database came as a whole (a snapshot, a copy) has none of what
 * was before.
 */

/** Text that is not UTF-8: its bytes as SQLite has them. */
export class RawText {
  constructor(readonly bytes: Uint8Array) {}
}

/**
 * A value with the type that SQLite stores it with: a bigint is an INTEGER, a number a REAL
 * (Infinity too), a string or RawText a TEXT, bytes a BLOB.
 */
export type ChangedValue = null | bigint | number | string | RawText | Uint8Array;

export interface ChangedColumn {
  readonly name: string;
  /** As declared; "" for none. */
  readonly type: string;
  /** Its place in the primary key, from 1; 0 when it is not part of it. */
  readonly primaryKey: number;
  readonly generated: "no" | "stored" | "virtual";
}

/** A table as it was when a row of it changed. Equal objects within a group are the same object. */
export interface ChangedTable {
  readonly name: string;
  /** False for a WITHOUT ROWID table: its rows are known by their primary key. */
  readonly hasRowId: boolean;
  /** In the table's order. */
  readonly columns: readonly ChangedColumn[];
}

/** One row, in the order in which SQLite changed them. */
export interface RowChange {
  readonly type: "row";
  readonly operation: "insert" | "update" | "delete";
  readonly table: ChangedTable;
  /** Before and after; undefined where there is none, and in a table without row ids. */
  readonly oldRowId: bigint | undefined;
  readonly newRowId: bigint | undefined;
  /** The values of all columns, in the table's order; undefined for an insert. */
  readonly before: readonly ChangedValue[] | undefined;
  /** Undefined for a delete. */
  readonly after: readonly ChangedValue[] | undefined;
  /** Number of the SQL transaction within the entry, from 0. */
  readonly transaction: number;
}

/**
 * Rows may be others than before, by something that tells of no rows: whoever keeps a copy reads
 * everything again, at this entry or behind it, and goes on from where it has read. Rows of the
 * same entry are told all the same.
 */
export interface ReadAgain {
  readonly type: "read_again";
  /**
   * "schema": a statement that is no INSERT, UPDATE or DELETE (CREATE, ALTER, DROP, VACUUM);
   * "load": another database was put in its place; "too_large": the entry changed more rows than
   * the change log may hold; "unknown": a change that SQLite does not tell of.
   */
  readonly reason: "schema" | "load" | "too_large" | "unknown";
  readonly transaction: number;
}

export type Change = RowChange | ReadAgain;

/** Where a reader stands: before the change with this number (from 0) of the entry with this index. */
export interface ChangePosition {
  readonly index: number;
  readonly change: number;
}

/**
 * What one entry changed, or a part of it where that is much. Entries that changed nothing have no
 * group.
 */
export interface ChangeGroup {
  /** Of the entry. */
  readonly index: number;
  /** The entry's own time, in ms since 1970 UTC: the same on every node. */
  readonly time: number;
  /** Number of the first of `changes` within the entry. */
  readonly first: number;
  readonly changes: readonly Change[];
  /** False when more changes of this entry come behind these. */
  readonly complete: boolean;
}

/** Where a reader stands who has read a group. */
export function positionBehind({ index, first, changes, complete }: ChangeGroup): ChangePosition {
  return complete ? { index: index + 1, change: 0 } : { index, change: first + changes.length };
}

/** Changes from an index on are no longer, or never were, in this node's change log, or are damaged there. */
export class ChangesTruncatedError extends Error {
  override name = "ChangesTruncatedError";
  /** @param oldest The first index from which on this node has changes again. */
  constructor(
    readonly from: number,
    readonly oldest: number,
    readonly why: "not_kept" | "damaged" = "not_kept",
  ) {
    const what = why === "damaged"
      ? `are damaged on this node's disk, and whole again from index ${oldest} on`
      : `are not kept any more: the oldest are those of index ${oldest}`;
    super(
      `Changes from index ${from} on ${what}. Read everything again, with ` +
        "level=linearizable&raft_index, and go on from behind the raft_index of that answer",
    );
  }
}

/** What one call of `ChangeLog.read` found. */
export interface ChangesRead {
  /** In their order. */
  readonly groups: readonly ChangeGroup[];
  /** Where to go on: all changes from the position asked for up to this one are in `groups`. */
  readonly next: ChangePosition;
}

/** Figures of a change log. */
export interface ChangeLogStatus {
  /** Changes from this index on are kept. */
  readonly oldest: number;
  /** The last entry that was applied here: changes up to it can be read. */
  readonly last: number;
  readonly bytes: number;
  /** How many bytes may be kept. */
  readonly bytesMax: number;
}

/** The log of one node's database, to be read on the main thread. */
export interface ChangeLog {
  readonly status: ChangeLogStatus;
  /**
   * Changes from a position on, about so many bytes of them (at least one change, if there is one):
   * a large entry comes in parts. `next` is `from` when there is nothing yet. Throws a
   * ChangesTruncatedError.
   */
  read(from: ChangePosition, bytesMax?: number): ChangesRead;
  /**
   * Resolves once an entry with this index, or a later one, was applied; at once if one was, and when
   * `signal` is aborted. Rejects when the store ends.
   */
  wait(index: number, signal?: AbortSignal): Promise<void>;
}
