import { type Database, Determinism, type Library, type Statement } from "../sqlite/mod.ts";
import { identifier } from "../sqlite/identifier.ts";
import type { ChangedColumn } from "./types.ts";
import { bindWanted, writtenRow } from "./value_codec.ts";

/**
 * A table of the same definition as one with VIRTUAL generated columns, in memory: it holds a row at
 * a time, and works out what SQLite does not tell of a row that changes.
 */
export class VirtualColumns implements Disposable {
  readonly #determinism: Determinism;
  readonly #database: Database;
  readonly #insert: Statement;
  readonly #read: Statement;
  readonly #empty: Statement;
  readonly #isGiven: readonly boolean[];

  /** Throws where the definition needs more than SQLite has by itself. */
  constructor(
    library: Library,
    { name, sql, columns }: {
      readonly name: string;
      /** The statement that creates it. */
      readonly sql: string;
      /** All of them, in the table's order. */
      readonly columns: readonly ChangedColumn[];
    },
  ) {
    const named = (kind: ChangedColumn["generated"]) =>
      columns.filter(({ generated }) => generated === kind).map(({ name }) => name);
    const given = named("no");
    this.#isGiven = columns.filter(({ generated }) => generated !== "virtual")
      .map(({ generated }) => generated === "no");
    this.#determinism = new Determinism(library);
    this.#database = this.#determinism.open(":memory:");
    try {
      this.#database.exec("PRAGMA ignore_check_constraints = ON");
      this.#database.exec(sql);
      const list = (names: readonly string[]) => names.map(identifier).join(", ");
      const places = given.map(() => "?").join(", ");
      const table = identifier(name);
      this.#insert = this.#database.prepare(
        given.length === 0
          ? `INSERT INTO ${table} DEFAULT VALUES`
          : `INSERT INTO ${table} (${list(given)}) VALUES (${places})`,
      );
      this.#read = this.#database.prepare(`SELECT ${list(named("virtual"))} FROM ${table}`);
      this.#empty = this.#database.prepare(`DELETE FROM ${table}`);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * The values of the virtual columns for a row whose stored values are written in `row`. Undefined
   * where SQLite fails to work them out.
   */
  valuesFor(row: Uint8Array): Uint8Array | undefined {
    bindWanted(this.#insert, row, this.#isGiven);
    try {
      this.#insert.run();
      return this.#read.step() ? writtenRow(this.#read) : undefined;
    } catch {
      return undefined;
    } finally {
      this.#read.reset();
      this.#empty.run();
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
    this.#determinism.close();
  }
}
