import { foldName, type UserRights } from "../access/table_rights.ts";
import type { Database } from "../sqlite/mod.ts";
import { Action, told } from "./authorizer_actions.ts";
import { namedTables } from "./named_tables.ts";
import { OpenedTables, type SchemaNames } from "./opened_tables.ts";

/** The schema itself, by all names that it has. */
const schemaTables = new Set([
  "sqlite_master",
  "sqlite_schema",
  "sqlite_temp_master",
  "sqlite_temp_schema",
]);

/** Functions that are written like tables and read none. */
const tableFunctions = new Set(["json_each", "json_tree", "jsonb_each", "jsonb_tree"]);

/** Actions of statements that may be about tables. */
const touching: ReadonlySet<number> = new Set([
  Action.alterTable,
  Action.createIndex,
  Action.createTable,
  Action.delete,
  Action.insert,
  Action.read,
  Action.select,
  Action.update,
]);

/** Functions that look through a table that their argument names, or write it (FTS3's). */
const tableTools = new Set(["optimize", "rtreecheck"]);

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
  readonly #functions: ReadonlySet<string>;
  #schema: SchemaNames | undefined;
  #change: SchemaChange | undefined;
  /** What is being prepared is about tables. */
  #touches = false;

  /**
   * @param names Where they are undefined, all that is about tables is refused.
   * @param functions Of extensions, in lower case, that may do more than look at their arguments: run
   * SQL of their own, which nobody asks about, or read files.
   */
  constructor(
    rights: UserRights,
    names: () => SchemaNames | undefined,
    functions: ReadonlySet<string>,
  ) {
    this.#rights = rights;
    this.#names = names;
    this.#functions = functions;
  }

  /** Before a statement is prepared. */
  begin(): void {
    this.#change = undefined;
    this.#touches = false;
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
    triggerOrView: string | null,
    nested: boolean,
  ): string | undefined {
    if (action === Action.pragma) return this.#pragma(foldName(told(first)), second);
    if (nested) return undefined;
    this.#touches ||= touching.has(action);
    if (action === Action.select) return this.#select(triggerOrView);
    return this.#statement(action, told(first), told(second), schema);
  }

  /** Why a statement that was prepared is refused for what SQLite has not told of. */
  unseen(database: Database, sql: string): string | undefined {
    if (!this.#touches) return undefined;
    if (this.#change !== undefined) {
      const refusal = this.#unseenNames(sql);
      if (refusal !== undefined || this.#change === "change") return refusal;
    }
    return this.#unseenReads(database, sql);
  }

  /**
   * Under another name a table is what others have rights to. And a table that refers to one keeps
   * everybody else from deleting there.
   */
  #unseenNames(sql: string): string | undefined {
    const { renamedTo, references } = namedTables(sql);
    for (const name of renamedTo === undefined ? references : [renamedTo, ...references]) {
      const refusal = this.#write(name);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  #unseenReads(database: Database, sql: string): string | undefined {
    const schema = this.#schema;
    if (schema === undefined) return this.#wholeDatabase("What cannot be looked at here");
    for (const { name, onlyToChange } of OpenedTables.of(database, sql, schema)) {
      const refusal = onlyToChange ? undefined : this.#readOpened(name);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  #readOpened(table: string): string | undefined {
    const name = foldName(table);
    if (schemaTables.has(name)) return this.#readSchema();
    const isFunction = !this.#schema?.tables.has(name) && isFunctionsName(name);
    return isFunction ? undefined : this.#readTable(table);
  }

  /**
   * SQLite does not tell of a view of which only such columns are read, but in whose name it selects.
   * That can also be a trigger or a common table expression; one that is called as a view counts as it.
   */
  #select(source: string | null): string | undefined {
    if (source === null || this.#schema?.views.has(foldName(source)) !== true) return undefined;
    return this.#readTable(source);
  }

  #statement(
    action: number,
    first: string,
    second: string,
    schema: string | null,
  ): string | undefined {
    switch (action) {
      // These touch no table by themselves; the policy of the connection says which are allowed.
      case Action.recursive:
      case Action.transaction:
      case Action.savepoint:
      case Action.attach:
      case Action.detach:
        return undefined;
      case Action.function: {
        const name = foldName(second);
        return tableTools.has(name) || this.#functions.has(name)
          ? this.#wholeDatabase(`${name}()`)
          : undefined;
      }
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
    if (schemaTables.has(name)) {
      if (this.#change === "change") return undefined;
      // What CREATE itself does; its query could not say more by it than how many rows there are.
      return this.#change === "create" && column === "ROWID" ? undefined : this.#readSchema();
    }
    if (this.#change === "change" && isInternal(name)) return undefined;
    const refusal = this.#readTable(table);
    if (refusal === undefined || this.#isNoTable(name, column, schema)) return undefined;
    return refusal;
  }

  #readSchema(): string | undefined {
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
    if (isFunctionsName(name)) return true;
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

/** Whether it is a function's that is written like a table, unless a table has it. */
function isFunctionsName(name: string): boolean {
  return isTableFunction(name) || name.startsWith("pragma_");
}

/** The same of those that look at nothing but their arguments. */
export function isTableFunction(name: string): boolean {
  return tableFunctions.has(name);
}

function isInternal(name: string): boolean {
  return name.startsWith("sqlite_");
}
