import { ByteReader } from "../base/bytes.ts";
import { messageOf } from "../base/message_of.ts";
import { EntryType } from "../raft/types.ts";
import type { Answers } from "./answers.ts";
import type { BatchEntry } from "./apply_batch.ts";
import { CommandType } from "./command_codec.ts";
import {
  type CommandHeader,
  type Execution,
  executionOf,
  foreignKeysOf,
  isLoadCommit,
  readHeader,
  verifyEntry,
} from "./command_header.ts";
import { isFailedSync, StatementError, StoreFailedError } from "./failures.ts";
import { LoadScript } from "./load_script.ts";
import { LoadTable } from "./load_table.ts";
import { resumeAtStart, type ResumePoint } from "./raft_table.ts";
import { windowMax } from "./sessions.ts";
import { NeedsAlone, type StatementPlace, StatementRunner } from "./statement_runner.ts";
import { isVacuumInto } from "./sql_text.ts";
import type { RequestId } from "./types.ts";
import type { WriteConnection } from "./write_connection.ts";

/**
 * Applies committed entries, many to a transaction, each with exactly the result that it would
 * have alone.
 *
 * An error within a statement takes back that statement only (SQLite's ABORT), and so needs
 * nothing here. An entry that a shared transaction cannot hold makes its batch be rolled back; what
 * came before it is applied again and committed, then the entry alone, each of its statements in a
 * transaction of its own as in SQLite's autocommit mode, and then the rest. So it is where an entry
 * wants foreign keys enforced and the one before it does not: a transaction cannot change that.
 */
export class EntryApplier {
  readonly #connection: WriteConnection;
  readonly #answers: Answers;
  readonly #loads: LoadTable;
  readonly #runner: StatementRunner;

  constructor(connection: WriteConnection, answers: Answers) {
    this.#connection = connection;
    this.#answers = answers;
    this.#loads = connection.own(() => new LoadTable(connection.database));
    this.#runner = new StatementRunner(connection, answers);
  }

  /**
   * Applies entries from number `from` on. Returns how many of all are applied: fewer when the next
   * one is a load_commit, which the caller carries out.
   */
  apply(entries: readonly BatchEntry[], from: number): number {
    let next = from;
    while (next < entries.length) {
      // After a crash between the statements of an entry that one goes on alone.
      let alone = this.#connection.committed.resume !== resumeAtStart;
      if (!alone) ({ next, alone } = this.#applyTogether(entries, next));
      const entry = entries[next];
      if (entry === undefined || isLoadCommit(entry)) return next;
      if (alone) {
        this.#applyAlone(entry);
        next++;
      }
    }
    return next;
  }

  /**
   * Applies entries in one transaction, up to one that cannot be part of it. Returns its number,
   * and whether it must be applied alone.
   */
  #applyTogether(entries: readonly BatchEntry[], from: number): { next: number; alone: boolean } {
    let to = entries.length;
    /** Whether the entry with number `to` must be. */
    let alone = false;
    this.#enforceForeignKeys(entries, from);
    while (to > from) {
      let next = from;
      this.#connection.begin();
      try {
        for (; next < to; next++) {
          const entry = entries[next];
          if (entry === undefined || isLoadCommit(entry) || !this.#fits(entry)) break;
          this.#applyEntry(entry, this.#connection.committed.index + 1 + next - from);
        }
      } catch (error) {
        if (!(error instanceof NeedsAlone)) throw error;
        to = next;
        alone = true;
        if (!error.untouched) {
          this.#connection.rollback();
          this.#answers.truncate(from);
          continue;
        }
        this.#answers.truncate(next);
      }
      const last = entries[next - 1];
      if (last === undefined || next === from) this.#connection.rollback();
      else if (!this.#commitBatch(last)) {
        this.#answers.truncate(from);
        // Half of them, and so on, until the entry at fault is the only one.
        to = from + Math.floor((next - from) / 2);
        alone = to === from;
        continue;
      }
      return { next, alone: alone && next === to };
    }
    return { next: from, alone };
  }

  /**
   * Returns false, and takes all back, when what a virtual table has put off until the commit
   * fails: the fault of one of the entries.
   */
  #commitBatch({ index, term }: BatchEntry): boolean {
    try {
      this.#connection.commit(index, term, resumeAtStart);
      return true;
    } catch (error) {
      this.#runner.throwIfLocal(error);
      this.#connection.rollback();
      return false;
    }
  }

  /** Applies all entries in one transaction, or none: false when that is not for a quick connection. */
  applyAllOrNone(entries: readonly BatchEntry[]): boolean {
    const connection = this.#connection;
    const { index, resume } = connection.committed;
    const last = entries[entries.length - 1];
    if (last === undefined || resume !== resumeAtStart || entries.some(isLoadCommit)) return false;
    try {
      this.#enforceForeignKeys(entries, 0);
      connection.begin();
      let expectedIndex = index + 1;
      for (const entry of entries) {
        if (connection.isLate() || !this.#fits(entry)) {
          throw new NeedsAlone(false);
        }
        this.#applyEntry(entry, expectedIndex++);
      }
      connection.commit(last.index, last.term, resumeAtStart);
      return true;
    } catch (error) {
      connection.rollback();
      this.#answers.truncate(0);
      if (isFailedSync(error)) throw error;
      // Whatever else it was: the writer finds it again, and knows what to do.
      return false;
    }
  }

  /** Enforces them as the first entry, from number `from` on, that says so wants it. */
  #enforceForeignKeys(entries: readonly BatchEntry[], from: number): void {
    for (let at = from; at < entries.length; at++) {
      const entry = entries[at];
      const wanted = entry && foreignKeysOf(entry);
      if (wanted !== undefined) return this.#connection.enforceForeignKeys(wanted);
    }
  }

  /** Whether an entry wants foreign keys enforced as they are now. */
  #fits(entry: BatchEntry): boolean {
    return (foreignKeysOf(entry) ?? this.#connection.foreignKeys) === this.#connection.foreignKeys;
  }

  #applyEntry(entry: BatchEntry, expectedIndex: number): void {
    verifyEntry(entry, expectedIndex);
    this.#answers.begin(entry.format);
    if (entry.type !== EntryType.command) {
      this.#answers.end();
      return;
    }
    const header = readHeader(entry);
    const { request } = header;
    if (request !== undefined && !this.#admit(request)) return;
    if (header.type === CommandType.load_sql) throw new NeedsAlone(true);
    if (header.type === CommandType.execute) {
      this.#executeInBatch(entry, executionOf(entry, header, true, 0));
    } else {
      if (this.#connection.quick) throw new NeedsAlone(false);
      const error = this.#connection.own(() => this.#load(entry.data, header));
      if (error !== undefined) this.#answers.error(error, false);
    }
    if (request !== undefined) this.#connection.sessions.record(request, entry.index);
    this.#answers.end();
  }

  /** Whether a request is to be applied; answers one that is not. */
  #admit(request: RequestId): boolean {
    switch (this.#connection.sessions.admit(request)) {
      case "new":
        return true;
      case "duplicate":
        this.#answers.endDuplicate();
        return false;
      case "beyond_window":
        this.#answers.error(
          `Request refused: ${windowMax} others of the same node are not finished`,
          false,
        );
        this.#answers.end();
        return false;
    }
  }

  #executeInBatch(entry: BatchEntry, run: Execution): void {
    const connection = this.#connection;
    if (run.transaction) connection.savepoint();
    const ok = this.#runner.texts(entry, run, resumeAtStart, () => (place, body) => {
      const { kind } = place.prepared;
      if (kind === "pragma" || kind === "vacuum") throw new NeedsAlone(run.counter === 0);
      try {
        body();
      } catch (error) {
        // OR FAIL and RAISE(FAIL) keep what came before the error.
        this.#endInBatch(place, run);
        throw error;
      }
      this.#endInBatch(place, run);
    });
    if (!run.transaction) return;
    if (!ok) connection.rollbackToSavepoint();
    else if (connection.deferredForeignKeys) throw new NeedsAlone(false);
    else connection.releaseSavepoint();
  }

  /** What its commit would do, were the statement alone; throws when only that can tell how it ends. */
  #endInBatch({ prepared }: StatementPlace, { transaction }: Execution): void {
    const connection = this.#connection;
    if (connection.maxRowId.take()) throw new NeedsAlone(false);
    if (!transaction && connection.deferredForeignKeys) throw new NeedsAlone(false);
    if (prepared.readonly) return;
    try {
      connection.flushVirtualTables();
    } catch (error) {
      this.#runner.throwIfLocal(error);
      throw new NeedsAlone(false);
    }
  }

  /** Returns why a piece of a load was refused, or undefined. */
  #load(data: Uint8Array, { type, offset }: CommandHeader): string | undefined {
    const reader = new ByteReader(data, offset);
    const loadId = reader.uint64();
    switch (type) {
      case CommandType.load_chunk:
        return this.#loads.add(loadId, reader.integer(), reader.bytes());
      case CommandType.load_abort:
        this.#loads.abort(loadId);
        return undefined;
      default:
        throw new StoreFailedError(
          `Command of unknown type ${type} in the log: a newer version wrote it, install that`,
        );
    }
  }

  /** Applies an entry in transactions of its own. */
  #applyAlone(entry: BatchEntry): void {
    const connection = this.#connection;
    const { resume, index } = connection.committed;
    verifyEntry(entry, index + 1);
    this.#enforceForeignKeys([entry], 0);
    this.#answers.begin(entry.format);
    const header = readHeader(entry);
    const run = executionOf(entry, header, false, resume.counter);
    if (header.type === CommandType.load_sql) this.#aloneLoad(entry, run, header.request);
    else if (run.transaction) this.#aloneTransaction(entry, run, header.request);
    else this.#aloneStatements(entry, run, resume, header.request);
    this.#answers.end();
  }

  #aloneLoad(entry: BatchEntry, run: Execution, request: RequestId | undefined): void {
    using script = new LoadScript(this.#connection, run);
    this.#aloneTransaction(entry, script.execution, request, script);
  }

  #aloneTransaction(
    entry: BatchEntry,
    run: Execution,
    request: RequestId | undefined,
    script?: LoadScript,
  ): void {
    const connection = this.#connection;
    connection.begin();
    const ok = this.#runner.texts(entry, run, resumeAtStart, () => (place, body) => {
      const guarded = () => this.#withoutMaxRowId(body);
      if (script === undefined) guarded();
      else script.step(place, guarded);
      if (!place.prepared.readonly) connection.flushVirtualTables();
    });
    if (ok) {
      try {
        script?.finish();
        this.#commitEntry(entry, request);
        return;
      } catch (error) {
        this.#runner.throwIfLocal(error);
        // It takes back everything, so it is the only result.
        this.#answers.rewind(0);
        this.#answers.error(messageOf(error), false);
      }
    }
    connection.rollbackStatements();
    connection.begin();
    this.#commitEntry(entry, request);
  }

  #aloneStatements(
    entry: BatchEntry,
    run: Execution,
    start: ResumePoint,
    request: RequestId | undefined,
  ): void {
    const connection = this.#connection;
    this.#runner.texts(entry, run, start, (text) => (place, body) => {
      const behindText = { ...resumeAtStart, statement: text + 1 };
      const behindStatement = place.last
        ? behindText
        : { statement: text, offset: place.offset, parameter: place.parameter };
      const totalBefore = connection.totalChanges;
      const commit = (resume: Omit<ResumePoint, "counter">) =>
        this.#commitStatement(place, totalBefore, { ...resume, counter: run.counter });
      try {
        this.#autocommit(place, body);
        commit(behindStatement);
      } catch (error) {
        this.#runner.throwIfLocal(error);
        let result = error;
        try {
          commit(behindText);
        } catch (atCommit) {
          // OR FAIL and RAISE(FAIL) had left something, which is taken back.
          result = atCommit;
          commit(behindText);
        }
        throw result;
      }
    });
    connection.begin();
    this.#commitEntry(entry, request);
  }

  /** Runs a statement as SQLite does outside of a transaction, up to its commit. */
  #autocommit(place: StatementPlace, body: () => void): void {
    const connection = this.#connection;
    if (place.prepared.kind === "vacuum") {
      if (isVacuumInto(place.sql)) {
        throw new StatementError("VACUUM INTO is refused: copies come from the backup endpoint");
      }
      connection.policy.trusted(body);
    } else {
      connection.begin();
      this.#withoutMaxRowId(body);
    }
  }

  /**
   * Commits what a statement has done, and how far the entry has come. When that fails, all that
   * the statement did is taken back.
   */
  #commitStatement(place: StatementPlace, totalBefore: number, resume: ResumePoint): void {
    const connection = this.#connection;
    if (connection.database.autocommit) connection.begin();
    try {
      this.#commitProgress(resume);
    } catch (error) {
      this.#runner.throwIfLocal(error);
      connection.rollbackStatements();
      if (place.prepared.kind === "change") connection.uncount(totalBefore);
      throw error;
    }
  }

  /** Runs a statement, and refuses it when a row got the largest id, whatever became of that. */
  #withoutMaxRowId(body: () => void): void {
    try {
      body();
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
  }

  #commitEntry(entry: BatchEntry, request: RequestId | undefined): void {
    if (request !== undefined) this.#connection.sessions.record(request, entry.index);
    this.#connection.commit(entry.index, entry.term, resumeAtStart);
  }
}
