import { messageOf } from "../../base/message_of.ts";
import { SqliteError, SqlSource } from "../../sqlite/mod.ts";
import type { Answers } from "./answers.ts";
import type { BatchEntry } from "./apply_batch.ts";
import type { Execution } from "../codec/command_header.ts";
import {
  isFull,
  isInterrupt,
  isLocalFailure,
  StatementError,
  StoreFailedError,
} from "../failures.ts";
import { keptBytesMax, Parameters } from "../parameters.ts";
import { isBlank } from "../sql_text.ts";
import { SqlTexts } from "./sql_texts.ts";
import { type PreparedStatement, prepareNext } from "../prepared_statement.ts";
import type { WriteConnection } from "./write_connection.ts";

/**
 * Thrown inside a batch's transaction by an entry that cannot be applied in it: it ends the
 * transaction, cannot run in one, or leaves foreign keys to be checked when its own would commit.
 */
export class NeedsAlone {
  /** `untouched`: the entry has had no effect yet, so that what came before it can be committed. */
  constructor(readonly untouched: boolean) {}
}

/** A statement within its text. */
export interface StatementPlace {
  readonly prepared: PreparedStatement;
  /** Its SQL. */
  readonly sql: string;
  /** It is the last one, whose result is the text's. */
  readonly last: boolean;
  /** It is a PRAGMA for the request, and the request's only statement. */
  readonly alone: boolean;
  /** Bytes of the text, and parameters, that are used up behind it. */
  readonly offset: number;
  readonly parameter: number;
}

/** Runs one statement by calling `body`, in whatever transaction it should have, or does it otherwise. */
export type StatementStep = (place: StatementPlace, body: () => void) => void;

/** What is known of a text from its first statement. */
interface TextResult {
  readonly startedAt: number;
  /** The result is rows; otherwise the numbers of last_insert_id and rows_affected. */
  query: boolean;
  /** An error comes with empty rows in associative form. */
  emptyRows: boolean;
}

/** Of PRAGMA optimize: what it does by default, and the bit for all tables. */
const optimizeMask = 0xfffe;
const allTablesMask = 0x1_0000;

const exhaustedQuery = "SELECT count(*) FROM sqlite_sequence " +
  "WHERE seq = 9223372036854775807 AND name IN (SELECT value FROM json_each(?))";

/** Runs the SQL of entries and writes its results. */
export class StatementRunner {
  readonly #connection: WriteConnection;
  readonly #answers: Answers;
  readonly #parameters = new Parameters();
  readonly #texts = new SqlTexts();
  /** The statement that runs, or that failed. */
  #running: PreparedStatement | undefined;

  constructor(connection: WriteConnection, answers: Answers) {
    this.#connection = connection;
    this.#answers = answers;
  }

  /**
   * Runs the texts of a request from number `from` on, whose first statement is behind `offset` and
   * `parameter`. Returns false when it stopped at an error.
   */
  texts(
    { data, view }: BatchEntry,
    run: Execution,
    start: { readonly statement: number; readonly offset: number; readonly parameter: number },
    stepOf: (text: number) => StatementStep,
  ): boolean {
    const count = view.getUint32(run.offset, true);
    let at = run.offset + 4;
    for (let text = 0; text < count; text++) {
      const length = view.getUint32(at, true);
      const sql = this.#texts.read(data, at + 4, length);
      at = this.#parameters.read(data, view, at + 4 + length);
      if (sql === "" || text < start.statement) continue;
      const begun = text === start.statement;
      const ok = this.#text(
        sql,
        run,
        begun ? start.offset : 0,
        begun ? start.parameter : 0,
        stepOf(text),
        count === 1,
      );
      if (!ok && run.stopsAtError) return false;
    }
    return true;
  }

  #text(
    sql: string,
    run: Execution,
    offset: number,
    parameter: number,
    step: StatementStep,
    only: boolean,
  ): boolean {
    const mark = this.#answers.entryLength;
    const result: TextResult = { startedAt: this.#now(), query: false, emptyRows: false };
    try {
      const kept = run.inBatch ? this.#connection.cache.prepare(sql) : undefined;
      if (kept === undefined) {
        this.#fresh(sql, run, offset, parameter, step, result, only);
      } else {
        beginResult(result, kept, run);
        const place = {
          prepared: kept,
          sql,
          last: true,
          alone: false,
          offset: 0,
          parameter: 0,
        };
        step(place, () => this.#run(kept, run, 0, true, result, true));
      }
      return true;
    } catch (error) {
      this.#answers.rewind(mark);
      this.#failed(error, run, result.emptyRows);
      return false;
    }
  }

  /** Prepares and runs one statement of the text after the other: a later one may need what an earlier one made. */
  #fresh(
    sql: string,
    run: Execution,
    offset: number,
    parameter: number,
    step: StatementStep,
    result: TextResult,
    only: boolean,
  ): void {
    const { database, policy } = this.#connection;
    const source = new SqlSource(sql);
    source.offset = offset;
    for (let used = parameter, first = true;; first = false) {
      while (run.takes?.(source));
      const next = prepareNext(database, policy, source, { ofLoad: run.takes !== undefined });
      if (next === undefined) {
        this.#answers.empty(first ? run.unified : result.query, this.#now() - result.startedAt);
        return;
      }
      const text = source.text(next.statement.sqlStart, next.statement.sqlEnd);
      const prepared = this.#sameEverywhere(next);
      using statement = prepared.statement;
      if (first) beginResult(result, prepared, run);
      const last = isBlank(source);
      const alone = only && first && offset === 0 && prepared.notes.pragma !== undefined &&
        this.#isEnd(source);
      const before = used;
      used += statement.bindParameterCount;
      let ran = false;
      step({ prepared, sql: text, last, alone, offset: source.offset, parameter: used }, () => {
        ran = true;
        this.#run(prepared, run, before, last, result, false);
      });
      if (last && !ran) this.#changes(result);
      if (last) return;
    }
  }

  /** Whether nothing but blanks, comments and semicolons is left. */
  #isEnd(source: SqlSource): boolean {
    const { offset } = source;
    try {
      using next = this.#connection.database.prepareNext(source);
      return next === undefined;
    } catch {
      return false;
    } finally {
      source.offset = offset;
    }
  }

  /**
   * PRAGMA optimize looks at the tables that its connection has queried since it was opened, and
   * at statistics as last loaded, which are not the same on every node: here it looks at all
   * tables, and the statistics are loaded. https://www.sqlite.org/pragma.html#pragma_optimize
   */
  #sameEverywhere(prepared: PreparedStatement): PreparedStatement {
    const connection = this.#connection;
    const { optimizes } = prepared.notes;
    if (optimizes === undefined) return prepared;
    prepared.statement.finalize();
    connection.refreshSchema();
    connection.own(() => connection.database.exec("ANALYZE sqlite_schema"));
    const mask = optimizes === "" ? optimizeMask : Number(optimizes);
    const source = new SqlSource(`PRAGMA optimize(${mask | allTablesMask})`);
    const statement = prepareNext(connection.database, connection.policy, source);
    return statement ?? prepared;
  }

  #run(
    prepared: PreparedStatement,
    run: Execution,
    used: number,
    last: boolean,
    result: TextResult,
    kept: boolean,
  ): void {
    const connection = this.#connection;
    const { statement, kind } = prepared;
    this.#running = prepared;
    connection.determinism.set(run.clock, run.seed, run.counter++);
    const bound = this.#parameters.bind(statement, used);
    connection.prepareRun(prepared, run.timeoutMs, kept);
    try {
      if (last && result.query) this.#answers.rows(prepared, result.startedAt);
      else while (statement.step());
    } finally {
      statement.reset();
      if (kept && bound > keptBytesMax) statement.clearBindings();
      // VACUUM leaves the number of tables in last_insert_rowid(), hidden ones included.
      if (!prepared.readonly && kind !== "vacuum") connection.noteEffects(kind === "change");
      if (!prepared.readonly && (kind !== "change" || prepared.notes.writesStatistics)) {
        connection.noteSchemaChange();
      }
    }
    this.#running = undefined;
    if (last && !result.query) this.#changes(result);
  }

  #changes({ startedAt }: TextResult): void {
    const { lastInsertRowId, changes } = this.#connection;
    this.#answers.changes(lastInsertRowId, changes, this.#now() - startedAt);
  }

  /** Makes an error the text's result, unless it is none of the SQL's. */
  #failed(error: unknown, run: Execution, emptyRows: boolean): void {
    if (error instanceof NeedsAlone) throw error;
    if (this.#connection.quick) throw new NeedsAlone(false);
    this.throwIfLocal(error);
    if (run.inBatch && (isInterrupt(error) || this.#connection.database.autocommit)) {
      throw new NeedsAlone(false);
    }
    const refusal = error instanceof SqliteError
      ? this.#connection.policy.refusal(error)
      : undefined;
    if (refusal?.ofContext) run.stopsAtError = true;
    const text = isInterrupt(error) ? "execute timeout" : refusal?.text ?? messageOf(error);
    this.#answers.error(text, emptyRows);
  }

  /** Throws a StoreFailedError for what is wrong with this machine, and what is no error of SQL at all. */
  throwIfLocal(error: unknown): void {
    if (error instanceof SqliteError) {
      const local = isFull(error) ? !this.#keysExhausted() : isLocalFailure(error);
      if (!local) return;
      throw new StoreFailedError(
        `Database ${this.#connection.database.path} cannot be written: ${error.message} ` +
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
    const { database } = this.#connection;
    const tables = [...this.#running?.notes.insertsInto ?? []];
    if (tables.length === 0) return false;
    return this.#connection.own(() =>
      database.scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'") === 1 &&
      database.scalar(exhaustedQuery, JSON.stringify(tables)) !== 0
    );
  }

  #now(): number {
    return this.#answers.now();
  }
}

function beginResult(result: TextResult, first: PreparedStatement, run: Execution): void {
  result.query = (run.unified && first.readonly) || (first.kind === "change" && first.hasColumns);
  result.emptyRows = run.unified && first.readonly;
}
