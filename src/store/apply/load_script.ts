import type { SqlSource } from "../../sqlite/mod.ts";
import type { Execution } from "../codec/command_header.ts";
import { StatementError } from "../failures.ts";
import { LateForeignKeys } from "./late_foreign_keys.ts";
import { PendingVirtualTables, type VirtualTable } from "./pending_virtual_tables.ts";
import type { Control } from "../preparation_notes.ts";
import { refuseVacuumInto } from "../prepared_statement.ts";
import type { EntryStatement } from "./entry_statements.ts";
import { Savepoints } from "./savepoints.ts";
import type { WriteConnection } from "./write_connection.ts";

/** Of the savepoint that stands for a BEGIN. */
const beginName = "raftlite_load";

/**
 * Carries the SQL text of a load out as the sqlite3 program would, within one transaction, so that
 * all of it is done or nothing.
 *
 * The text goes through the log as it came, and every node runs it: a copy that one node made and
 * sent would have to be of the whole database, since a load adds to what is there. SQLite itself
 * takes the text apart, and tells the policy what a statement controls; that is carried out here:
 *
 * - BEGIN and SAVEPOINT are savepoints, COMMIT and RELEASE release them, ROLLBACK goes back.
 * - Foreign keys of tables that the text creates: {@linkcode LateForeignKeys}.
 * - PRAGMA foreign_keys and legacy_alter_table hold until the text sets them again, or its end.
 * - PRAGMAs that tune a connection, and VACUUM, do nothing.
 * - The rows that `.dump` writes into sqlite_schema for virtual tables: {@linkcode PendingVirtualTables}.
 *
 * Foreign keys that wait for a COMMIT are checked once, at the end of all.
 */
export class LoadScript {
  /** How its statements are to be run. */
  readonly execution: Execution;
  readonly #connection: WriteConnection;
  readonly #savepoints: Savepoints;
  /** Virtual tables that waited when each savepoint began: what a rollback goes back to. */
  readonly #waiting: (readonly VirtualTable[])[] = [];
  readonly #virtualTables: PendingVirtualTables;
  readonly #lateForeignKeys: LateForeignKeys;

  constructor(connection: WriteConnection, run: Execution) {
    this.#connection = connection;
    this.#savepoints = new Savepoints(connection);
    const takes = (source: SqlSource) => {
      if (this.#virtualTables.takes(source)) return true;
      this.#lateForeignKeys.look(source);
      return false;
    };
    this.execution = { ...run, takes };
    this.#virtualTables = new PendingVirtualTables(connection, this.execution);
    this.#lateForeignKeys = new LateForeignKeys(connection);
  }

  /** Does what a statement controls; then SQLite must not run it. False when it controls nothing. */
  carriesOut({ prepared: { notes: { control }, kind }, sql }: EntryStatement): boolean {
    if (control !== undefined) this.#control(control);
    else if (kind === "vacuum") this.#vacuum(sql);
    else return false;
    return true;
  }

  /** At the end of the text: throws when it cannot be its end. */
  finish(): void {
    if (this.#savepoints.depth > 0) {
      throw new StatementError(
        "The SQL text ends within a transaction: COMMIT is missing, it may have been cut short",
      );
    }
    this.#virtualTables.create();
    this.#lateForeignKeys.end();
  }

  #control(control: Control): void {
    switch (control.type) {
      case "transaction":
        if (control.operation === "BEGIN") this.#begin();
        else if (control.operation === "COMMIT") this.#commit();
        else this.#rollback();
        break;
      case "savepoint":
        this.#savepoint(control);
        break;
      case "pragma":
        this.#pragma(control.name, control.value);
        break;
    }
  }

  #begin(): void {
    if (this.#savepoints.depth > 0) {
      throw new StatementError("cannot start a transaction within a transaction");
    }
    this.#enter(beginName);
  }

  #commit(): void {
    if (this.#savepoints.depth === 0) {
      throw new StatementError("cannot commit - no transaction is active");
    }
    this.#savepoints.release(0);
  }

  #rollback(): void {
    if (this.#savepoints.depth === 0) {
      throw new StatementError("cannot rollback - no transaction is active");
    }
    this.#savepoints.rollbackTo(0);
    this.#takeBackWaiting();
    this.#savepoints.release(0);
  }

  #savepoint(control: Extract<Control, { type: "savepoint" }>): void {
    if (control.operation === "BEGIN") return this.#enter(control.name);
    this.#savepoints.control(control);
    if (control.operation !== "RELEASE") this.#takeBackWaiting();
  }

  #enter(name: string): void {
    this.#savepoints.enter(name);
    this.#waiting[this.#savepoints.depth - 1] = this.#virtualTables.waiting;
  }

  /** Behind a rollback to the innermost savepoint. */
  #takeBackWaiting(): void {
    this.#virtualTables.waiting = this.#waiting[this.#savepoints.depth - 1] ?? [];
  }

  #pragma(name: string, value: boolean | undefined): void {
    const { pragmas } = this.#connection;
    const on = value === true;
    switch (name) {
      case "foreign_keys":
        // Within a transaction SQLite does not heed it.
        if (this.#savepoints.depth > 0) break;
        this.#lateForeignKeys.end();
        pragmas.set({ name, on }, false);
        break;
      case "legacy_alter_table":
        pragmas.set({ name, on }, false);
        break;
      case "writable_schema":
        this.#virtualTables.allowed = on;
        break;
    }
  }

  #vacuum(sql: string): void {
    refuseVacuumInto(sql);
    if (this.#savepoints.depth > 0) {
      throw new StatementError("cannot VACUUM from within a transaction");
    }
  }
}
