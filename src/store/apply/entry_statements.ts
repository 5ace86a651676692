import { assert } from "../../base/assert.ts";
import { messageOf } from "../../base/message_of.ts";
import { SqliteError, SqlSource } from "../../sqlite/mod.ts";
import type { Execution } from "../codec/command_header.ts";
import { codeOf, isInterrupt } from "../failures.ts";
import { isBlank, type PreparedStatement, prepareNext } from "../prepared_statement.ts";
import type { BatchEntry } from "./apply_batch.ts";
import type { StatementRunner } from "./statement_runner.ts";
import { allTablesMask, optimizeMask } from "./upkeep.ts";

/** Where in its request a text begins, and in that text a statement. */
export interface StatementsStart {
  /** The text's number. */
  readonly statement: number;
  /** Bytes of the text, and parameters, that are used up before it. */
  readonly offset: number;
  readonly parameter: number;
}

/** A statement of an entry, ready to run. */
export interface EntryStatement {
  readonly prepared: PreparedStatement;
  /** Kept prepared from before. */
  readonly kept: boolean;
  /** The number of its text in the request. */
  readonly text: number;
  /** Its SQL. */
  readonly sql: string;
  /** It is the last one of its text, whose result is the text's. */
  readonly last: boolean;
  /** It is a PRAGMA for the request, and the request's only statement. */
  readonly alone: boolean;
  /** Parameters of the text that are used up before it. */
  readonly used: number;
  /** Bytes of the text, and parameters, that are used up behind it. */
  readonly offset: number;
  readonly parameter: number;
}

/**
 * How the statements of an entry ended: an error may end its request, or, in the transaction of a
 * batch, be no result, as only the entry alone can have it.
 */
export type Ending = "done" | "error" | "needs_alone";

/**
 * The statements of an entry one after the other, and the results of its texts. Each is prepared
 * when it is asked for: it may need what an earlier one made. Whoever asks runs it, by `run`, in
 * whatever transaction it should have, or does what it says otherwise; when that fails, `fail` takes
 * the error, and what is left of its text is passed over.
 */
export class EntryStatements {
  readonly #runner: StatementRunner;
  readonly #entry: Pick<BatchEntry, "data" | "view">;
  readonly #run: Execution;
  readonly #start: StatementsStart;
  #ending: Ending = "done";
  /** Of the text under way. */
  #failure: { readonly error: unknown } | undefined;
  #startedAt = 0;
  /** Its result is rows; otherwise the numbers of last_insert_id and rows_affected. */
  #query = false;
  /** An error comes with empty rows in associative form. */
  #emptyRows = false;
  /** Its last statement has run, so that its result is written. */
  #answered = false;

  constructor(
    runner: StatementRunner,
    entry: Pick<BatchEntry, "data" | "view">,
    run: Execution,
    start: StatementsStart,
  ) {
    this.#runner = runner;
    this.#entry = entry;
    this.#run = run;
    this.#start = start;
  }

  /** Once there are no more. */
  get ending(): Ending {
    return this.#ending;
  }

  *[Symbol.iterator](): Generator<EntryStatement, void> {
    const { texts, parameters, answers, connection } = this.#runner;
    const { data, view } = this.#entry;
    const run = this.#run;
    const start = this.#start;
    const count = view.getUint32(run.offset, true);
    let at = run.offset + 4;
    for (let text = 0; text < count; text++) {
      const length = view.getUint32(at, true);
      const sql = texts.read(data, at + 4, length);
      at = parameters.read(data, view, at + 4 + length);
      if (sql === "" || text < start.statement) continue;
      const mark = answers.entryLength;
      this.#beginText();
      try {
        if (answers.describes) {
          this.#describe(sql);
          continue;
        }
        const prepared = run.inBatch
          ? connection.users.cache.prepare(sql, run.takes !== undefined)
          : undefined;
        if (prepared === undefined) {
          yield* this.#fresh(sql, text, count === 1);
        } else {
          this.#beginResult(prepared);
          yield {
            prepared,
            kept: true,
            text,
            sql,
            last: true,
            alone: false,
            used: 0,
            offset: 0,
            parameter: 0,
          };
        }
      } catch (error) {
        this.#failure = { error };
      }
      if (this.#failure === undefined) continue;
      answers.rewind(mark);
      this.#ending = this.#endingOf(this.#failure.error);
      if (this.#ending !== "done") return;
    }
  }

  #beginText(): void {
    this.#failure = undefined;
    this.#startedAt = this.#runner.answers.now();
    this.#query = this.#emptyRows = false;
  }

  /** What is known of the result from the text's first statement. */
  #beginResult({ readonly, kind, hasColumns }: PreparedStatement): void {
    this.#emptyRows = this.#run.unified && readonly;
    this.#query = this.#emptyRows || (kind === "change" && hasColumns) ||
      this.#runner.answers.typed;
  }

  /** Tells of a text's first statement what it is. */
  #describe(sql: string): void {
    const { answers } = this.#runner;
    const prepared = this.#prepareNext(new SqlSource(sql));
    if (prepared === undefined) return answers.empty(true, 0);
    using _ = prepared.statement;
    answers.description(prepared);
  }

  /** Those of a text that is prepared statement by statement. */
  *#fresh(sql: string, text: number, only: boolean): Generator<EntryStatement, void> {
    const { answers } = this.#runner;
    const run = this.#run;
    const { statement, offset, parameter } = this.#start;
    const begun = text === statement;
    const source = new SqlSource(sql);
    source.offset = begun ? offset : 0;
    const fromStart = source.offset === 0;
    for (let used = begun ? parameter : 0, first = true;; first = false) {
      while (run.takes?.(source));
      const next = this.#prepareNext(source);
      if (next === undefined) {
        answers.empty(first ? run.unified : this.#query, answers.now() - this.#startedAt);
        return;
      }
      const own = source.text(next.statement.sqlStart, next.statement.sqlEnd);
      const prepared = this.#sameEverywhere(next, own);
      using statement = prepared.statement;
      if (first) this.#beginResult(prepared);
      const last = isBlank(source);
      const alone = only && first && fromStart && prepared.notes.pragma !== undefined &&
        this.#isEnd(source);
      const behind = used + statement.bindParameterCount;
      this.#answered = false;
      yield {
        prepared,
        kept: false,
        text,
        sql: own,
        last,
        alone,
        used,
        offset: source.offset,
        parameter: behind,
      };
      if (this.#failure !== undefined) return;
      if (last) {
        if (!this.#answered) this.#changes();
        return;
      }
      used = behind;
    }
  }

  #prepareNext(source: SqlSource): PreparedStatement | undefined {
    const { database, policy } = this.#runner.connection;
    return prepareNext(database, policy, source, { ofLoad: this.#run.takes !== undefined });
  }

  /** Whether nothing but blanks, comments and semicolons is left. */
  #isEnd(source: SqlSource): boolean {
    const { offset } = source;
    try {
      using next = this.#runner.connection.database.prepareNext(source);
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
   * What a PRAGMA lists is in the order in which the schema was loaded.
   */
  #sameEverywhere(prepared: PreparedStatement, sql: string): PreparedStatement {
    const { connection } = this.#runner;
    const { optimizes, listsSchema } = prepared.notes;
    if (listsSchema && connection.schemaStale) {
      prepared.statement.finalize();
      connection.refreshSchema();
      return this.#prepareNext(new SqlSource(sql)) ?? prepared;
    }
    if (optimizes === undefined) return prepared;
    prepared.statement.finalize();
    connection.refreshSchema();
    connection.own(() => connection.database.exec("ANALYZE sqlite_schema"));
    const mask = optimizes === "" ? optimizeMask : Number(optimizes);
    const source = new SqlSource(`PRAGMA optimize(${mask | allTablesMask})`);
    return this.#prepareNext(source) ?? prepared;
  }

  /** Runs the statement that came last. */
  run(entry: EntryStatement): void {
    const rowsSince = entry.last && this.#query ? this.#startedAt : undefined;
    this.#answered = entry.last;
    this.#runner.run(entry, this.#run, rowsSince);
    if (entry.last && !this.#query) this.#changes();
  }

  /** The statement that came last has failed. */
  fail(error: unknown): void {
    assert(this.#failure === undefined, "A statement failed twice");
    this.#failure = { error };
  }

  /** Makes an error the text's result, unless it is none of the SQL's, or none here. */
  #endingOf(error: unknown): Ending {
    const { connection, answers } = this.#runner;
    const run = this.#run;
    if (connection.quick) return "needs_alone";
    this.#runner.throwIfLocal(error);
    if (run.inBatch && (isInterrupt(error) || connection.database.autocommit)) {
      return "needs_alone";
    }
    const refusal = error instanceof SqliteError ? connection.policy.refusal(error) : undefined;
    if (refusal?.ofContext) run.stopsAtError = true;
    const text = isInterrupt(error) ? "execute timeout" : refusal?.text ?? messageOf(error);
    const code = refusal === undefined ? codeOf(error) : "SQLITE_AUTH";
    answers.error(text, this.#emptyRows, code);
    return run.stopsAtError ? "error" : "done";
  }

  #changes(): void {
    const { connection: { counters }, answers } = this.#runner;
    const elapsedMs = answers.now() - this.#startedAt;
    answers.changes(counters.lastInsertRowId, counters.changes, elapsedMs);
  }
}
