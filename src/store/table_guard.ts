import { foldName, type UserRights } from "../access/table_rights.ts";
import type { SqlTokens } from "../sqlite/mod.ts";
import { Action } from "./authorizer_actions.ts";

/** Names of a schema as it is now, folded. */
export interface SchemaNames {
  /** Of tables and views. */
  readonly tables: ReadonlySet<string>;
  /** Of what makes virtual tables; some of these can be queried as if they were tables. */
  readonly modules: ReadonlySet<string>;
}

/** The schema itself, by all names that it has. */
const schemaTables = new Set([
  "sqlite_master",
  "sqlite_schema",
  "sqlite_temp_master",
  "sqlite_temp_schema",
]);

/** Functions that are written like tables and read none. */
const tableFunctions = new Set(["json_each", "json_tree", "jsonb_each", "jsonb_tree"]);

/** PRAGMAs that tell of the table that is their argument. */
const tablePragmas = new Set([
  "foreign_key_list",
  "index_list",
  "integrity_check",
  "quick_check",
  "table_info",
  "table_xinfo",
]);

/** PRAGMAs that, without an argument, tell nothing of any table. */
const harmlessPragmas = new Set([
  "application_id",
  "auto_vacuum",
  "collation_list",
  "compile_options",
  "data_version",
  "defer_foreign_keys",
  "encoding",
  "foreign_keys",
  "function_list",
  "legacy_alter_table",
  "module_list",
  "page_size",
  "pragma_list",
  "recursive_triggers",
  "schema_version",
  "user_version",
]);

/**
 * What a statement under way changes of the schema. "change" takes no expression of its user's that
 * could read a table; a CREATE TABLE may have a query.
 */
type SchemaChange = "create" | "change";

/**
 * Holds a user's statements to the tables that the user may read and write, as SQLite tells of them
 * while it prepares one: also those that views, triggers and foreign keys lead to. What a statement
 * leads to counts as if the user had named it, since SQLite has no owners.
 *
 * Whatever is not known here is refused. So are triggers and views, which run with the rights of
 * whoever meets them next; virtual tables, which can stand for others; and what is about the whole
 * database.
 */
export class TableGuard {
  readonly #rights: UserRights;
  readonly #names: () => SchemaNames | undefined;
  #schema: SchemaNames | undefined;
  #change: SchemaChange | undefined;

  /** @param names Without, some harmless statements are refused as well. */
  constructor(rights: UserRights, names: () => SchemaNames | undefined) {
    this.#rights = rights;
    this.#names = names;
  }

  /** Before a statement is prepared. */
  begin(): void {
    this.#change = undefined;
    this.#schema = this.#names();
  }

  /**
   * Why the user may not do something. What is prepared while a statement runs (`nested`) is that
   * statement once more, for the schema that it was allowed for, or a virtual table's own: what the
   * right to that table must suffice for, and must do so whether the table has prepared it before.
   * Only pragma_* tables prepare what their user says.
   */
  refusal(
    action: number,
    first: string | null,
    second: string | null,
    schema: string | null,
    nested: boolean,
  ): string | undefined {
    if (action === Action.pragma) return this.#pragma(foldName(first ?? ""), second);
    return nested ? undefined : this.#statement(action, first ?? "", second ?? "", schema);
  }

  /**
   * Why a statement is refused of whose reads SQLite does not tell: it asks about no column that it
   * compares because both sides of a join have it, and so about no table of which nothing else is
   * read. The words are refused wherever they stand without quotes: ON does all that they do.
   */
  unseenReads(sql: SqlTokens): string | undefined {
    while (sql.nextMeaning()) {
      const { keyword } = sql;
      if (keyword !== "NATURAL" && keyword !== "USING") continue;
      return `${keyword} is prohibited: user ${this.#username} may read some tables only, and ` +
        "SQLite does not say what is read by it; write JOIN … ON, and a name in quotes";
    }
    return undefined;
  }

  #statement(
    action: number,
    first: string,
    second: string,
    schema: string | null,
  ): string | undefined {
    switch (action) {
      // These touch no table by themselves; the policy of the connection says which are allowed.
      case Action.select:
      case Action.recursive:
      case Action.function:
      case Action.transaction:
      case Action.savepoint:
      case Action.attach:
      case Action.detach:
        return undefined;
      case Action.read:
        return this.#read(first, second, schema);
      case Action.insert:
      case Action.update:
      case Action.delete:
        return this.#write(first);
      case Action.createTable:
        this.#change ??= "create";
        return this.#write(first);
      case Action.createIndex:
        this.#change ??= "create";
        return this.#write(second);
      case Action.reindex:
        return this.#change === "create" ? undefined : this.#wholeDatabase("REINDEX");
      case Action.dropTable:
      case Action.dropView:
      case Action.dropVirtualTable:
        this.#change = "change";
        return this.#write(first);
      case Action.dropIndex:
        this.#change = "change";
        return this.#write(second);
      // Under another name it could be read by who may not read it now.
      case Action.alterTable:
        this.#change = "change";
        return this.#write(second) ?? this.#readTable(second);
      case Action.createTrigger:
      case Action.dropTrigger:
        return this.#wholeDatabase("To create or drop a trigger");
      case Action.createView:
        return this.#wholeDatabase("To create a view");
      case Action.createVirtualTable:
        return this.#wholeDatabase("To create a virtual table");
      case Action.analyze:
        return this.#wholeDatabase("ANALYZE");
      default:
        return this.#wholeDatabase("This");
    }
  }

  #read(table: string, column: string, schema: string | null): string | undefined {
    const name = foldName(table);
    if (schemaTables.has(name)) return this.#readSchema(column);
    if (this.#change === "change" && isInternal(name)) return undefined;
    const refusal = this.#readTable(table);
    if (refusal === undefined || this.#isNoTable(name, column, schema)) return undefined;
    return refusal;
  }

  #readSchema(column: string): string | undefined {
    if (this.#change === "change") return undefined;
    // What CREATE itself does; its query could not say more by it than how many rows there are.
    if (this.#change === "create" && column === "ROWID") return undefined;
    return this.#rights.mayRead("sqlite_schema") ? undefined : this.#readTable("sqlite_master");
  }

  /**
   * A name that no table has can be a function, or a common table expression, of which SQLite tells
   * when none of its columns is read.
   */
  #isNoTable(name: string, column: string, schema: string | null): boolean {
    const names = this.#schema;
    if (names === undefined || names.tables.has(name) || isInternal(name)) return false;
    // What it asks for is decided when it asks.
    if (tableFunctions.has(name) || name.startsWith("pragma_")) return true;
    return column === "" && schema === null && !names.modules.has(name);
  }

  #readTable(table: string): string | undefined {
    return this.#rights.mayRead(table) ? undefined : this.#prohibited(table, "read");
  }

  #write(table: string): string | undefined {
    const name = foldName(table);
    // SQLite itself lets only DDL write there. Its AUTOINCREMENT makes the other.
    if (schemaTables.has(name)) return undefined;
    if (isInternal(name) && this.#change !== undefined) {
      if (this.#change === "change" || name === "sqlite_sequence") return undefined;
    }
    return this.#rights.mayWrite(table) ? undefined : this.#prohibited(table, "write");
  }

  #pragma(name: string, value: string | null): string | undefined {
    if (value === null) {
      return harmlessPragmas.has(name) ? undefined : this.#wholeDatabase(`PRAGMA ${name}`);
    }
    if (tablePragmas.has(name)) return this.#readTable(value);
    // Foreign keys hold all the same, at the end of the transaction.
    return name === "defer_foreign_keys" ? undefined : this.#wholeDatabase(`PRAGMA ${name}`);
  }

  #prohibited(table: string, verb: "read" | "write"): string {
    return `access to ${table} is prohibited: user ${this.#username} may not ${verb} it`;
  }

  #wholeDatabase(what: string): string {
    return `${what} is prohibited: it is for users of all tables, and user ${this.#username} may ` +
      "read and write some";
  }

  get #username(): string {
    return JSON.stringify(this.#rights.username);
  }
}

function isInternal(name: string): boolean {
  return name.startsWith("sqlite_");
}
