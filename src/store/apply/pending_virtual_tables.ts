import {
  skipEmptyStatements,
  SqliteError,
  type SqlSource,
  SqlTokens,
  withWritableSchema,
} from "../../sqlite/mod.ts";
import type { Execution } from "../codec/command_header.ts";
import { StatementError } from "../failures.ts";
import { identifier } from "../../sqlite/identifier.ts";
import { prepareNext } from "../prepared_statement.ts";
import type { WriteConnection } from "./write_connection.ts";

/** A virtual table that a load has brought, and that SQLite does not know yet. */
export interface VirtualTable {
  readonly name: string;
  readonly sql: string;
  /** The text has tried to insert into it. */
  written: boolean;
}

/**
 * The virtual tables of a dump. sqlite3's `.dump`, and Python's iterdump, turn writable_schema on and
 * insert the row of a virtual table into sqlite_schema, so that its shadow tables, which follow as
 * ordinary tables with their rows, are not made by it. For SQLite the virtual table is there when
 * the schema is read the next time.
 *
 * Anything else written into sqlite_schema could ruin the file on every node; so the row's INSERT
 * is tried and taken back, and only the CREATE VIRTUAL TABLE that it held, which SQLite must be
 * able to read, is put there, once writable_schema is turned off or the text ends. Until then the
 * shadow tables are tables like others, and nothing that protects those of other virtual tables
 * (SQLITE_DBCONFIG_DEFENSIVE) need be lifted.
 */
export class PendingVirtualTables {
  readonly #connection: WriteConnection;
  readonly #run: Execution;
  #allowed = false;
  waiting: readonly VirtualTable[] = [];

  constructor(connection: WriteConnection, run: Execution) {
    this.#connection = connection;
    this.#run = run;
  }

  /** Whether writable_schema is on, as far as the text knows; off makes the tables that wait. */
  set allowed(on: boolean) {
    this.#allowed = on;
    if (!on) this.create();
  }

  /** Takes an INSERT into sqlite_schema, and moves `source` behind it; false for anything else. */
  takes(source: SqlSource): boolean {
    if (!this.#allowed) return false;
    const start = skipEmptyStatements(source.bytes, source.offset, source.length);
    const tokens = new SqlTokens(source.bytes, start, source.length);
    const table = insertedInto(tokens);
    if (table === undefined) return false;
    if (table === "sqlite_schema" || table === "sqlite_master") {
      this.#takeRow(source);
      return true;
    }
    const waiting = this.waiting.find(({ name }) => name.toLowerCase() === table);
    if (waiting === undefined) return false;
    // Python's iterdump writes the rows of a virtual table too, and those of its shadow tables.
    waiting.written = true;
    while (tokens.nextMeaning() && tokens.kind !== "semicolon");
    source.offset = tokens.end;
    return true;
  }

  #takeRow(source: SqlSource): void {
    const connection = this.#connection;
    const { database, policy } = connection;
    const { clock, seed } = this.#run;
    let added: Row[] = [];
    // To read it anew makes it unwritable.
    connection.refreshSchema();
    withWritableSchema(database, () => {
      connection.own(() => database.exec("SAVEPOINT raftlite_schema"));
      try {
        const before = this.#extent();
        const prepared = prepareNext(database, policy, source, { ofLoad: true });
        if (prepared === undefined) return;
        using statement = prepared.statement;
        connection.determinism.set(clock, seed, this.#run.counter++);
        connection.prepareRun(prepared, 0, false);
        while (statement.step());
        added = this.#rowsBehind(before);
      } finally {
        if (database.inTransaction) {
          connection.own(() =>
            database.exec("ROLLBACK TO raftlite_schema; RELEASE raftlite_schema")
          );
        }
      }
    });
    this.waiting = [...this.waiting, ...added.map(virtualTableOf)];
  }

  /** Rows of sqlite_schema, and the largest row id. */
  #extent(): [count: number, last: number] {
    return this.#connection.own(() => {
      using extent = this.#connection.database.prepare(
        "SELECT count(*), coalesce(max(rowid), 0) FROM main.sqlite_schema",
      );
      return extent.values<[number, number]>()[0] ?? [0, 0];
    });
  }

  #rowsBehind([count, last]: [count: number, last: number]): Row[] {
    return this.#connection.own(() => {
      using added = this.#connection.database.prepare(
        "SELECT type, name, tbl_name, rootpage, sql FROM main.sqlite_schema WHERE rowid > ?",
      );
      const rows = added.values<Row>(last);
      if (this.#extent()[0] !== count + rows.length) throw new StatementError(refused);
      return rows;
    });
  }

  /** Makes the tables that wait. */
  create(): void {
    for (const table of this.waiting) this.#create(table);
    this.waiting = [];
  }

  #create({ name, sql, written }: VirtualTable): void {
    const connection = this.#connection;
    const { database } = connection;
    this.#prepare(sql);
    withWritableSchema(database, () =>
      connection.own(() => {
        database.exec(
          "INSERT INTO main.sqlite_schema VALUES ('table', ?1, ?1, 0, ?2)",
          { 1: name, 2: sql },
        );
        // Other connections shall notice.
        const version = Number(database.scalar("PRAGMA schema_version"));
        database.exec(`PRAGMA schema_version = ${(version + 1) | 0}`);
        this.#read(name, written);
      }));
    connection.noteSchemaChange();
  }

  /** Not to be run, but to see that SQLite will be able to read it, and that the policy allows it. */
  #prepare(sql: string): void {
    const { database, policy } = this.#connection;
    try {
      database.prepare(sql).finalize();
    } catch (error) {
      throw error instanceof SqliteError ? new StatementError(policy.explain(error)) : error;
    }
  }

  /** Has SQLite read the schema. What fails here must fail the load, and not the node. */
  #read(name: string, written: boolean): void {
    const { database } = this.#connection;
    try {
      database.reloadSchema();
      database.scalar("SELECT count(*) FROM sqlite_schema");
      // Its rows were left out because its shadow tables have them.
      if (written) database.prepare(`SELECT * FROM ${identifier(name)}`).finalize();
    } catch (error) {
      if (!(error instanceof SqliteError)) throw error;
      throw new StatementError(`Virtual table ${name} cannot be read: ${error.message}`);
    }
  }
}

type Row = [type: string, name: string, table: string, root: number, sql: string | null];

const refused = "sqlite_schema may not be modified, but for rows of virtual tables as sqlite3's " +
  ".dump inserts them: INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql) " +
  "VALUES('table',…,…,0,'CREATE VIRTUAL TABLE …')";

/** What a row of sqlite_schema says; throws when it is another than SQLite writes for a virtual table. */
function virtualTableOf([type, name, table, root, sql]: Row): VirtualTable {
  if (type !== "table" || table !== name || root !== 0 || typeof sql !== "string") {
    throw new StatementError(refused);
  }
  const tokens = SqlTokens.of(sql);
  // Nothing stands before CREATE, nor a schema's name or IF NOT EXISTS before the table's.
  const fits = tokens.nextIs("CREATE") && tokens.start === 0 && tokens.nextIs("VIRTUAL") &&
    tokens.nextIs("TABLE") && tokens.nextMeaning() && tokens.name === name &&
    tokens.nextIs("USING");
  if (!fits) throw new StatementError(refused);
  return { name, sql, written: false };
}

/** The table that an INSERT is about, in small letters; undefined for anything else. */
function insertedInto(tokens: SqlTokens): string | undefined {
  if (!tokens.nextIs("INSERT") || !tokens.nextIs("INTO") || !tokens.nextMeaning()) {
    return undefined;
  }
  return tokens.name.toLowerCase();
}
