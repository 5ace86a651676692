import { connectionError } from "./connection_error.ts";
import type { Database } from "./database.ts";
import { ResultCode } from "./error.ts";
import type { Library } from "./library.ts";
import { encodeCString } from "./memory.ts";

export interface BackupOptions {
  /** Default "main", as the next. */
  readonly destinationSchema?: string;
  readonly sourceSchema?: string;
}

/**
 * Copies one database into another, some pages at a time. Closing either connection closes the
 * backup first. https://www.sqlite.org/c3ref/backup_finish.html
 */
export class Backup implements Disposable {
  readonly #library: Library;
  readonly #c: Library["symbols"];
  readonly #databases: readonly Database[];
  #pointer: Deno.PointerValue;

  constructor(destination: Database, source: Database, options: BackupOptions = {}) {
    this.#library = destination.library;
    this.#c = this.#library.symbols;
    this.#pointer = this.#c.sqlite3_backup_init(
      destination.pointer,
      encodeCString(options.destinationSchema ?? "main"),
      source.pointer,
      encodeCString(options.sourceSchema ?? "main"),
    );
    if (this.#pointer === null) {
      const code = this.#c.sqlite3_extended_errcode(destination.pointer);
      throw connectionError(this.#library, destination.pointer, code);
    }
    this.#databases = [destination, source];
    for (const database of this.#databases) database.dependents.add(this);
  }

  /** Copies up to `pages` (-1: all); true when all are copied. After SQLITE_BUSY or _LOCKED it may be called again. */
  step(pages: number): boolean {
    const code = this.#c.sqlite3_backup_step(this.#live(), pages);
    if (code === ResultCode.done) return true;
    if (code === ResultCode.ok) return false;
    throw connectionError(this.#library, null, code);
  }

  /** Ends it; a destination that did not get all pages is rolled back. More than once does nothing. */
  close(): void {
    if (this.#pointer === null) return;
    // What it returns is the error of a step, which has been thrown there.
    this.#c.sqlite3_backup_finish(this.#pointer);
    this.#pointer = null;
    for (const database of this.#databases) database.dependents.delete(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #live(): Deno.PointerValue {
    if (this.#pointer === null) throw new TypeError("Backup is closed");
    return this.#pointer;
  }
}
