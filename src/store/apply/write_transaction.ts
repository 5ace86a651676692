import { assert } from "../../base/assert.ts";
import type { ChangeMark, ChangeRecorder } from "../../changes/recorder.ts";
import type { Database, Statement } from "../../sqlite/mod.ts";

/** The transaction of a connection that writes, and the savepoints in it. It changes no rows. */
export class WriteTransaction {
  readonly #database: Database;
  /** Runs the store's own SQL. */
  readonly #trusted: (body: () => void) => void;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #rollback: Statement;
  readonly #savepoint: Statement;
  readonly #release: Statement;
  readonly #rollbackTo: Statement;
  readonly #changes: ChangeRecorder | undefined;
  /** Savepoints under way, each with where it began in what is recorded. */
  readonly #savepoints: (ChangeMark | undefined)[] = [];

  constructor(
    database: Database,
    trusted: (body: () => void) => void,
    changes: ChangeRecorder | undefined,
  ) {
    this.#database = database;
    this.#changes = changes;
    this.#trusted = trusted;
    const prepare = (sql: string) => database.prepare(sql, { persistent: true });
    this.#begin = prepare("BEGIN IMMEDIATE");
    this.#commit = prepare("COMMIT");
    this.#rollback = prepare("ROLLBACK");
    this.#savepoint = prepare("SAVEPOINT raftlite_entry");
    this.#release = prepare("RELEASE raftlite_entry");
    this.#rollbackTo = prepare("ROLLBACK TO raftlite_entry");
  }

  begin(): void {
    this.assertNone();
    this.#run(this.#begin);
    this.#changes?.begin();
  }

  /** There is none, as before the first entry of a batch and behind its last. */
  assertNone(): void {
    assert(this.#database.autocommit, "A transaction was left open");
    assert(this.#savepoints.length === 0, "A savepoint was left without a transaction");
  }

  /** To be called among what the store does itself: with the limits lifted. */
  commit(): void {
    assert(this.#savepoints.length === 0, "A savepoint was left at the end of its transaction");
    this.#run(this.#commit);
    assert(this.#database.autocommit, "A transaction went on behind its commit");
  }

  /** Unless SQLite has done so. */
  rollback(): void {
    this.#savepoints.length = 0;
    if (this.#database.inTransaction) this.#run(this.#rollback);
    this.#changes?.rollback();
  }

  savepoint(): void {
    this.#run(this.#savepoint);
    this.#savepoints.push(this.#changes?.mark());
  }

  releaseSavepoint(): void {
    assert(this.#savepoints.length > 0, "A savepoint was released that had not begun");
    this.#run(this.#release);
    this.#savepoints.pop();
  }

  /** Takes back what happened since `savepoint`, and forgets it. */
  rollbackToSavepoint(): void {
    this.takeBack();
    this.releaseSavepoint();
  }

  /** Takes back what happened since `savepoint`, which goes on. */
  takeBack(): void {
    assert(this.#savepoints.length > 0, "A savepoint was rolled back to that had not begun");
    this.#run(this.#rollbackTo);
    const mark = this.#savepoints[this.#savepoints.length - 1];
    if (mark !== undefined) this.#changes?.rollbackTo(mark);
  }

  #run(statement: Statement): void {
    this.#trusted(() => {
      statement.step();
      statement.reset();
    });
  }
}
