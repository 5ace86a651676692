import { assert } from "../../base/assert.ts";
import { ByteReader } from "../../base/bytes.ts";
import { messageOf } from "../../base/message_of.ts";
import type { Answers } from "./answers.ts";
import type { BatchEntry } from "./apply_batch.ts";
import { CommandType } from "../codec/command_codec.ts";
import {
  type CommandHeader,
  type Execution,
  executionOf,
  foreignKeysOf,
  malformedCommand,
  readHeader,
  verifyEntry,
} from "../codec/command_header.ts";
import { stampOf } from "../codec/stamp.ts";
import { codeOf, StatementError } from "../failures.ts";
import { scriptConflict } from "../types.ts";
import type { ScriptRunner } from "./script_runner.ts";
import { createCursorTable } from "./cursor_table.ts";
import type { KeyedRequests } from "./keyed_requests.ts";
import { LoadScript } from "./load_script.ts";
import { resumeAtStart, type ResumePoint } from "./raft_table.ts";
import type { RequestPragma } from "../request_pragmas.ts";
import { controlRefused } from "../sql_policy.ts";
import { refuseVacuumInto } from "../prepared_statement.ts";
import type { EntryStatement, EntryStatements } from "./entry_statements.ts";
import type { StatementRunner } from "./statement_runner.ts";
import { UpkeepApplier, type UpkeepWatch } from "./upkeep.ts";
import type { WriteConnection } from "./write_connection.ts";

/**
 * Applies an entry that cannot share a transaction with others. As a transaction it has one of its
 * own; else each of its statements has, as in SQLite's autocommit mode, or all those between a BEGIN
 * and its COMMIT, which must come in the same request.
 *
 * PRAGMAs for the request hold from where they stand up to its end; see request_pragmas.ts. Within a
 * transaction, which cannot change it, foreign_keys counts when only such PRAGMAs stand before it.
 * Later ON is passed over, as SQLite does; OFF is refused, since what stands behind it would cascade.
 */
export class AloneApplier {
  readonly #connection: WriteConnection;
  readonly #answers: Answers;
  readonly #runner: StatementRunner;
  readonly #keyed: KeyedRequests;
  readonly #scripts: ScriptRunner;
  readonly #upkeep: UpkeepApplier;
  /** Nothing but PRAGMAs for the request has run in the transaction under way: it can begin anew. */
  #untouched = false;
  /** Length of the entry's results where a transaction begins that its own SQL has begun. */
  #begunAt: number | undefined;

  constructor(parts: {
    readonly connection: WriteConnection;
    readonly answers: Answers;
    readonly runner: StatementRunner;
    readonly keyed: KeyedRequests;
    readonly scripts: ScriptRunner;
    readonly watch?: UpkeepWatch | undefined;
  }) {
    this.#connection = parts.connection;
    this.#answers = parts.answers;
    this.#runner = parts.runner;
    this.#keyed = parts.keyed;
    this.#scripts = parts.scripts;
    this.#upkeep = new UpkeepApplier({
      ...parts,
      commitEntry: (entry, header) => this.#commitEntry(entry, header, true),
    });
  }

  apply(entry: BatchEntry): void {
    const connection = this.#connection;
    const { resume, index } = connection.committed;
    verifyEntry(entry, index + 1);
    const malformed = malformedCommand(entry);
    if (malformed !== undefined) return this.#passOver(entry, malformed);
    this.#begunAt = undefined;
    connection.changes?.beginEntry(index + 1, stampOf(entry.view).clock, resume !== resumeAtStart);
    connection.pragmas.beginRequest(foreignKeysOf(entry) ?? connection.foreignKeys);
    try {
      this.#answers.begin(entry.format);
      const header = readHeader(entry);
      if (resume === resumeAtStart) {
        const isNew = this.#keyed.admit(entry, header);
        assert(isNew, `Entry ${entry.index} had the answer to its key in a batch, and not alone`);
      } else if (header.key !== undefined) this.#answers.keep(header.key.format);
      const run = executionOf(entry, header, false, resume.counter);
      connection.users.within(header.rights, () => {
        if (header.type === CommandType.upkeep) this.#upkeep.apply(entry, header);
        else if (header.type === CommandType.load_sql) this.#load(entry, run, header);
        else if (header.type === CommandType.script) this.#script(entry, header);
        else if (header.type === CommandType.changes_cursor) this.#cursor(entry, header);
        else if (run.transaction) this.#transaction(entry, run, header);
        else this.#statements(entry, run, resume, header);
      });
      this.#answers.end();
    } finally {
      connection.pragmas.endRequest();
    }
  }

  /** Gives an entry that holds no command an error for its result. */
  #passOver(entry: BatchEntry, why: string): void {
    this.#answers.begin(entry.format);
    this.#answers.error(why, false);
    this.#connection.begin();
    this.#connection.commit(entry.index, entry.term, resumeAtStart);
    this.#answers.end();
  }

  #load(entry: BatchEntry, run: Execution, header: CommandHeader): void {
    const script = new LoadScript(this.#connection, run);
    this.#transaction(entry, script.execution, header, script);
  }

  #transaction(
    entry: BatchEntry,
    run: Execution,
    header: CommandHeader,
    script?: LoadScript,
  ): void {
    const connection = this.#connection;
    this.#begin();
    const statements = this.#runner.statements(entry, run, resumeAtStart);
    for (const statement of statements) {
      try {
        if (script?.carriesOut(statement)) continue;
        refuseControl(statement);
        this.#inTransaction(statements, statement);
      } catch (error) {
        statements.fail(error);
      }
    }
    if (statements.ending === "done") {
      const committed = this.#isCommitted(() => {
        script?.finish();
        this.#commitEntry(entry, header, true);
      });
      if (committed) return;
    }
    connection.rollbackStatements();
    connection.begin();
    this.#commitEntry(entry, header, true);
  }

  /** Whether `commit` succeeds; when it does not, that takes back everything, and is the only result. */
  #isCommitted(commit: () => void): boolean {
    try {
      commit();
      return true;
    } catch (error) {
      this.#runner.throwIfLocal(error);
      this.#answers.rewind(0);
      this.#answers.error(messageOf(error), false, codeOf(error));
      return false;
    }
  }

  #cursor(entry: BatchEntry, header: CommandHeader): void {
    const connection = this.#connection;
    // Not in a batch: entries in front of it, which can read the schema, see the same on every node.
    connection.own(() => createCursorTable(connection.database));
    connection.begin();
    connection.setDelivered(new ByteReader(entry.data, header.offset).integer());
    this.#commitEntry(entry, header, true);
  }

  #script(entry: BatchEntry, header: CommandHeader): void {
    const connection = this.#connection;
    connection.begin();
    const { type } = this.#scripts.run(entry, header.offset, false);
    this.#answers.rewind(0);
    if (type === "same") {
      if (this.#isCommitted(() => this.#commitEntry(entry, header, true))) return;
    } else this.#answers.error(scriptConflict, false);
    connection.rollbackStatements();
    connection.begin();
    // Nothing was done: under its key it may be tried anew.
    this.#commitEntry(entry, { ...header, key: undefined }, true);
  }

  #begin(): void {
    this.#connection.begin();
    this.#untouched = true;
  }

  #inTransaction(statements: EntryStatements, statement: EntryStatement): void {
    const connection = this.#connection;
    const { pragma } = statement.prepared.notes;
    if (pragma !== undefined) {
      statements.run(statement);
      this.#setInTransaction(pragma, statement.alone);
      return;
    }
    this.#untouched = false;
    this.#withoutMaxRowId(statements, statement);
    if (!statement.prepared.readonly) connection.flushVirtualTables();
  }

  #setInTransaction(pragma: RequestPragma, alone: boolean): void {
    const connection = this.#connection;
    if (pragma.name !== "foreign_keys") {
      refuseInVain(pragma, alone);
      connection.pragmas.set(pragma, false);
    } else if (this.#untouched) {
      connection.rollbackStatements();
      this.#setOutside(pragma, alone);
      this.#begin();
    } else if (!pragma.on && connection.foreignKeys) {
      throw new StatementError(
        "PRAGMA foreign_keys = OFF is refused: a transaction cannot turn them off once it has " +
          "begun, put it before the other statements",
      );
    }
  }

  #setOutside(pragma: RequestPragma, alone: boolean): void {
    refuseInVain(pragma, alone);
    this.#connection.pragmas.makeRoom();
    this.#connection.pragmas.set(pragma, alone && pragma.name === "foreign_keys");
  }

  #statements(
    entry: BatchEntry,
    run: Execution,
    start: ResumePoint,
    header: CommandHeader,
  ): void {
    const connection = this.#connection;
    const statements = this.#runner.statements(entry, run, start);
    for (const statement of statements) {
      const { control } = statement.prepared.notes;
      try {
        if (control?.type === "transaction") {
          this.#control(control.operation, run, statements, statement);
        } else if (this.#begunAt !== undefined) this.#inTransaction(statements, statement);
        else this.#statement(run, statements, statement);
      } catch (error) {
        statements.fail(error);
      }
    }
    if (this.#begunAt !== undefined) this.#takeBack(this.#begunAt, statements.ending === "done");
    connection.begin();
    // A node that has crashed in between knows only what the rest was answered.
    this.#commitEntry(entry, header, false);
  }

  /** Takes back a transaction that SQL has begun: an error ended it or, if `unended`, nothing did. */
  #takeBack(begunAt: number, unended: boolean): void {
    this.#connection.rollbackStatements();
    if (!unended) return;
    this.#answers.rewind(begunAt);
    this.#answers.error(controlRefused("BEGIN without a COMMIT behind it"), false);
  }

  #control(
    operation: string,
    run: Execution,
    statements: EntryStatements,
    statement: EntryStatement,
  ): void {
    const connection = this.#connection;
    const begun = this.#begunAt !== undefined;
    if ((operation === "BEGIN") === begun) {
      run.stopsAtError = true;
      throw new StatementError(
        begun ? "BEGIN is refused: a transaction has begun already" : controlRefused(operation),
      );
    }
    run.stopsAtError = !begun;
    const { entryLength } = this.#answers;
    statements.run(statement);
    if (operation === "BEGIN") {
      connection.pragmas.makeRoom();
      this.#begin();
      this.#begunAt = entryLength;
      return;
    }
    if (operation === "ROLLBACK") {
      connection.rollbackStatements();
      connection.begin();
    }
    try {
      this.#commitProgress({ ...behind(statement), counter: run.counter });
    } catch (error) {
      run.stopsAtError = true;
      throw error;
    }
    this.#begunAt = undefined;
  }

  #statement(run: Execution, statements: EntryStatements, statement: EntryStatement): void {
    const totalBefore = this.#connection.counters.totalChanges;
    const commit = (resume: Place) =>
      this.#commitStatement(statement, totalBefore, { ...resume, counter: run.counter });
    try {
      this.#autocommit(statements, statement);
      commit(behind(statement));
    } catch (error) {
      this.#runner.throwIfLocal(error);
      let result = error;
      try {
        commit(behindText(statement));
      } catch (atCommit) {
        // OR FAIL and RAISE(FAIL) had left something, which is taken back.
        result = atCommit;
        commit(behindText(statement));
      }
      throw result;
    }
  }

  /** Runs a statement as SQLite does outside of a transaction, up to its commit. */
  #autocommit(statements: EntryStatements, statement: EntryStatement): void {
    const connection = this.#connection;
    const { kind, notes: { pragma } } = statement.prepared;
    if (kind === "vacuum") {
      refuseVacuumInto(statement.sql);
      // SQLite asks about it only while it runs, and then about all that is in the database.
      if (connection.users.guarded) {
        throw new StatementError("VACUUM is prohibited: it is for users of all tables");
      }
      connection.policy.trusted(() => statements.run(statement));
    } else if (pragma !== undefined) {
      statements.run(statement);
      this.#setOutside(pragma, statement.alone);
    } else {
      connection.begin();
      this.#withoutMaxRowId(statements, statement);
    }
  }

  /**
   * Commits what a statement has done, and how far the entry has come. When that fails, all that
   * the statement did is taken back.
   */
  #commitStatement(
    { prepared }: EntryStatement,
    totalBefore: number,
    resume: ResumePoint,
  ): void {
    const connection = this.#connection;
    if (connection.database.autocommit) connection.begin();
    try {
      this.#commitProgress(resume);
    } catch (error) {
      this.#runner.throwIfLocal(error);
      connection.rollbackStatements();
      if (prepared.kind === "change") connection.counters.uncount(totalBefore);
      throw error;
    }
  }

  /** Runs a statement, and refuses it when a row got the largest id, whatever became of that. */
  #withoutMaxRowId(statements: EntryStatements, statement: EntryStatement): void {
    try {
      statements.run(statement);
    } catch (error) {
      this.#runner.throwIfLocal(error);
      this.#refuseMaxRowId();
      throw error;
    }
    this.#refuseMaxRowId();
  }

  #refuseMaxRowId(): void {
    if (!this.#connection.maxRowId.take()) return;
    this.#connection.rollbackStatements();
    throw new StatementError(
      "Row id 9223372036854775807 is refused: behind it SQLite draws row ids at random, " +
        "differently on every node",
    );
  }

  #commitProgress(resume: ResumePoint): void {
    const { index, term } = this.#connection.committed;
    this.#connection.commit(index, term, resume);
    this.#connection.changes?.endTransaction("committed");
  }

  /** `isAnswerTheSame`: on every node. */
  #commitEntry(entry: BatchEntry, header: CommandHeader, isAnswerTheSame: boolean): void {
    this.#keyed.keep(entry, header, isAnswerTheSame);
    if (header.request !== undefined) {
      this.#connection.sessions.record(header.request, entry.index);
    }
    this.#connection.commit(entry.index, entry.term, resumeAtStart);
  }
}

/** How far a request has come, but for what it has run. */
type Place = Omit<ResumePoint, "counter">;

function behind({ last, text, offset, parameter }: EntryStatement): Place {
  return last ? behindText({ text }) : { statement: text, offset, parameter };
}

function behindText({ text }: Pick<EntryStatement, "text">): Place {
  return { statement: text + 1, offset: 0, parameter: 0 };
}

function refuseControl({ prepared: { notes: { control } } }: EntryStatement): void {
  if (control?.type !== "transaction") return;
  throw new StatementError(`${control.operation} is refused: the request is a transaction already`);
}

/** Whoever sets it alone has it in mind for a later request; deferred foreign keys would be over by then anyway. */
function refuseInVain({ name, on }: RequestPragma, alone: boolean): void {
  if (!alone || !on || name !== "legacy_alter_table") return;
  throw new StatementError(
    "PRAGMA legacy_alter_table is refused: it holds within its request, send it with the " +
      "statements that it is for",
  );
}
