import {
  type Database,
  Determinism,
  type Library,
  MaxRowIdWatch,
  type Statement,
} from "../../sqlite/mod.ts";
import { foreignKeysPragma } from "../connection_pragmas.ts";
import { openingFailure } from "../opening_failure.ts";
import type { PreparedStatement } from "../prepared_statement.ts";
import { boundInstructions, quickChanges } from "../quick_policy.ts";
import {
  createRaftTables,
  type RaftState,
  RaftStateWriter,
  readRaftState,
  readSessions,
  resumeAtStart,
  type ResumePoint,
} from "./raft_table.ts";
import { Sessions } from "./sessions.ts";
import { SqlPolicy } from "../sql_policy.ts";
import { StatementCache } from "../statement_cache.ts";
import { WritePragmas } from "./write_pragmas.ts";

/** Instructions of SQLite's virtual machine that stand for one millisecond of a write's time limit. */
export const instructionsPerMs = 100_000;

/** Of a write without a limit of its own, in ms as above: what ends an endless one. */
const defaultLimitMs = 600_000;

const deferredForeignKeysStatus = 10;

/** https://www.sqlite.org/c3ref/c_dbconfig_defensive.html */
const defensiveOption = 1010;

/** On the main thread: instructions to a tick, and ticks that a statement may take. */
const quickInstructionsPerTick = 1_000;
const quickTicksMax = 3;

/**
 * What stands in SQLite's changes() for any larger number, which would take as many row changes to
 * put there. A trigger whose own statement has changed just so many rows is told the other number.
 */
const changesStandIn = 1009;

/** Pages that the writer keeps in memory, in KiB. */
const cacheKib = 32_768;

/**
 * A connection that writes. All that SQL can see of its past — last_insert_rowid(), changes(),
 * total_changes() — is kept in sqlite_raft, so that it reads the same after a restart, after a
 * rolled back try to apply a batch, and when another connection goes on from there.
 */
export class WriteConnection {
  readonly database: Database;
  readonly determinism: Determinism;
  readonly policy: SqlPolicy;
  readonly cache: StatementCache;
  readonly pragmas: WritePragmas;
  /** Notices the row behind which SQLite would draw row ids from a source that is not replicated. */
  readonly maxRowId: MaxRowIdWatch;
  /** For the main thread: only what is over in a moment is done, and anything else fails. */
  readonly quick: boolean;
  /** With `quick`: whether it is time to give up. */
  isLate: () => boolean = () => false;
  sessions: Sessions;
  /** As committed. */
  committed: RaftState;
  /** What rows_affected says after a statement that changes none. */
  changes: number;
  lastInsertRowId: number | bigint;
  readonly #stateWriter: RaftStateWriter;
  readonly #begin;
  readonly #commit;
  readonly #rollback;
  readonly #savepoint;
  readonly #release;
  readonly #rollbackTo;
  /** total_changes() is this and what the connection has counted. */
  #totalBase: number;
  /** The transaction under way has changed the schema, or the planner's statistics. */
  #schemaChanged = false;
  /** What is known of them may be other than what a new connection would read. */
  #schemaStale = false;
  /** There are virtual tables; undefined when it is to be found out. None on the main thread. */
  #virtualTables: boolean | undefined;
  /** Ticks that the running statement has left; one is a millisecond's worth of instructions. */
  #ticksLeft = Number.POSITIVE_INFINITY;

  constructor(library: Library, path: string, foreignKeys: boolean, quick = false) {
    this.quick = quick;
    this.policy = new SqlPolicy("write", foreignKeys, quick ? quickChanges : undefined);
    this.determinism = new Determinism(library);
    let database: Database | undefined;
    try {
      database = this.determinism.open(path);
      this.database = database;
      configure(database, foreignKeys);
      this.committed = readRaftState(database);
      this.sessions = new Sessions(readSessions(database));
    } catch (error) {
      database?.close();
      this.determinism.close();
      throw openingFailure(path, error);
    }
    this.changes = this.committed.changes;
    this.lastInsertRowId = database.lastInsertRowId = this.committed.lastInsertRowId;
    this.#totalBase = this.committed.totalChanges - database.totalChanges;
    this.#stateWriter = new RaftStateWriter(database);
    this.#begin = database.prepare("BEGIN IMMEDIATE", { persistent: true });
    this.#commit = database.prepare("COMMIT", { persistent: true });
    this.#rollback = database.prepare("ROLLBACK", { persistent: true });
    this.#savepoint = database.prepare("SAVEPOINT raftlite_entry", { persistent: true });
    this.#release = database.prepare("RELEASE raftlite_entry", { persistent: true });
    this.#rollbackTo = database.prepare("ROLLBACK TO raftlite_entry", { persistent: true });
    database.createFunction("total_changes", () => this.totalChanges);
    if (quick) {
      this.#virtualTables = false;
      boundInstructions(database);
      database.setProgressHandler(quickInstructionsPerTick, () => this.#isOver());
    } else {
      database.setProgressHandler(instructionsPerMs, () => --this.#ticksLeft <= 0);
      database.createFunction("changes", () => this.#changesSeen(), { innocuous: true });
    }
    this.maxRowId = new MaxRowIdWatch(database);
    this.policy.install(database);
    this.cache = new StatementCache(database, this.policy);
    this.pragmas = this.own(() => new WritePragmas(this));
  }

  /** Whether they are enforced now. */
  get foreignKeys(): boolean {
    return this.policy.foreignKeys;
  }

  begin(): void {
    this.#control(this.#begin);
    this.pragmas.begun();
  }

  /** After a statement that may have changed the schema or the statistics, failed or not. */
  noteSchemaChange(): void {
    this.#schemaChanged = true;
    this.#forgetSchema();
  }

  /**
   * Reads schema and statistics again if need be. A connection that lived through their changes
   * lists tables in another order than a new one, and may choose other plans: SQLite loads
   * statistics with the schema and after ANALYZE, not when they are edited or an ANALYZE is rolled
   * back. What it does without a plan, CREATE after CREATE, does not wait for that.
   */
  refreshSchema(): void {
    if (!this.#schemaStale) return;
    this.own(() => this.database.reloadSchema());
    this.#schemaStale = false;
  }

  #forgetSchema(): void {
    this.#schemaStale = true;
    // What the statements kept were found to call may be different.
    this.cache.clear();
    if (!this.quick) this.#virtualTables = undefined;
  }

  /**
   * Lets virtual tables write what they put off to the end of a transaction, as FTS does: that of
   * a batch is another one than a statement's own, and its end would leave another index and count
   * other changes. https://www.sqlite.org/vtab.html#the_xsavepoint_xrelease_and_xrollbackto_methods
   */
  flushVirtualTables(): void {
    if (this.#virtualTables === false || this.database.autocommit) return;
    this.own(() => {
      this.#virtualTables ??= this.database.scalar(virtualTableQuery) !== undefined;
      if (!this.#virtualTables) return;
      this.savepoint();
      this.releaseSavepoint();
    });
  }

  /** Rolls back what `begin` began, unless SQLite has done so, and all that SQL can see of it. */
  rollback(): void {
    if (this.database.inTransaction) this.#control(this.#rollback);
    if (this.sessions.changed) {
      this.sessions = new Sessions(this.own(() => readSessions(this.database)));
    }
    this.maxRowId.take();
    this.pragmas.rollback();
    this.#takeCommitted();
    this.#takeBackSchema();
    this.#schemaChanged = false;
  }

  #takeBackSchema(): void {
    if (this.#schemaChanged) this.#forgetSchema();
  }

  /** Goes on from what another connection has committed. */
  refresh(): void {
    this.own(() => {
      this.committed = readRaftState(this.database);
      this.sessions = new Sessions(readSessions(this.database));
      this.pragmas.refresh();
    });
    this.#takeCommitted();
  }

  #takeCommitted(): void {
    const { committed } = this;
    this.changes = committed.changes;
    this.lastInsertRowId = this.database.lastInsertRowId = committed.lastInsertRowId;
    this.#totalBase = committed.totalChanges - this.database.totalChanges;
  }

  /** Rolls back, and leaves last_insert_rowid() and its like as the rolled back statements left them, as SQLite does. */
  rollbackStatements(): void {
    if (this.database.inTransaction) this.#control(this.#rollback);
    this.#takeBackSchema();
    this.#schemaChanged = false;
  }

  savepoint(): void {
    this.#control(this.#savepoint);
  }

  releaseSavepoint(): void {
    this.#control(this.#release);
  }

  /** Takes back what happened since `savepoint`, and forgets it. */
  rollbackToSavepoint(): void {
    this.#control(this.#rollbackTo);
    this.#control(this.#release);
    this.#takeBackSchema();
  }

  /** Commits with the position, written in the same transaction. */
  commit(index: number, term: number, resume: ResumePoint): void {
    const state: RaftState = {
      index,
      term,
      resume,
      lastInsertRowId: this.lastInsertRowId,
      changes: this.changes,
      totalChanges: this.totalChanges,
    };
    this.own(() => {
      this.#stateWriter.write(state);
      this.pragmas.write(resume === resumeAtStart);
      if (this.sessions.changed) this.#stateWriter.writeSessions(this.sessions);
      this.#commit.step();
      this.#commit.reset();
    });
    this.sessions.settle();
    this.pragmas.settle();
    this.committed = state;
    this.#schemaChanged = false;
  }

  /** Runs the store's own SQL: without limits, and unseen by last_insert_rowid() and its like. */
  own<Result>(body: () => Result): Result {
    const { database } = this;
    const total = this.totalChanges;
    this.#ticksLeft = Number.POSITIVE_INFINITY;
    try {
      return this.policy.trusted(body);
    } finally {
      this.#totalBase = total - database.totalChanges;
      database.lastInsertRowId = this.lastInsertRowId;
    }
  }

  /**
   * Before a statement of an entry: puts changes() in place if it asks for it, and sets its limit.
   * A statement that was kept counts on from where its last run ended and so may tick early: it
   * gets one tick less, and is run again, freshly prepared, when that was not enough.
   */
  prepareRun(prepared: PreparedStatement, timeoutMs: number, kept: boolean): void {
    // A PRAGMA may only be prepared again as one that the client has sent.
    if (prepared.kind !== "create" && prepared.kind !== "pragma") this.refreshSchema();
    if (prepared.notes.callsChanges) this.#putChangesInPlace();
    // The statements of virtual tables go on from where earlier writes left them, too.
    if (timeoutMs > 0 && this.#virtualTables !== false) this.database.resetInstructionCounts();
    this.#ticksLeft = this.quick
      ? quickTicksMax
      : (timeoutMs > 0 ? timeoutMs : defaultLimitMs) - (kept ? 1 : 0);
  }

  /** After a statement that writes, failed or not; ANALYZE, too, sets last_insert_rowid(). */
  noteEffects(changesRows: boolean): void {
    this.lastInsertRowId = this.database.lastInsertRowId;
    if (!changesRows) return;
    this.changes = this.database.changes;
  }

  /** What total_changes() says in SQL. */
  get totalChanges(): number {
    return this.#totalBase + this.database.totalChanges;
  }

  /** Takes back what a statement did to changes() that failed only when it was committed. */
  uncount(totalBefore: number): void {
    this.#totalBase = totalBefore - this.database.totalChanges;
    this.changes = 0;
  }

  /** Foreign keys that a transaction has still to make good. */
  get deferredForeignKeys(): boolean {
    return this.foreignKeys && this.database.status(deferredForeignKeysStatus) > 0;
  }

  close(): void {
    this.database.close();
    this.determinism.close();
  }

  #isOver(): boolean {
    if (this.#ticksLeft === Number.POSITIVE_INFINITY) return false;
    return --this.#ticksLeft <= 0 || this.isLate();
  }

  /** What changes() says in SQL: in a trigger, SQLite's own number of what the trigger has changed. */
  #changesSeen(): number {
    const { changes } = this.database;
    return changes === changesStandIn ? Math.max(changes, this.changes) : changes;
  }

  /** Sets SQLite's changes() to `changes`, or what stands for it, by row changes that are taken back. */
  #putChangesInPlace(): void {
    const wanted = Math.min(this.changes, changesStandIn);
    if (this.database.changes === wanted) return;
    this.own(() =>
      this.database.exec(
        "SAVEPOINT raftlite_changes; " +
          `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${wanted}) ` +
          `INSERT INTO sqlite_raft_load (offset) SELECT -i FROM n WHERE ${wanted} > 0; ` +
          "ROLLBACK TO raftlite_changes; RELEASE raftlite_changes",
      )
    );
  }

  /** Transaction control, which changes no rows. */
  #control(statement: Statement): void {
    this.#ticksLeft = Number.POSITIVE_INFINITY;
    this.policy.trusted(() => {
      statement.step();
      statement.reset();
    });
  }
}

const virtualTableQuery =
  "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND rootpage = 0 LIMIT 1";

function configure(database: Database, foreignKeys: boolean): void {
  // page_size, auto_vacuum and encoding are the file's; these are the connection's.
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = NORMAL");
  database.exec("PRAGMA wal_autocheckpoint = 0");
  database.exec("PRAGMA journal_size_limit = 67108864");
  database.exec("PRAGMA temp_store = FILE");
  database.exec(`PRAGMA cache_size = -${cacheKib}`);
  database.exec(foreignKeysPragma(foreignKeys));
  createRaftTables(database);
  // A virtual table whose own tables SQL has changed can fail, at any later commit, or worse.
  database.config(defensiveOption, true);
}
