import { sameBytes } from "../../base/bytes.ts";
import type { Execution } from "../codec/command_header.ts";
import { type ReadStep, stepsIn } from "../codec/script_codec.ts";
import { digestBytes } from "../digest.ts";
import { StatementError } from "../failures.ts";
import type { Control } from "../preparation_notes.ts";
import { writeRefused } from "../sql_policy.ts";
import type { Answers } from "./answers.ts";
import type { BatchEntry } from "./apply_batch.ts";
import type { EntryStatement, EntryStatements } from "./entry_statements.ts";
import type { StatementRunner } from "./statement_runner.ts";
import { resumeAtStart } from "./raft_table.ts";
import type { ResultDigests } from "./result_digests.ts";
import { Savepoints } from "./savepoints.ts";
import type { WriteConnection } from "./write_connection.ts";

/** What running a script came to. */
export type ScriptOutcome =
  /** All steps had the results that they had before; the last one's digest. */
  | {
    readonly type: "same";
    readonly digest: Uint8Array<ArrayBuffer>;
    /** Something in it may have written. */
    readonly writes: boolean;
  }
  | { readonly type: "conflict" }
  /** A statement has rolled the transaction back: OR ROLLBACK, RAISE(ROLLBACK). */
  | { readonly type: "rolled_back" }
  /** On a connection that only holds what is committed: the last step wants to write. */
  | { readonly type: "writes" }
  /** Beside others in a transaction it cannot be told; nor on the main thread, what takes long. */
  | { readonly type: "needs_alone" };

/** How a script is run. */
export interface ScriptPlace {
  readonly connection: WriteConnection;
  readonly answers: Answers;
  readonly runner: StatementRunner;
  readonly digests: ResultDigests;
  /**
   * It shares its transaction with others, or would, were it committed: what such a one cannot hold
   * ends it with `needs_alone`, and statements are kept prepared.
   */
  readonly inBatch: boolean;
}

/** Steps of a script, as they lie in an entry. */
export type ScriptBytes = Pick<BatchEntry, "data" | "view">;

/**
 * One transaction that came in several requests, as it is run on a connection: its savepoints, and
 * what ended it.
 */
export class ScriptRun {
  readonly #place: ScriptPlace;
  readonly #savepoints: Savepoints;
  #outcome: Exclude<ScriptOutcome, { readonly type: "same" }> | undefined;
  #writes = false;

  constructor(place: ScriptPlace) {
    this.#place = place;
    this.#savepoints = new Savepoints(place.connection);
  }

  /** Runs the steps that stand at `offset`, behind those that it ran before, up to its end. */
  run(script: ScriptBytes, offset: number): ScriptOutcome {
    const { answers, connection, digests } = this.#place;
    let last = new Uint8Array(digestBytes);
    for (const step of stepsIn(script.data, offset)) {
      answers.beginStep(step.format);
      const names = connection.holds ? this.#savepoints.names : [];
      if (this.#changesForeignKeys(step)) {
        this.#outcome = { type: "needs_alone" };
        break;
      }
      connection.pragmas.withForeignKeys(step.foreignKeys, () => this.#step(script, step));
      if (this.#outcome?.type === "writes") return this.#refuse(step, names);
      if (this.#outcome?.type === "needs_alone") break;
      // Of what must be so again, on every node: not of what PRAGMA page_count and its like answer.
      last = digests.of(answers);
      if (step.digest !== undefined && !sameBytes(last, step.digest)) {
        this.#outcome = { type: "conflict" };
      }
      if (this.#outcome !== undefined) break;
    }
    return this.#outcome ?? { type: "same", digest: last, writes: this.#writes };
  }

  /** Others' statements are kept prepared as foreign keys are now. */
  #changesForeignKeys({ foreignKeys }: ReadStep): boolean {
    const { connection, inBatch } = this.#place;
    return inBatch && foreignKeys !== undefined && foreignKeys !== connection.foreignKeys;
  }

  /** A step that wants to write has had no effect: it has only read. */
  #refuse({ atomic }: ReadStep, savepoints: readonly string[]): ScriptOutcome {
    if (atomic) this.#place.connection.rollbackToSavepoint();
    else this.#savepoints.restore(savepoints);
    this.#outcome = undefined;
    return { type: "writes" };
  }

  #step(script: ScriptBytes, step: ReadStep): void {
    const { connection, runner, inBatch } = this.#place;
    const run: Execution = {
      clock: step.clock,
      seed: step.seed,
      timeoutMs: step.timeoutMs,
      transaction: step.atomic,
      stopsAtError: step.atomic,
      unified: step.unified,
      inBatch,
      offset: step.offset,
      // SQLite is not to obey what says how others are run: that is done here.
      takes: () => false,
      counter: 0,
    };
    if (step.atomic) connection.transaction.savepoint();
    const statements = runner.statements(script, run, resumeAtStart);
    for (const statement of statements) {
      try {
        this.#statement(statements, statement, step);
      } catch (error) {
        if (connection.database.autocommit) run.stopsAtError = true;
        statements.fail(error);
      }
      if (this.#outcome !== undefined) return;
    }
    if (statements.ending === "needs_alone") this.#outcome = { type: "needs_alone" };
    else if (connection.database.autocommit) this.#outcome = { type: "rolled_back" };
    if (this.#outcome !== undefined || !step.atomic) return;
    if (statements.ending === "error") connection.rollbackToSavepoint();
    else connection.transaction.releaseSavepoint();
  }

  #statement(statements: EntryStatements, statement: EntryStatement, step: ReadStep): void {
    const { connection, inBatch } = this.#place;
    const { readonly, kind, notes: { control, pragma } } = statement.prepared;
    if (inBatch && !this.#fitsBatch(statement)) {
      this.#outcome = { type: "needs_alone" };
      return;
    }
    if (control !== undefined) return carryOut(control, step, this.#savepoints, connection);
    if (kind === "vacuum") throw new StatementError("cannot VACUUM from within a transaction");
    if (step.readOnly && !readonly) throw new StatementError(writeRefused);
    if (!readonly && connection.holds) {
      this.#outcome = { type: "writes" };
      return;
    }
    if (pragma !== undefined) {
      statements.run(statement);
      if (pragma.name !== "foreign_keys") connection.pragmas.set(pragma, false);
      return;
    }
    this.#writes ||= !readonly;
    try {
      statements.run(statement);
    } finally {
      this.#refuseMaxRowId();
    }
    if (!readonly) connection.flushVirtualTables();
  }

  /** What sets things for its own transaction, or changes the schema, has one to itself. */
  #fitsBatch(
    { prepared: { readonly, kind, notes: { control, pragma } } }: EntryStatement,
  ): boolean {
    const { connection } = this.#place;
    if (connection.quick && connection.limits.isLate()) return false;
    if (control !== undefined) return control.type !== "pragma";
    return pragma === undefined && (kind === "change" || (readonly && kind !== "pragma"));
  }

  /** Behind the largest row id SQLite draws ids at random: whoever reaches it has to begin anew. */
  #refuseMaxRowId(): void {
    const { connection, inBatch } = this.#place;
    if (!connection.maxRowId.take()) return;
    if (inBatch) {
      this.#outcome = { type: "needs_alone" };
      return;
    }
    connection.rollbackStatements();
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
