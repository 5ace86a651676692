import { foldName } from "../../access/table_rights.ts";
import type { ChangeMark } from "../../changes/recorder.ts";
import { StatementError } from "../failures.ts";
import { identifier } from "../../sqlite/identifier.ts";
import type { Control } from "../preparation_notes.ts";
import type { WriteConnection } from "./write_connection.ts";

/** The savepoints that SQL has begun within a transaction, as SQLite nests them. */
export class Savepoints {
  readonly #connection: WriteConnection;
  readonly #names: string[] = [];
  /** Where each began in what is recorded of changes. */
  readonly #marks: (ChangeMark | undefined)[] = [];

  constructor(connection: WriteConnection) {
    this.#connection = connection;
  }

  /** Does what SQL says of a savepoint; SQLite must not run it again. Throws a StatementError. */
  control({ operation, name }: Extract<Control, { type: "savepoint" }>): void {
    if (operation === "BEGIN") this.enter(name);
    else if (operation === "RELEASE") this.release(this.#find(name));
    else this.rollbackTo(this.#find(name));
  }

  /** How many are under way. */
  get depth(): number {
    return this.#names.length;
  }

  /** Their names, from the outermost on. */
  get names(): readonly string[] {
    return [...this.#names];
  }

  /** Has those be under way that were, in a transaction that only reads: they keep nothing. */
  restore(names: readonly string[]): void {
    if (this.#names.length > 0) this.release(0);
    for (const name of names) this.enter(name);
  }

  enter(name: string): void {
    this.#run(`SAVEPOINT ${inSqlite(name)}`);
    this.#names.push(name);
    this.#marks.push(this.#connection.changes?.mark());
  }

  /** Ends the one with this number, and all in it. */
  release(level: number): void {
    this.#unwind(level);
    const ended = this.#names.pop();
    this.#marks.pop();
    if (ended !== undefined) this.#run(`RELEASE ${inSqlite(ended)}`);
  }

  /** Takes back what happened since the one with this number began; it goes on. */
  rollbackTo(level: number): void {
    this.#unwind(level);
    const kept = this.#names[level];
    if (kept === undefined) return;
    this.#run(`ROLLBACK TO ${inSqlite(kept)}`);
    const mark = this.#marks[level];
    if (mark !== undefined) this.#connection.changes?.rollbackTo(mark);
    this.#connection.takeBackSchema();
  }

  /** Ends what began within a level, one by one: two may have the same name. */
  #unwind(level: number): void {
    while (this.#names.length > level + 1) this.release(this.#names.length - 1);
  }

  #find(name: string): number {
    const wanted = foldName(name);
    const level = this.#names.findLastIndex((other) => foldName(other) === wanted);
    if (level < 0) throw new StatementError(`no such savepoint: ${name}`);
    return level;
  }

  #run(sql: string): void {
    this.#connection.own(() => this.#connection.database.exec(sql));
  }
}

/** None of the store's own has such a name: what goes back to that would stop at this one. */
function inSqlite(name: string): string {
  return identifier(`sql ${name}`);
}
