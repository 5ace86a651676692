import { type HranaError, ProtocolError } from "./errors.ts";
import type { SqlSource } from "./types.ts";

/** Texts that a stream keeps, and characters of all of them. */
const textsMax = 150;
const charactersMax = 256 * 1024;

/** The texts of SQL that a stream keeps for its client, by numbers that the client has chosen. */
export class StoredSql {
  readonly #texts = new Map<number, string>();
  #characters = 0;

  get size(): number {
    return this.#texts.size;
  }

  /** Keeps a text, in place of another with its number; or says why not. */
  store(id: number, sql: string): HranaError | undefined {
    const before = this.#texts.get(id);
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
    this.#texts.set(id, sql);
    this.#characters = characters;
    return undefined;
  }

  close(id: number): void {
    this.#characters -= this.#texts.get(id)?.length ?? 0;
    this.#texts.delete(id);
  }

  /** Throws a ProtocolError for a number that none is kept under. */
  textOf(source: SqlSource): string {
    if ("sql" in source) return source.sql;
    const sql = this.#texts.get(source.sqlId);
    if (sql === undefined) throw new ProtocolError(`No SQL is stored under ${source.sqlId}`);
    return sql;
  }
}
