import { assert } from "../../base/assert.ts";
import { ChangeFile } from "../../changes/change_file.ts";
import { ChangeRecorder } from "../../changes/recorder.ts";
import {
  type Database,
  DbConfig,
  Determinism,
  type Library,
  MaxRowIdWatch,
} from "../../sqlite/mod.ts";
import { foreignKeysPragma } from "../connection_pragmas.ts";
import { openingFailure } from "../opening_failure.ts";
import type { PreparedStatement } from "../prepared_statement.ts";
import { boundInstructions, narrowed, quickChanges } from "../quick_connection.ts";
import { SqlPolicy } from "../sql_policy.ts";
import { readCursor, writeCursor } from "./cursor_table.ts";
import {
  commitPosition,
  createRaftTables,
  type RaftState,
  RaftStateWriter,
  readRaftState,
  readSessions,
  refuseForeign,
  resumeAtStart,
  type ResumePoint,
} from "./raft_table.ts";
import { SeenCounters } from "./seen_counters.ts";
import { Sessions } from "./sessions.ts";
import type { StatementMeter } from "../statements/statement_meter.ts";
import { WritePragmas } from "../request_pragmas.ts";
import { schemaNames, smallSchemaNames, UserStatements } from "../user_statements.ts";
import { WriteTransaction } from "./write_transaction.ts";
import { WriteLimits } from "./write_limits.ts";

const deferredForeignKeysStatus = 10;

/** How long the writer waits for another connection to the change log's file, in ms. */
const changesPatienceMs = 5_000;

/** Pages that the writer keeps in memory, in KiB. */
const cacheKib = 32_768;

/**
 * What a connection is for: the writer's; the main thread's; or to hold what is committed while a
 * transaction reads it, as the writer would, and writes nothing.
 */
export type ConnectionUse = "write" | "quick" | "hold";

/** Where the changes of rows are recorded. */
export interface ChangesFile {
  readonly path: string;
  /** How many bytes of changes are kept. */
  readonly bytesMax: number;
  /** What is not delivered yet is kept beyond that. */
  readonly held: boolean;
}

/** A connection that writes, with what it has committed. */
export class WriteConnection {
  readonly database: Database;
  readonly determinism: Determinism;
  readonly policy: SqlPolicy;
  /** Statements that are kept. */
  readonly users: UserStatements;
  readonly pragmas: WritePragmas;
  /** Notices the row behind which SQLite would draw row ids from a source that is not replicated. */
  readonly maxRowId: MaxRowIdWatch;
  /** For the main thread: only what is over in a moment is done, and anything else fails. */
  readonly quick: boolean;
  /** It only holds what is committed, and writes nothing. */
  readonly holds: boolean;
  /** Of clients' statements; undefined where none are run. */
  readonly meter: StatementMeter | undefined;
  readonly limits: WriteLimits;
  readonly counters: SeenCounters;
  readonly transaction: WriteTransaction;
  /** Records what is done to rows; undefined when nobody wants to know. */
  readonly changes: ChangeRecorder | undefined;
  readonly #changesFile: ChangeFile | undefined;
  /** Where it records them. */
  readonly changesAt: ChangesFile | undefined;
  sessions: Sessions;
  /** As committed. */
  committed: RaftState;
  #delivered: number | undefined;
  readonly #stateWriter: RaftStateWriter;
  /** How often statements may have changed the schema, or the planner's statistics. */
  schemaChanges = 0;
  /** The transaction under way has changed the schema, or the planner's statistics. */
  #schemaChanged = false;
  /** What is known of them may be other than what a new connection would read. */
  #schemaStale = false;
  /** There are virtual tables; undefined when it is to be found out. None on the main thread. */
  #virtualTables: boolean | undefined;

  constructor(
    library: Library,
    path: string,
    foreignKeys: boolean,
    use: ConnectionUse = "write",
    meter?: StatementMeter,
    changes?: ChangesFile,
  ) {
    const quick = this.quick = use === "quick";
    this.holds = use === "hold";
    this.meter = meter;
    this.policy = new SqlPolicy(
      "write",
      foreignKeys,
      quick ? narrowed(quickChanges, library) : undefined,
    );
    this.determinism = new Determinism(library);
    let database: Database | undefined;
    try {
      database = this.determinism.open(path, { refuseUncertain: true });
      this.database = database;
      // Before anything is changed in it.
      refuseForeign(database);
      configure(database, foreignKeys);
      if (this.holds) database.exec("PRAGMA query_only = ON");
      else createRaftTables(database);
      this.committed = readRaftState(database);
      this.sessions = new Sessions(readSessions(database));
      this.#delivered = readCursor(database);
      if (changes !== undefined) {
        const patienceMs = quick ? 0 : changesPatienceMs;
        this.#changesFile = new ChangeFile(library, changes.path, changes.bytesMax, patienceMs);
        this.#changesFile.goOn(commitPosition(this.committed));
      }
    } catch (error) {
      this.#changesFile?.close();
      database?.close();
      this.determinism.close();
      throw openingFailure(path, error);
    }
    this.limits = new WriteLimits(database, quick);
    const counters = this.counters = new SeenCounters(database, this.committed);
    this.changesAt = changes;
    this.changes = this.#changesFile &&
      new ChangeRecorder(database, this.#changesFile, (body) => this.#within(body));
    this.transaction = new WriteTransaction(
      database,
      (body) => this.#trusted(body),
      this.changes,
    );
    this.#stateWriter = new RaftStateWriter(database);
    database.createFunction("total_changes", () => counters.totalChanges);
    if (quick) {
      this.#virtualTables = false;
      boundInstructions(database);
    } else {
      database.createFunction("changes", () => counters.changesSeen(), { innocuous: true });
    }
    this.maxRowId = new MaxRowIdWatch(database);
    this.policy.install(database);
    const lookUp = () => this.own(() => quick ? smallSchemaNames(database) : schemaNames(database));
    this.users = new UserStatements(database, this.policy, lookUp);
    this.pragmas = this.own(() => new WritePragmas(this));
  }

  /** Whether they are enforced now. */
  get foreignKeys(): boolean {
    return this.policy.foreignKeys;
  }

  begin(): void {
    this.transaction.begin();
    this.pragmas.begun();
  }

  /** Begins to hold what is committed now, up to `rollback`. */
  hold(): void {
    this.own(() => {
      this.database.exec("BEGIN");
      this.committed = readRaftState(this.database);
    });
    // Others have changed it since this connection held something before.
    this.#forgetSchema();
    this.refreshSchema();
  }

  /** After a statement that may have changed the schema or the statistics, failed or not. */
  noteSchemaChange(): void {
    this.schemaChanges++;
    this.#schemaChanged = true;
    this.#forgetSchema();
  }

  /** Whether they are to be read again. */
  get schemaStale(): boolean {
    return this.#schemaStale;
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
    this.changes?.forgetTables();
    this.users.schemaReloaded();
    this.#schemaStale = false;
  }

  #forgetSchema(): void {
    this.#schemaStale = true;
    this.changes?.forgetTables();
    // What the statements kept were found to call may be different.
    this.users.clear();
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
      this.transaction.savepoint();
      this.transaction.releaseSavepoint();
    });
  }

  /** Rolls back what `begin` began, unless SQLite has done so, and all that SQL can see of it. */
  rollback(): void {
    this.transaction.rollback();
    if (this.sessions.changed) {
      this.sessions = new Sessions(this.own(() => readSessions(this.database)));
    }
    this.maxRowId.take();
    this.pragmas.rollback();
    this.counters.restore(this.committed);
    this.takeBackSchema();
    this.#schemaChanged = false;
  }

  /**
   * After a rollback, also of a part of the transaction. SQLite then forgets the schema if it has
   * changed it since it read it last; what it has read after its changes, as refreshSchema has it
   * do, it would take for committed, and find columns twice that are there no more.
   */
  takeBackSchema(): void {
    if (!this.#schemaChanged) return;
    this.#forgetSchema();
    this.refreshSchema();
  }

  /** Goes on from what another connection has committed. */
  refresh(): void {
    this.own(() => {
      this.committed = readRaftState(this.database);
      this.sessions = new Sessions(readSessions(this.database));
      this.pragmas.refresh();
      // Only the writer sets it; the main thread's connection wants it for what it has to keep.
      if (this.changesAt?.held) this.#delivered = readCursor(this.database);
    });
    this.alignChanges();
    this.counters.restore(this.committed);
  }

  /** Takes back what is recorded of changes that are not committed. */
  alignChanges(): void {
    this.#changesFile?.goOn(commitPosition(this.committed));
  }

  /** Rolls back, and leaves last_insert_rowid() and its like as the rolled back statements left them, as SQLite does. */
  rollbackStatements(): void {
    this.transaction.rollback();
    this.takeBackSchema();
    this.#schemaChanged = false;
  }

  /** Takes back what happened since `savepoint`, and forgets it. */
  rollbackToSavepoint(): void {
    this.transaction.rollbackToSavepoint();
    this.takeBackSchema();
  }

  /** Commits with the position, written in the same transaction. */
  commit(index: number, term: number, resume: ResumePoint): void {
    this.#assertNext(index, term, resume);
    const { lastInsertRowId, changes, totalChanges } = this.counters;
    const state: RaftState = { index, term, resume, lastInsertRowId, changes, totalChanges };
    this.own(() => {
      this.#stateWriter.write(state);
      this.pragmas.write(resume === resumeAtStart);
      if (this.sessions.changed) this.#stateWriter.writeSessions(this.sessions);
      this.#commitWithChanges(state);
    });
    this.sessions.settle();
    this.pragmas.settle();
    this.committed = state;
    this.#schemaChanged = false;
  }

  /** What was recorded of changes is committed first: see ChangeFile. */
  #commitWithChanges(state: RaftState): void {
    const { changes, transaction } = this;
    if (changes === undefined) return transaction.commit();
    // Before they are told: what a virtual table would write only in the commit.
    this.flushVirtualTables();
    changes.commit(commitPosition(state), this.#keptFrom);
    try {
      transaction.commit();
    } catch (error) {
      changes.takeBackCommit(commitPosition(this.committed));
      throw error;
    }
  }

  /** Up to which index changes are delivered; undefined before any were. */
  get delivered(): number | undefined {
    return this.#delivered;
  }

  /** Changes from this index on are still to be delivered. */
  get #keptFrom(): number {
    return this.changesAt?.held ? (this.#delivered ?? 0) + 1 : Number.POSITIVE_INFINITY;
  }

  /** In a transaction; the table for it must be there. */
  setDelivered(delivered: number): void {
    this.own(() => writeCursor(this.database, delivered));
    this.#delivered = Math.max(delivered, this.#delivered ?? 0);
  }

  /** An entry puts another database in the place of this one: that is recorded before it does. */
  noteLoad(index: number, time: number): void {
    this.changes?.beginEntry(index, time, false);
    this.changes?.readAgain("load");
    this.changes?.commit({ index, statement: 0, offset: 0 }, this.#keptFrom);
  }

  /** What is committed only ever goes on: to later entries, or further in the one behind the last. */
  #assertNext(index: number, term: number, resume: ResumePoint): void {
    const { committed } = this;
    const goesOn = resume === resumeAtStart ? index > committed.index : index === committed.index;
    assert(
      goesOn && term >= committed.term,
      `Entry ${index} of term ${term} was committed behind ${committed.index} of ${committed.term}`,
    );
  }

  /** Runs the store's own SQL: without limits, and unseen by last_insert_rowid() and its like. */
  readonly own = <Result>(body: () => Result): Result => {
    return this.counters.unseen(() => this.#trusted(body));
  };

  /** The same in the middle of a statement, whose limit and effects stay as they are; `body` only reads. */
  #within<Result>(body: () => Result): Result {
    return this.limits.without(() => this.policy.trusted(body));
  }

  #trusted<Result>(body: () => Result): Result {
    this.limits.lift();
    return this.policy.trusted(body);
  }

  /** Before a statement of an entry: puts changes() in place if it asks for it, and sets its limit. */
  prepareRun(prepared: PreparedStatement, timeoutMs: number, kept: boolean): void {
    // A PRAGMA may only be prepared again as one that the client has sent.
    if (prepared.kind !== "create" && prepared.kind !== "pragma") this.refreshSchema();
    if (prepared.notes.callsChanges) {
      const sql = this.counters.changesInPlace();
      if (sql !== undefined) this.own(() => this.database.exec(sql));
    }
    // The statements of virtual tables go on from where earlier writes left them, too.
    if (timeoutMs > 0 && this.#virtualTables !== false) this.database.resetInstructionCounts();
    this.limits.set(timeoutMs, kept);
  }

  /** Foreign keys that a transaction has still to make good. */
  get deferredForeignKeys(): boolean {
    return this.foreignKeys && this.database.status(deferredForeignKeysStatus) > 0;
  }

  close(): void {
    this.database.close();
    this.determinism.close();
    this.#changesFile?.close();
    this.changes?.end();
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
  // A virtual table whose own tables SQL has changed can fail, at any later commit, or worse.
  database.config(DbConfig.defensive, true);
}
