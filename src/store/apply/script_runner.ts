import { sameBytes } from "../../base/bytes.ts";
import type { Execution } from "../codec/command_header.ts";
import { type ReadStep, stepsIn } from "../codec/script_codec.ts";
import { digest, digestBytes } from "../digest.ts";
import { StatementError } from "../failures.ts";
import type { Control } from "../preparation_notes.ts";
import { writeRefused } from "../sql_policy.ts";
import { plainFormat, type Rehearsal } from "../types.ts";
import type { Answers } from "./answers.ts";
import type { BatchEntry } from "./apply_batch.ts";
import type { EntryStatement, EntryStatements, StatementRunner } from "./entry_statements.ts";
import { resumeAtStart } from "./raft_table.ts";
import { Savepoints } from "./savepoints.ts";
import type { WriteConnection } from "./write_connection.ts";

/** What running a script came to. */
export type ScriptOutcome =
  /** All steps had the results that they had before; the last one's digest. */
  | { readonly type: "same"; readonly digest: Uint8Array<ArrayBuffer> }
  | { readonly type: "conflict" }
  /** A statement has rolled the transaction back: OR ROLLBACK, RAISE(ROLLBACK). */
  | { readonly type: "rolled_back" };

/** What last_insert_rowid() and its like say to a program that has just begun. */
const newConnection = { lastInsertRowId: 0, changes: 0, totalChanges: 0 };

/**
 * Runs the steps of a transaction that came in several requests, within a transaction that the
 * caller holds, each by the clock and the seed of its first run. Each has what it is answered as it
 * would have in SQLite itself on a connection of its own: an error takes back its statement, and the
 * transaction goes on; last_insert_rowid() and its like are of what it did itself.
 */
export class ScriptRunner {
  readonly #connection: WriteConnection;
  readonly #answers: Answers;
  readonly #runner: StatementRunner;

  constructor(connection: WriteConnection, answers: Answers, runner: StatementRunner) {
    this.#connection = connection;
    this.#answers = answers;
    this.#runner = runner;
  }

  /**
   * Runs those that stand at `offset` of an entry; the answer under way is then what the last one
   * is answered. Ends at the first that has other results than before.
   */
  run(entry: Pick<BatchEntry, "data" | "view">, offset: number): ScriptOutcome {
    const { counters, committed } = this.#connection;
    counters.restore(newConnection);
    const outcome = this.#run(entry, offset);
    counters.restore(committed);
    return outcome;
  }

  /** Runs the steps of `script`, behind their count, as their user may, for what they come to. */
  rehearse(script: Uint8Array, rights: string | undefined): Rehearsal {
    const connection = this.#connection;
    const answers = this.#answers;
    const view = new DataView(script.buffer, script.byteOffset, script.byteLength);
    answers.begin(plainFormat);
    const outcome = connection.users.within(rights, () => this.run({ data: script, view }, 0));
    const { results } = answers;
    switch (outcome.type) {
      case "same":
        return { ...outcome, results, deferredForeignKeys: connection.deferredForeignKeys };
      case "rolled_back":
        return { ...outcome, results };
      case "conflict":
        return outcome;
    }
  }

  #run(entry: Pick<BatchEntry, "data" | "view">, offset: number): ScriptOutcome {
    const savepoints = new Savepoints(this.#connection);
    let last = new Uint8Array(digestBytes);
    for (const step of stepsIn(entry.data, offset)) {
      this.#answers.beginStep(step.format);
      this.#step(entry, step, savepoints);
      // Of what must be so again, on every node: not of what PRAGMA page_count and its like answer.
      last = digest(this.#answers.sameResults());
      if (step.digest !== undefined && !sameBytes(last, step.digest)) return { type: "conflict" };
      if (this.#connection.database.autocommit) return { type: "rolled_back" };
    }
    return { type: "same", digest: last };
  }

  #step(
    entry: Pick<BatchEntry, "data" | "view">,
    step: ReadStep,
    savepoints: Savepoints,
  ): void {
    const connection = this.#connection;
    const run: Execution = {
      clock: step.clock,
      seed: step.seed,
      timeoutMs: step.timeoutMs,
      transaction: step.atomic,
      stopsAtError: step.atomic,
      unified: step.unified,
      inBatch: false,
      offset: step.offset,
      // SQLite is not to obey what says how others are run: that is done here.
      takes: () => false,
      counter: 0,
    };
    if (step.atomic) connection.transaction.savepoint();
    const statements = this.#runner.statements(entry, run, resumeAtStart);
    for (const statement of statements) {
      try {
        this.#statement(statements, statement, step, savepoints);
      } catch (error) {
        if (connection.database.autocommit) run.stopsAtError = true;
        statements.fail(error);
      }
    }
    if (!step.atomic || connection.database.autocommit) return;
    if (statements.ending === "error") connection.rollbackToSavepoint();
    else connection.transaction.releaseSavepoint();
  }

  #statement(
    statements: EntryStatements,
    statement: EntryStatement,
    step: ReadStep,
    savepoints: Savepoints,
  ): void {
    const connection = this.#connection;
    const { readonly, kind, notes: { control, pragma } } = statement.prepared;
    if (control !== undefined) return carryOut(control, step, savepoints, connection);
    if (kind === "vacuum") throw new StatementError("cannot VACUUM from within a transaction");
    if (step.readOnly && !readonly) throw new StatementError(writeRefused);
    if (pragma !== undefined) {
      statements.run(statement);
      if (pragma.name !== "foreign_keys") connection.pragmas.set(pragma, false);
      return;
    }
    try {
      statements.run(statement);
    } finally {
      this.#refuseMaxRowId();
    }
    if (!readonly) connection.flushVirtualTables();
  }

  /** Behind the largest row id SQLite draws ids at random: whoever reaches it has to begin anew. */
  #refuseMaxRowId(): void {
    if (!this.#connection.maxRowId.take()) return;
    this.#connection.rollbackStatements();
    throw new StatementError(
      "Row id 9223372036854775807 is refused, and the transaction rolled back: behind it SQLite " +
        "draws row ids at random, differently on every node",
    );
  }
}

function carryOut(
  control: Control,
  { atomic, readOnly }: ReadStep,
  savepoints: Savepoints,
  connection: WriteConnection,
): void {
  switch (control.type) {
    case "transaction":
      throw new StatementError(
        control.operation === "BEGIN"
          ? "cannot start a transaction within a transaction"
          : `${control.operation} is refused among other statements: send it in a request of its own`,
      );
    case "savepoint":
      if (atomic) {
        throw new StatementError("SAVEPOINT is refused: the request is one already (transaction)");
      }
      if (readOnly) throw new StatementError(writeRefused);
      return savepoints.control(control);
    case "pragma":
      // SQLite heeds no foreign_keys within a transaction, and here nobody's connection is tuned.
      if (control.name === "legacy_alter_table" && control.value !== undefined) {
        return connection.pragmas.set({ name: control.name, on: control.value }, false);
      }
      if (control.name === "writable_schema") {
        throw new StatementError("PRAGMA writable_schema is refused: only a load may");
      }
  }
}
