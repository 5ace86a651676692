/** How far the database was when something was committed: an entry, and the way into the one behind it. */
export interface CommitPosition {
  readonly index: number;
  /** Of the entry behind it: statements that are done, and bytes of the next one's SQL. */
  readonly statement: number;
  readonly offset: number;
}

/** Below 0 when `one` is before `other`. */
export function comparePositions(one: CommitPosition, other: CommitPosition): number {
  return one.index - other.index || one.statement - other.statement || one.offset - other.offset;
}
