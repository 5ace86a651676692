import { skipEmptyStatements, type SqlSource, SqlTokens } from "../../sqlite/mod.ts";
import { StatementError } from "../failures.ts";
import { identifier } from "../../sqlite/identifier.ts";
import type { WriteConnection } from "./write_connection.ts";

/**
 * Foreign keys of a load that says nothing of them, where they are enforced. A dump, such as
 * Python's iterdump, creates tables and fills them in the order of their names: a child may come
 * before its parent, and an index that a parent key needs after all rows. So for as long as the text
 * does nothing but create tables and fill those, foreign keys are looked at afterwards, in these
 * tables. Rows that were there before are nowhere read for that.
 */
export class LateForeignKeys {
  readonly #connection: WriteConnection;
  readonly #before: ReadonlySet<string>;
  readonly #filled = new Set<string>();
  #triggers = false;
  #waits: boolean;

  constructor(connection: WriteConnection) {
    this.#connection = connection;
    this.#waits = connection.foreignKeys;
    this.#before = new Set(this.#waits ? this.#tables().map((name) => name.toLowerCase()) : []);
    if (this.#waits) this.#enforce(false);
  }

  /** Before the next statement is prepared. */
  look(source: SqlSource): void {
    if (!this.#waits) return;
    const start = skipEmptyStatements(source.bytes, source.offset, source.length);
    if (this.#mayWait(new SqlTokens(source.bytes, start, source.length))) return;
    this.end();
  }

  /** Checks the tables filled so far, and enforces foreign keys from now on. */
  end(): void {
    if (!this.#waits) return;
    this.#waits = false;
    const connection = this.#connection;
    connection.refreshSchema();
    connection.own(() => {
      for (const table of this.#tables()) {
        if (this.#filled.has(table.toLowerCase())) this.#check(table);
      }
    });
    this.#enforce(true);
  }

  #enforce(on: boolean): void {
    this.#connection.pragmas.set({ name: "foreign_keys", on }, false);
  }

  #mayWait(tokens: SqlTokens): boolean {
    tokens.nextMeaning();
    switch (tokens.keyword) {
      case "INSERT":
        return tokens.nextIs("INTO") && this.#mayFill(nameOf(tokens));
      case "DELETE":
        return tokens.nextIs("FROM") && isOfSqlite(nameOf(tokens));
      case "CREATE":
        // A trigger may do more to what its table is filled with.
        this.#triggers ||= tokens.nextIs("TRIGGER");
        return true;
      case "UPDATE":
      case "REPLACE":
      case "WITH":
      case "DROP":
      case "ALTER":
        return false;
      default:
        return true;
    }
  }

  #mayFill(table: string): boolean {
    if (isOfSqlite(table)) return true;
    if (this.#triggers || this.#before.has(table)) return false;
    this.#filled.add(table);
    return true;
  }

  /** Tables, and views, whose triggers may fill any. */
  #tables(): string[] {
    return this.#connection.own(() => {
      using names = this.#connection.database.prepare(
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')",
      );
      return names.values<[string]>().flat();
    });
  }

  #check(table: string): void {
    const orphan = this.#connection.database.scalar(
      `PRAGMA foreign_key_check(${identifier(table)})`,
    );
    if (orphan !== undefined) {
      throw new StatementError(`FOREIGN KEY constraint failed: table ${table}`);
    }
  }
}

/** The name that comes next, behind its schema's, in small letters. */
function nameOf(tokens: SqlTokens): string {
  tokens.nextMeaning();
  const { name } = tokens;
  if (!tokens.nextMeaning() || tokens.text !== ".") return name.toLowerCase();
  tokens.nextMeaning();
  return tokens.name.toLowerCase();
}

function isOfSqlite(name: string): boolean {
  return name.startsWith("sqlite_");
}
