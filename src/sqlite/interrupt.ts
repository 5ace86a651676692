import type { Database } from "./database.ts";
import type { Library } from "./library.ts";

/**
 * Lets another thread interrupt what a connection runs, and only that.
 *
 * It is shared memory with a lock, the connection's address and the number of the task that runs.
 * The owner takes the address out under the lock before it closes the connection, and the other
 * side calls sqlite3_interrupt only while it holds the lock: so never on a closed connection, and
 * never on a task other than the one meant. The lock is held for less than a microsecond.
 */
export declare class InterruptCell {
  /** A new cell, or one made elsewhere, from its `memory`. */
  constructor(memory?: SharedArrayBuffer);
  readonly memory: SharedArrayBuffer;

  /** Owner: from now on `database` can be interrupted. */
  attach(database: Database): void;
  /** Owner: must come before `Database.close`. */
  detach(): void;
  /** Owner: starts `task`, a number above 0. */
  begin(task: number): void;
  /** Owner: nothing runs. Returns whether the task was interrupted. */
  end(): boolean;
  /** Owner: whether the running task was asked to stop; to be asked before each statement. */
  get interrupted(): boolean;
  /**
   * Other thread: interrupts `task`; false when it is no longer running. SQLite forgets an
   * interrupt that comes before the first step, so call again, a little later, while it says true.
   */
  interrupt(library: Library, task: number): boolean;
}
