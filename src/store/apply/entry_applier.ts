import { assert, InvariantError } from "../../base/assert.ts";
import { ByteReader } from "../../base/bytes.ts";
import { EntryType } from "../../raft/types.ts";
import { AloneApplier } from "./alone_applier.ts";
import type { Answers } from "./answers.ts";
import type { BatchEntry } from "./apply_batch.ts";
import { CommandType } from "../codec/command_codec.ts";
import { stampOf } from "../codec/stamp.ts";
import {
  type CommandHeader,
  type Execution,
  executionOf,
  foreignKeysOf,
  isLoadCommit,
  malformedCommand,
  MalformedCommandError,
  readHeader,
  verifyCommandIn,
  verifyEntry,
} from "../codec/command_header.ts";
import { isFailedSync, StoreFailedError } from "../failures.ts";
import { KeyedRequests } from "./keyed_requests.ts";
import { LoadTable } from "./load_table.ts";
import { resumeAtStart } from "./raft_table.ts";
import { windowMax } from "./sessions.ts";
import { ScriptRunner } from "./script_runner.ts";
import type { EntryStatement } from "./entry_statements.ts";
import { StatementRunner } from "./statement_runner.ts";
import { staysInBatch } from "../prepared_statement.ts";
import { type RequestId, scriptConflict } from "../types.ts";
import type { UpkeepWatch } from "./upkeep.ts";
import type { WriteConnection } from "./write_connection.ts";

/** Commands that are transactions of their own. */
const aloneTypes: readonly number[] = [
  CommandType.load_sql,
  CommandType.upkeep,
  CommandType.changes_cursor,
];

/**
 * What came of an entry in a batch's transaction. One that cannot be applied in it (it ends the
 * transaction, cannot run in one, leaves foreign keys to be checked when its own would commit, or is
 * no command) needs to be alone: "untouched" when it has had no effect yet, so that what came before it can be
 * committed.
 */
type Outcome = "applied" | "needs_alone" | "needs_alone_untouched";

/**
 * Applies committed entries, many to a transaction, each with exactly the result that it would
 * have alone.
 *
 * An error within a statement takes back that statement only (SQLite's ABORT), and so needs
 * nothing here. An entry that a shared transaction cannot hold makes its batch be rolled back; what
 * came before it is applied again and committed, then the entry alone, and then the rest. A batch
 * also ends where an entry wants foreign keys enforced and the one before it does not: a
 * transaction cannot change that. Whether they are is set for the cluster or, if it is not, says
 * the flag of the leader that stamped the entry.
 */
export class EntryApplier {
  readonly #connection: WriteConnection;
  readonly #answers: Answers;
  readonly loads: LoadTable;
  readonly #runner: StatementRunner;
  readonly scripts: ScriptRunner;
  readonly #keyed: KeyedRequests;
  readonly #alone: AloneApplier;

  constructor(
    connection: WriteConnection,
    answers: Answers,
    watch?: UpkeepWatch,
  ) {
    this.#connection = connection;
    this.#answers = answers;
    this.loads = connection.own(() => new LoadTable(connection.database));
    this.#runner = new StatementRunner(connection, answers);
    this.#keyed = new KeyedRequests(connection, answers);
    this.scripts = new ScriptRunner(connection, answers, this.#runner);
    this.#alone = new AloneApplier({
      connection,
      answers,
      scripts: this.scripts,
      runner: this.#runner,
      keyed: this.#keyed,
      watch,
    });
  }

  /**
   * Applies entries from number `from` on. Returns how many of all are applied: fewer when the next
   * one is a load_commit, which the caller carries out.
   */
  apply(entries: readonly BatchEntry[], from: number): number {
    const next = this.#applyFrom(entries, from);
    const { transaction, committed } = this.#connection;
    transaction.assertNone();
    const last = next > from ? entries[next - 1]?.index : committed.index;
    assert(committed.index === last, `Entry ${last} is applied, ${committed.index} committed`);
    assert(this.#answers.entries === next, `${next} entries have ${this.#answers.entries} answers`);
    return next;
  }

  #applyFrom(entries: readonly BatchEntry[], from: number): number {
    let next = from;
    while (next < entries.length) {
      const first = entries[next];
      if (first !== undefined) this.#keyed.makeRoom(first);
      // After a crash between the statements of an entry that one goes on alone.
      let alone = this.#connection.committed.resume !== resumeAtStart;
      if (!alone) ({ next, alone } = this.#applyTogether(entries, next));
      const entry = entries[next];
      if (entry === undefined || isLoadCommit(entry)) return next;
      if (alone) {
        this.#alone.apply(entry);
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
      let outcome: Outcome = "applied";
      this.#connection.begin();
      for (; next < to; next++) {
        const entry = entries[next];
        if (entry === undefined || isLoadCommit(entry) || !this.#fits(entry)) break;
        if (!this.#keyed.hasRoom(entry)) break;
        outcome = this.#applyEntry(entry, this.#connection.committed.index + 1 + next - from);
        if (outcome !== "applied") break;
      }
      if (outcome !== "applied") {
        to = next;
        alone = true;
        if (outcome === "needs_alone") {
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
    const last = entries[entries.length - 1];
    if (
      last === undefined || connection.committed.resume !== resumeAtStart ||
      entries.some(isLoadCommit)
    ) return false;
    let failure: unknown;
    try {
      this.#enforceForeignKeys(entries, 0);
      const hasRoom = entries.every((entry) => this.#keyed.makeRoom(entry));
      connection.begin();
      if (hasRoom && this.#applyAll(entries)) {
        connection.commit(last.index, last.term, resumeAtStart);
        return true;
      }
    } catch (error) {
      failure = error;
    }
    connection.rollback();
    this.#answers.truncate(0);
    if (isFailedSync(failure) || failure instanceof InvariantError) throw failure;
    // Whatever else it was: the writer finds it again, and knows what to do.
    return false;
  }

  #applyAll(entries: readonly BatchEntry[]): boolean {
    const connection = this.#connection;
    let expectedIndex = connection.committed.index + 1;
    for (const entry of entries) {
      if (connection.limits.isLate() || !this.#fits(entry)) return false;
      if (this.#applyEntry(entry, expectedIndex++) !== "applied") return false;
    }
    return true;
  }

  /** Enforces them as the first entry, from number `from` on, that says so wants it. */
  #enforceForeignKeys(entries: readonly BatchEntry[], from: number): void {
    for (let at = from; at < entries.length; at++) {
      const entry = entries[at];
      const flag = entry && foreignKeysOf(entry);
      if (flag !== undefined) return this.#connection.pragmas.enforceForeignKeys(flag);
    }
  }

  /** Whether an entry wants foreign keys enforced as they are now. */
  #fits(entry: BatchEntry): boolean {
    const { foreignKeys, pragmas } = this.#connection;
    const flag = foreignKeysOf(entry);
    return flag === undefined || pragmas.wantedForeignKeys(flag) === foreignKeys;
  }

  #applyEntry(entry: BatchEntry, expectedIndex: number): Outcome {
    verifyEntry(entry, expectedIndex);
    if (entry.type !== EntryType.command) {
      this.#answers.begin(entry.format);
      this.#answers.end();
      return "applied";
    }
    try {
      verifyCommandIn(entry);
      const { changes } = this.#connection;
      changes?.beginEntry(entry.index, stampOf(entry.view).clock, false);
      this.#answers.begin(entry.format);
      return this.#applyCommand(entry);
    } catch (error) {
      if (error instanceof StoreFailedError || malformedCommand(entry) === undefined) throw error;
      return error instanceof MalformedCommandError ? "needs_alone_untouched" : "needs_alone";
    }
  }

  #applyCommand(entry: BatchEntry): Outcome {
    const header = readHeader(entry);
    const { request } = header;
    if (request !== undefined && !this.#admit(request)) return "applied";
    const isNew = this.#keyed.admit(entry, header);
    let isKept = isNew;
    if (isNew && aloneTypes.includes(header.type)) return "needs_alone_untouched";
    if (!isNew) {
      // Its answer is there.
    } else if (header.type === CommandType.script) {
      const { users } = this.#connection;
      const outcome = users.within(header.rights, () => this.#script(entry, header));
      if (outcome === "needs_alone") return outcome;
      // Nothing was done: under its key it may be tried anew.
      isKept = outcome !== "conflict";
    } else if (header.type === CommandType.execute) {
      const run = executionOf(entry, header, true, 0);
      const { users } = this.#connection;
      const outcome = users.within(header.rights, () => this.#execute(entry, run));
      if (outcome !== "applied") return outcome;
    } else {
      if (this.#connection.quick) return "needs_alone";
      const error = this.#connection.own(() => this.#load(entry.data, header));
      if (error !== undefined) this.#answers.error(error, false);
    }
    if (isKept) this.#keyed.keep(entry, header, true);
    if (request !== undefined) this.#connection.sessions.record(request, entry.index);
    this.#answers.end();
    return "applied";
  }

  /** Commits a transaction of several requests as a part of the batch's. */
  #script(entry: BatchEntry, { offset }: CommandHeader): "applied" | "conflict" | "needs_alone" {
    const connection = this.#connection;
    connection.transaction.savepoint();
    const { type } = this.scripts.run(entry, offset, true);
    if (type !== "same" && type !== "conflict") return "needs_alone";
    this.#answers.rewind(0);
    if (type === "conflict") {
      connection.rollbackToSavepoint();
      this.#answers.error(scriptConflict, false);
      return "conflict";
    }
    if (connection.deferredForeignKeys) return "needs_alone";
    connection.transaction.releaseSavepoint();
    return "applied";
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

  #execute(entry: BatchEntry, run: Execution): Outcome {
    const connection = this.#connection;
    if (run.transaction) connection.transaction.savepoint();
    const statements = this.#runner.statements(entry, run, resumeAtStart);
    for (const statement of statements) {
      if (!staysInBatch(statement.prepared)) {
        if (run.counter > 0) return "needs_alone";
        if (run.transaction) connection.transaction.releaseSavepoint();
        return "needs_alone_untouched";
      }
      let failure: { readonly error: unknown } | undefined;
      try {
        statements.run(statement);
      } catch (error) {
        failure = { error };
      }
      // OR FAIL and RAISE(FAIL) keep what came before the error.
      if (!this.#endsInBatch(statement, run)) return "needs_alone";
      if (failure !== undefined) statements.fail(failure.error);
      if (!run.transaction) connection.changes?.endTransaction();
    }
    const { ending } = statements;
    if (ending === "needs_alone") return "needs_alone";
    if (!run.transaction) return "applied";
    if (ending === "error") connection.rollbackToSavepoint();
    else if (connection.deferredForeignKeys) return "needs_alone";
    else connection.transaction.releaseSavepoint();
    return "applied";
  }

  /** Does what its commit would, were the statement alone; false when only that can tell how it ends. */
  #endsInBatch({ prepared }: EntryStatement, { transaction }: Execution): boolean {
    const connection = this.#connection;
    if (connection.maxRowId.take()) return false;
    if (!transaction && connection.deferredForeignKeys) return false;
    if (prepared.readonly) return true;
    try {
      connection.flushVirtualTables();
      return true;
    } catch (error) {
      this.#runner.throwIfLocal(error);
      return false;
    }
  }

  /** Returns why a piece of a load was refused, or undefined. */
  #load(data: Uint8Array, { type, offset }: CommandHeader): string | undefined {
    const reader = new ByteReader(data, offset);
    const loadId = reader.uint64();
    switch (type) {
      case CommandType.load_chunk:
        return this.loads.add(loadId, reader.integer(), reader.bytes());
      case CommandType.load_abort:
        this.loads.abort(loadId);
        return undefined;
      default:
        throw new StoreFailedError(
          `Command of unknown type ${type} in the log: a newer version wrote it, install that`,
        );
    }
  }
}
