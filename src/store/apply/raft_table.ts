import type { CommitPosition } from "../../changes/commit_position.ts";
import { createHiddenTable, type Database } from "../../sqlite/mod.ts";
import { ForeignFileError } from "../failures.ts";
import { pragmaColumns, pragmaTable } from "../request_pragmas.ts";
import { cursorColumns, cursorTable } from "./cursor_table.ts";
import { keyColumns, keyOrderColumns, keyOrderTable, keyTable } from "./key_table.ts";
import type { SessionRow, Sessions } from "./sessions.ts";
import { upkeepColumns, upkeepTable } from "./upkeep_table.ts";

// What the store keeps for itself beside the user's data, in tables that only it can see or change.
// README.md describes them.

/** Names that user SQL may neither write nor, on the write path, read. */
export const hiddenPrefix = "sqlite_raft";

/** Those that every database has. */
const ownTables = ["sqlite_raft", "sqlite_raft_session", "sqlite_raft_load"] as const;
const hiddenTables = [
  ...ownTables,
  pragmaTable,
  keyTable,
  keyOrderTable,
  upkeepTable,
  cursorTable,
] as const;

const columns = {
  sqlite_raft: "id INTEGER PRIMARY KEY, applied_index INTEGER, applied_term INTEGER, " +
    "resume_statement INTEGER, resume_offset INTEGER, resume_parameter INTEGER, " +
    "resume_counter INTEGER, last_insert_rowid INTEGER, changes INTEGER, total_changes INTEGER",
  sqlite_raft_session:
    "origin INTEGER PRIMARY KEY, floor INTEGER, last_index INTEGER, applied BLOB",
  sqlite_raft_load: "offset INTEGER PRIMARY KEY, load_id INTEGER, bytes BLOB",
  [pragmaTable]: pragmaColumns,
  [keyTable]: keyColumns,
  [keyOrderTable]: keyOrderColumns,
  [upkeepTable]: upkeepColumns,
  [cursorTable]: cursorColumns,
} as const;

/**
 * How far the entry behind the applied one has come, when it holds statements that each need a
 * transaction of their own: all zero at its beginning.
 */
export interface ResumePoint {
  /** Statements of the request that are done. */
  readonly statement: number;
  /** Bytes of the next one's SQL that are done, and parameters used up by them. */
  readonly offset: number;
  readonly parameter: number;
  /** Statements run so far: numbers the randomness of the next. */
  readonly counter: number;
}

export const resumeAtStart: ResumePoint = { statement: 0, offset: 0, parameter: 0, counter: 0 };

/** The row of sqlite_raft. */
export interface RaftState {
  readonly index: number;
  readonly term: number;
  readonly resume: ResumePoint;
  readonly lastInsertRowId: number | bigint;
  readonly changes: number;
  readonly totalChanges: number;
}

export const emptyState: RaftState = {
  index: 0,
  term: 0,
  resume: resumeAtStart,
  lastInsertRowId: 0,
  changes: 0,
  totalChanges: 0,
};

/** Creates the tables where there are none; not inside a transaction. */
export function createRaftTables(database: Database): void {
  for (const name of ownTables) createHiddenTable(database, name, columns[name]);
  database.exec(
    "INSERT OR IGNORE INTO sqlite_raft VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
  );
}

export function hasRaftTables(database: Database): boolean {
  return database.scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_raft'") === 1;
}

/**
 * Throws where there are tables and none of ours: the file is another program's, and what is in it
 * would be in no log and on no other node.
 */
export function refuseForeign(database: Database): void {
  if (hasRaftTables(database)) return;
  if (database.scalar("SELECT count(*) FROM sqlite_schema") !== 0) throw new ForeignFileError();
}

/**
 * Makes ordinary tables of the hidden ones and drops them, so that a copy holds nothing but the
 * user's data. The database must not be in a transaction.
 */
export function dropRaftTables(database: Database): void {
  // No table of the user's has that name.
  const prefix = `raft_${crypto.randomUUID().replaceAll("-", "")}_`;
  database.exec("PRAGMA writable_schema = ON");
  for (const name of hiddenTables) {
    const plain = prefix + name;
    database.exec(
      "UPDATE sqlite_schema SET name = ?1, tbl_name = ?1, sql = 'CREATE TABLE ' || ?1 || '(' || ?2 || ')' " +
        "WHERE type = 'table' AND name = ?3",
      plain,
      columns[name],
      name,
    );
  }
  database.exec("PRAGMA writable_schema = RESET");
  for (const name of hiddenTables) database.exec(`DROP TABLE IF EXISTS ${prefix}${name}`);
}

export function readRaftState(database: Database): RaftState {
  using statement = database.prepare(
    "SELECT applied_index, applied_term, resume_statement, resume_offset, resume_parameter, " +
      "resume_counter, last_insert_rowid, changes, total_changes FROM sqlite_raft",
  );
  if (!statement.step()) return emptyState;
  const number = (column: number) => Number(statement.columnInteger(column));
  return {
    index: number(0),
    term: number(1),
    resume: resumeOf(number(2), number(3), number(4), number(5)),
    lastInsertRowId: statement.columnInteger(6),
    changes: number(7),
    totalChanges: number(8),
  };
}

/** A state as the change log has it. */
export function commitPosition(
  { index, resume: { statement, offset } }: RaftState,
): CommitPosition {
  return { index, statement, offset };
}

/** `resumeAtStart` itself when it is that. */
function resumeOf(
  statement: number,
  offset: number,
  parameter: number,
  counter: number,
): ResumePoint {
  if (statement === 0 && offset === 0 && counter === 0) return resumeAtStart;
  return { statement, offset, parameter, counter };
}

/** Writes the state, in a transaction that the caller holds; statement and all are kept. */
export class RaftStateWriter {
  readonly #update;
  readonly #putSession;
  readonly #dropSession;

  constructor(database: Database) {
    const prepare = (sql: string) => database.prepare(sql, { persistent: true });
    this.#update = prepare(
      "UPDATE sqlite_raft SET applied_index = ?1, applied_term = ?2, resume_statement = ?3, " +
        "resume_offset = ?4, resume_parameter = ?5, resume_counter = ?6, " +
        "last_insert_rowid = ?7, changes = ?8, total_changes = ?9",
    );
    this.#putSession = prepare(
      "INSERT OR REPLACE INTO sqlite_raft_session VALUES (?1, ?2, ?3, ?4)",
    );
    this.#dropSession = prepare("DELETE FROM sqlite_raft_session WHERE origin = ?1");
  }

  write(state: RaftState): void {
    const { resume } = state;
    const statement = this.#update;
    statement.bindInt64(1, state.index);
    statement.bindInt64(2, state.term);
    statement.bindInt64(3, resume.statement);
    statement.bindInt64(4, resume.offset);
    statement.bindInt64(5, resume.parameter);
    statement.bindInt64(6, resume.counter);
    statement.bindInt64(7, state.lastInsertRowId);
    statement.bindInt64(8, state.changes);
    statement.bindInt64(9, state.totalChanges);
    statement.step();
    statement.reset();
  }

  writeSessions(sessions: Sessions): void {
    for (const [origin, row] of sessions.changes()) {
      if (row === undefined) {
        this.#dropSession.bindInt64(1, BigInt.asIntN(64, origin));
        this.#dropSession.step();
        this.#dropSession.reset();
      } else {
        this.#put(row);
      }
    }
  }

  writeAllSessions(sessions: Sessions): void {
    for (const row of sessions.rows()) this.#put(row);
  }

  #put(row: SessionRow): void {
    const statement = this.#putSession;
    statement.bindInt64(1, BigInt.asIntN(64, row.origin));
    statement.bindInt64(2, row.floor);
    statement.bindInt64(3, row.lastIndex);
    statement.bindBlob(4, row.applied);
    statement.step();
    statement.reset();
  }
}

export function readSessions(database: Database): SessionRow[] {
  using statement = database.prepare(
    "SELECT origin, floor, last_index, applied FROM sqlite_raft_session",
  );
  const rows: SessionRow[] = [];
  while (statement.step()) {
    rows.push({
      origin: BigInt.asUintN(64, statement.columnInt64(0)),
      floor: Number(statement.columnInteger(1)),
      lastIndex: Number(statement.columnInteger(2)),
      applied: statement.columnBlob(3),
    });
  }
  return rows;
}
