import { SqliteError } from "../../sqlite/mod.ts";
import type { Answers } from "./answers.ts";
import type { BatchEntry } from "./apply_batch.ts";
import type { Execution } from "../codec/command_header.ts";
import { EntryStatements, type StatementsStart } from "./entry_statements.ts";
import { isFull, isLocalFailure, StatementError, StoreFailedError } from "../failures.ts";
import { keptBytesMax, Parameters } from "../parameters.ts";
import type { PreparedStatement } from "../prepared_statement.ts";
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
  statements(entry: BatchEntry, run: Execution, start: StatementsStart): EntryStatements {
    return new EntryStatements(this, entry, run, start);
  }

  /**
   * Runs one; `used` parameters of its text are those of others. Its rows are written if
   * `rowsSince` says when its text began.
   */
  run(
    prepared: PreparedStatement,
    run: Execution,
    used: number,
    kept: boolean,
    rowsSince: number | undefined,
  ): void {
    const { connection } = this;
    const { statement, kind } = prepared;
    this.#running = prepared;
    connection.determinism.set(run.clock, run.seed, run.counter++);
    const bound = this.parameters.bind(statement, used);
    connection.prepareRun(prepared, run.timeoutMs, kept);
    try {
      if (rowsSince !== undefined) this.answers.rows(prepared, rowsSince);
      else while (statement.step());
    } finally {
      statement.reset();
      if (kept && bound > keptBytesMax) statement.clearBindings();
      // VACUUM leaves the number of tables in last_insert_rowid(), hidden ones included.
      if (!prepared.readonly && kind !== "vacuum") {
        connection.counters.noteEffects(kind === "change");
      }
      if (!prepared.readonly && (kind !== "change" || prepared.notes.writesStatistics)) {
        connection.noteSchemaChange();
      }
    }
    this.#running = undefined;
  }

  /** Throws a StoreFailedError for what is wrong with this machine, and what is no error of SQL at all. */
  throwIfLocal(error: unknown): void {
    if (error instanceof SqliteError) {
      const local = isFull(error) ? !this.#keysExhausted() : isLocalFailure(error);
      if (!local) return;
      throw new StoreFailedError(
        `Database ${this.connection.database.path} cannot be written: ${error.message} ` +
          `(${error.codeName}). Mend the disk and start the node again`,
        { cause: error },
      );
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
