import { type HranaError, ProtocolError } from "./errors.ts";
import { isKept, type OnlyStatement, readStatement } from "./only_statement.ts";
import type { SqlSource } from "./types.ts";

/** Texts that a stream keeps, and characters of all of them. */
const textsMax = 150;
const charactersMax = 256 * 1024;

interface StoredText {
  readonly sql: string;
  /** Undefined before it was run. */
  read: OnlyStatement | undefined;
}

/** The texts of SQL that a stream keeps for its client, by numbers that the client has chosen. */
export class StoredSql {
  readonly #texts = new Map<number, StoredText>();
  #characters = 0;

  get size(): number {
    return this.#texts.size;
  }

  /** Of all texts. */
  get characters(): number {
    return this.#characters;
  }

  /** Keeps a text, in place of another with its number; or says why not. */
  store(id: number, sql: string): HranaError | undefined {
    const before = this.#texts.get(id)?.sql;
    if (before === undefined && this.#texts.size >= textsMax) {
      return {
        message: `More than ${textsMax} texts of SQL are stored`,
        code: "SQL_STORE_TOO_MANY",
      };
    }
    const characters = this.#characters + sql.length - (before?.length ?? 0);
    if (characters > charactersMax) {
      return {
        message: `The stored texts of SQL are longer than ${charactersMax} characters`,
        code: "SQL_STORE_TOO_LARGE",
      };
    }
    this.#texts.set(id, { sql, read: undefined });
    this.#characters = characters;
    return undefined;
  }

  close(id: number): void {
    this.#characters -= this.#texts.get(id)?.sql.length ?? 0;
    this.#texts.delete(id);
  }

  /** Throws a ProtocolError for a number that none is kept under. */
  textOf(source: SqlSource): string {
    if ("sql" in source) return source.sql;
    return this.#under(source.sqlId).sql;
  }

  /** The statement of a text, which is looked through once however often it is run. */
  read(id: number): OnlyStatement {
    const text = this.#under(id);
    if (text.read !== undefined) return text.read;
    const read = readStatement(text.sql);
    if (isKept(read)) text.read = read;
    return read;
  }

  #under(id: number): StoredText {
    const text = this.#texts.get(id);
    if (text === undefined) throw new ProtocolError(`No SQL is stored under ${id}`);
    return text;
  }
}
