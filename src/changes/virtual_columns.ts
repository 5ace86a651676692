import { ByteReader, ByteWriter } from "../base/bytes.ts";
import { type Database, Determinism, type Library, type Statement } from "../sqlite/mod.ts";
import { identifier } from "../sqlite/identifier.ts";
import { bindNext, skipValue, writeColumn } from "./value_codec.ts";

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

  /** Throws where the definition needs more than SQLite has by itself. */
  constructor(
    library: Library,
    { name, sql, given, virtual }: {
      readonly name: string;
      /** The statement that creates it. */
      readonly sql: string;
      /** Columns that are not generated, in the order of their values. */
      readonly given: readonly string[];
      readonly virtual: readonly string[];
    },
  ) {
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
      this.#read = this.#database.prepare(`SELECT ${list(virtual)} FROM ${table}`);
      this.#empty = this.#database.prepare(`DELETE FROM ${table}`);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * The values of the virtual columns for a row whose stored values are written in `row`; `isGiven`
   * says which of those are not generated. Undefined where SQLite fails to work them out.
   */
  valuesFor(row: Uint8Array, isGiven: readonly boolean[]): Uint8Array | undefined {
    const reader = new ByteReader(row);
    let parameter = 1;
    for (const given of isGiven) {
      if (given) bindNext(this.#insert, parameter++, reader);
      else skipValue(reader);
    }
    try {
      this.#insert.run();
      if (!this.#read.step()) return undefined;
      const writer = new ByteWriter();
      for (let i = 0; i < this.#read.columnCount; i++) writeColumn(this.#read, i, writer);
      return writer.copy();
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
