import type { ChangeMark } from "../../changes/recorder.ts";
import { SqliteError } from "../../sqlite/mod.ts";
import type { Execution } from "../codec/command_header.ts";
import { isFull, isOfThisMachine, StatementError, unwritable } from "../failures.ts";
import { keptBytesMax, Parameters } from "../parameters.ts";
import type { PreparedStatement } from "../prepared_statement.ts";
import type { Answers } from "./answers.ts";
import type { BatchEntry } from "./apply_batch.ts";
import { type EntryStatement, EntryStatements, type StatementsStart } from "./entry_statements.ts";
import { SqlTexts } from "./sql_texts.ts";
import type { WriteConnection } from "./write_connection.ts";

const exhaustedQuery = "SELECT count(*) FROM sqlite_sequence " +
  "WHERE seq = 9223372036854775807 AND name IN (SELECT value FROM json_each(?))";

/** Runs the statements of entries. */
export class StatementRunner {
  readonly connection: WriteConnection;
  readonly answers: Answers;
  readonly texts = new SqlTexts();
  /** Of the text whose statements run. */
  readonly parameters = new Parameters();
  /** The statement that runs, or that failed. */
  #running: PreparedStatement | undefined;

  constructor(connection: WriteConnection, answers: Answers) {
    this.connection = connection;
    this.answers = answers;
  }

  /** Those of a request, from `start` on. */
  statements(
    entry: Pick<BatchEntry, "data" | "view">,
    run: Execution,
    start: StatementsStart,
  ): EntryStatements {
    return new EntryStatements(this, entry, run, start);
  }

  /** Runs one. Its rows are written if `rowsSince` says when its text began. */
  run(
    { prepared, sql, used, kept }: EntryStatement,
    run: Execution,
    rowsSince: number | undefined,
  ): void {
    const { connection } = this;
    const { statement, kind } = prepared;
    // Not of a load, whose texts are many, and each another.
    const meter = run.takes === undefined ? connection.meter : undefined;
    const since = meter?.now() ?? 0;
    const { changes } = connection;
    const mark = prepared.readonly ? undefined : changes?.mark();
    if (kind !== "change") changes?.forgetTables();
    let rows = 0;
    let failed = true;
    const from = this.answers.entryLength;
    this.#running = prepared;
    connection.determinism.set(run.clock, run.seed, run.counter++);
    const bound = this.parameters.bind(statement, used);
    connection.prepareRun(prepared, run.timeoutMs, kept);
    if (run.timeoutMs > 0 && kind === "change" && changes?.clearsAtOnce(sql) === true) {
      connection.limits.lift();
    }
    try {
      if (rowsSince !== undefined) {
        rows = this.answers.rows(prepared, rowsSince, connection.database);
      } else while (statement.step()) rows++;
      failed = false;
    } finally {
      statement.reset();
      if (mark !== undefined) this.#settleChanges(prepared, mark, failed);
      if (prepared.notes.tellsOfNode) this.answers.noteOfNode(from);
      // VACUUM leaves the number of tables in last_insert_rowid(), hidden ones included.
      if (!prepared.readonly && kind !== "vacuum") {
        connection.counters.noteEffects(kind === "change");
      }
      // What fails on the main thread is run again by the writer.
      if (!failed || !connection.quick) {
        if (kind === "change") rows = failed ? 0 : connection.counters.changes;
        meter?.ended(prepared, sql, { since, rows, failed }, connection);
      }
      if (kept && bound > keptBytesMax) statement.clearBindings();
      // It drops what is kept.
      if (!prepared.readonly && (kind !== "change" || prepared.notes.writesStatistics)) {
        connection.noteSchemaChange();
      }
    }
    this.#running = undefined;
  }

  /** What is recorded of a statement's changes is then what it has done. */
  #settleChanges({ kind }: PreparedStatement, mark: ChangeMark, failed: boolean): void {
    const { changes, quick } = this.connection;
    // All that is done on the main thread is taken back if anything fails.
    if (failed && !quick) changes?.settleFailed(mark);
    else if (kind === "vacuum") changes?.readAgainOutside("schema");
    else if (kind === "create" || kind === "other") changes?.readAgain("schema");
  }

  /** Throws a StoreFailedError for what is wrong with this machine, and what is no error of SQL at all. */
  throwIfLocal(error: unknown): void {
    if (error instanceof SqliteError) {
      const { database } = this.connection;
      const local = isFull(error) ? !this.#keysExhausted() : isOfThisMachine(error, database);
      if (!local) return;
      throw unwritable(database, error);
    }
    if (!(error instanceof StatementError || error instanceof RangeError)) throw error;
  }

  /**
   * "Full" is also what an AUTOINCREMENT table says whose largest key is used: on every node. So
   * it is only when the statement inserts into such a table.
   */
  #keysExhausted(): boolean {
    const { database } = this.connection;
    const tables = [...this.#running?.notes.insertsInto ?? []];
    if (tables.length === 0) return false;
    return this.connection.own(() =>
      database.scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'") === 1 &&
      database.scalar(exhaustedQuery, JSON.stringify(tables)) !== 0
    );
  }
}
