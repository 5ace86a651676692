import type { Database } from "../../sqlite/mod.ts";
import type { RaftState } from "./raft_table.ts";

/** What SQL can see of a connection's past. */
export type SeenState = Pick<RaftState, "lastInsertRowId" | "changes" | "totalChanges">;

/**
 * What stands in SQLite's changes() for any larger number, which would take as many row changes to
 * put there. A trigger whose own statement has changed just so many rows is told the other number.
 */
const changesStandIn = 1009;

/**
 * last_insert_rowid(), changes() and total_changes(), as SQL sees them: they are kept in sqlite_raft,
 * so that they read the same after a restart, after a rolled back try to apply a batch, and when
 * another connection goes on from there.
 */
export class SeenCounters {
  readonly #database: Database;
  /** What rows_affected says after a statement that changes none. */
  #changes = 0;
  #lastInsertRowId: number | bigint = 0;
  /** total_changes() is this and what the connection has counted. */
  #totalBase = 0;

  constructor(database: Database, committed: SeenState) {
    this.#database = database;
    this.restore(committed);
  }

  get changes(): number {
    return this.#changes;
  }

  get lastInsertRowId(): number | bigint {
    return this.#lastInsertRowId;
  }

  /** What total_changes() says in SQL. */
  get totalChanges(): number {
    return this.#totalBase + this.#database.totalChanges;
  }

  /** As they are, for `restore`. */
  get seen(): SeenState {
    const { lastInsertRowId, changes, totalChanges } = this;
    return { lastInsertRowId, changes, totalChanges };
  }

  /** Goes on from what was committed, or was seen before. */
  restore({ changes, lastInsertRowId, totalChanges }: SeenState): void {
    this.#changes = changes;
    this.#lastInsertRowId = this.#database.lastInsertRowId = lastInsertRowId;
    this.#totalBase = totalChanges - this.#database.totalChanges;
  }

  /** After a statement that writes, failed or not; ANALYZE, too, sets last_insert_rowid(). */
  noteEffects(changesRows: boolean): void {
    this.#lastInsertRowId = this.#database.lastInsertRowId;
    if (changesRows) this.#changes = this.#database.changes;
  }

  /** Takes back what a statement did to changes() that failed only when it was committed. */
  uncount(totalBefore: number): void {
    this.#totalBase = totalBefore - this.#database.totalChanges;
    this.#changes = 0;
  }

  /** Runs what SQL shall not see anything of. */
  unseen<Result>(body: () => Result): Result {
    const total = this.totalChanges;
    try {
      return body();
    } finally {
      this.#totalBase = total - this.#database.totalChanges;
      this.#database.lastInsertRowId = this.#lastInsertRowId;
    }
  }

  /** What changes() says in SQL: in a trigger, SQLite's own number of what the trigger has changed. */
  changesSeen(): number {
    const { changes } = this.#database;
    return changes === changesStandIn ? Math.max(changes, this.#changes) : changes;
  }

  /**
   * SQL that sets SQLite's changes() to `changes`, or what stands for it, by row changes that are
   * taken back; undefined when it is so.
   */
  changesInPlace(): string | undefined {
    const wanted = Math.min(this.#changes, changesStandIn);
    if (this.#database.changes === wanted) return undefined;
    return "SAVEPOINT raftlite_changes; " +
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${wanted}) ` +
      `INSERT INTO sqlite_raft_load (offset) SELECT -i FROM n WHERE ${wanted} > 0; ` +
      "ROLLBACK TO raftlite_changes; RELEASE raftlite_changes";
  }
}
