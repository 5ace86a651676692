import { assert } from "../../base/assert.ts";
import type { Rehearsal } from "../types.ts";
import { plainFormat } from "../types.ts";
import type { Answers } from "./answers.ts";
import type { ScriptRunner } from "./script_runner.ts";
import type { ScriptRun } from "./script_run.ts";
import type { WriteConnection } from "./write_connection.ts";

/** Steps of a transaction that are to be run on a connection, behind others or as the first ones. */
export interface RehearsedSteps {
  /** Which transaction. */
  readonly id: number;
  /** How many steps it has run before these. */
  readonly done: number;
  /** How many of these stay, and these behind their count: to describe a statement leaves nothing. */
  readonly count: number;
  readonly script: Uint8Array<ArrayBuffer>;
  readonly rights: string | undefined;
  /** Whether foreign keys are enforced, where the cluster is not set to anything. */
  readonly foreignKeys: boolean;
}

/**
 * What came of them; undefined where those before are not open here, and all are to be run again.
 */
export type Rehearsed = Rehearsal | { readonly type: "needs_alone" } | undefined;

interface Open {
  readonly id: number;
  readonly run: ScriptRun;
  /** It is run as a part of a batch would be, which sets nothing for its transaction. */
  readonly inBatch: boolean;
  readonly foreignKeys: boolean;
  /** The connection's count when it began. */
  readonly schemaChanges: number;
  /** Steps that were run. */
  steps: number;
}

/**
 * Runs transactions that are not committed yet, on a connection that writes, and takes them back.
 * That of which a step was run last is left open, so that its next one costs no more than itself:
 * whoever needs the connection, or another the file, has it given up before.
 */
export class Rehearsing {
  readonly #connection: WriteConnection;
  readonly #answers: Answers;
  readonly #scripts: ScriptRunner;
  #open: Open | undefined;

  constructor(connection: WriteConnection, answers: Answers, scripts: ScriptRunner) {
    this.#connection = connection;
    this.#answers = answers;
    this.#scripts = scripts;
  }

  /** Which transaction is open. */
  get open(): number | undefined {
    return this.#open?.id;
  }

  /** How many of a transaction's steps were run and are not taken back. */
  stepsOf(id: number): number {
    return this.#open?.id === id ? this.#open.steps : 0;
  }

  /** Runs steps; as a part of a batch would, with `inBatch`, and then with `needs_alone` for what cannot be. */
  run(steps: RehearsedSteps, inBatch: boolean): Rehearsed {
    assert(this.#answers.entries === 0, "A transaction is rehearsed in the middle of a batch");
    if (steps.done > 0 && steps.done !== this.stepsOf(steps.id)) {
      this.giveUp();
      return undefined;
    }
    let rehearsed: Rehearsed;
    try {
      const goesOn = steps.done > 0 ? this.#open : undefined;
      rehearsed = this.#run(goesOn ?? this.#begin(steps, inBatch), steps);
    } finally {
      this.#answers.truncate(0);
      if (rehearsed?.type !== "same") this.giveUp();
    }
    return rehearsed;
  }

  /** Begins a transaction, in the place of the one that is open. */
  #begin({ id, foreignKeys }: RehearsedSteps, inBatch: boolean): Open {
    if (inBatch && this.#changedRowsOnly(foreignKeys)) this.#takeBackRows();
    else this.#beginAnew(foreignKeys, inBatch);
    const { schemaChanges } = this.#connection;
    const run = this.#scripts.begin(inBatch);
    return this.#open = { id, inBatch, foreignKeys, schemaChanges, steps: 0, run };
  }

  /** What is open is as one that begins but for what it did to rows. */
  #changedRowsOnly(foreignKeys: boolean): boolean {
    const open = this.#open;
    return open !== undefined && open.inBatch && open.foreignKeys === foreignKeys &&
      open.schemaChanges === this.#connection.schemaChanges;
  }

  /** SQLite's transaction goes on: at its end it forgets the pages that it changed, and its locks. */
  #takeBackRows(): void {
    const { transaction, maxRowId, counters, committed } = this.#connection;
    transaction.takeBack();
    maxRowId.take();
    counters.restore(committed);
  }

  #beginAnew(foreignKeys: boolean, inBatch: boolean): void {
    this.giveUp();
    const connection = this.#connection;
    connection.pragmas.beginRequest(foreignKeys);
    try {
      connection.begin();
      if (inBatch) connection.transaction.savepoint();
    } catch (error) {
      connection.rollback();
      connection.pragmas.endRequest();
      throw error;
    }
    if (connection.changes !== undefined) connection.changes.paused = true;
  }

  #run(open: Open, { count, script, rights }: RehearsedSteps): Rehearsed {
    const connection = this.#connection;
    const answers = this.#answers;
    open.steps += count;
    return rehearseSteps(open.run, { script, rights, connection, answers });
  }

  /** Takes back what is open. */
  giveUp(): void {
    if (this.#open === undefined) return;
    this.#open = undefined;
    const connection = this.#connection;
    connection.rollback();
    if (connection.changes !== undefined) connection.changes.paused = false;
    connection.pragmas.endRequest();
  }
}

/** Runs steps, behind their count, as their user may, for what they come to. */
export function rehearseSteps(
  run: ScriptRun,
  { script, rights, connection, answers }: {
    readonly script: Uint8Array;
    readonly rights: string | undefined;
    readonly connection: WriteConnection;
    readonly answers: Answers;
  },
): Exclude<Rehearsed, undefined> {
  const view = new DataView(script.buffer, script.byteOffset, script.byteLength);
  answers.begin(plainFormat);
  const outcome = connection.users.within(rights, () => run.run({ data: script, view }, 0));
  const { results } = answers;
  switch (outcome.type) {
    case "same":
      return { ...outcome, results, deferredForeignKeys: connection.deferredForeignKeys };
    case "rolled_back":
      return { ...outcome, results };
    default:
      return outcome;
  }
}
