import type { Answers } from "./answers.ts";
import { ResultDigests } from "./result_digests.ts";
import type { StatementRunner } from "./statement_runner.ts";
import { type ScriptBytes, type ScriptOutcome, ScriptRun } from "./script_run.ts";
import type { WriteConnection } from "./write_connection.ts";

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
  readonly #digests = new ResultDigests();

  constructor(connection: WriteConnection, answers: Answers, runner: StatementRunner) {
    this.#connection = connection;
    this.#answers = answers;
    this.#runner = runner;
  }

  /** Begins one of which the caller runs the steps; up to its end nobody else uses the connection. */
  begin(inBatch: boolean): ScriptRun {
    const connection = this.#connection;
    connection.counters.restore(newConnection);
    return new ScriptRun({
      connection,
      answers: this.#answers,
      runner: this.#runner,
      digests: this.#digests,
      inBatch,
    });
  }

  /**
   * Runs those that stand at `offset` of an entry; the answer under way is then what the last one
   * is answered. Ends at the first that has other results than before.
   */
  run(script: ScriptBytes, offset: number, inBatch: boolean): ScriptOutcome {
    const { counters } = this.#connection;
    const before = counters.seen;
    const outcome = this.begin(inBatch).run(script, offset);
    counters.restore(before);
    return outcome;
  }
}
