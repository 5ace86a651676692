import type { ByteWriter } from "../../base/bytes.ts";
import { type Database, SqliteError } from "../../sqlite/mod.ts";
import { commentEnd } from "./comment_end.ts";
import type { Encoding } from "./dump_literals.ts";
import { type DumpedRows, InsertWriter } from "./dump_rows.ts";
import { dumpedRows, type DumpedTable, dumpedTables, hasAutoincrement } from "./dump_tables.ts";
import type { VirtualContent } from "./dump_virtual.ts";
import { identifier } from "../../sqlite/identifier.ts";

export interface DumpParts {
  readonly database: Database;
  /** The only tables to dump; all when none are named. What is not a table always stays. */
  readonly tables: readonly string[];
  readonly out: ByteWriter;
  /** Called when the buffer is worth writing out; empties it. */
  readonly flush: () => Promise<void>;
}

const flushBytes = 0x4_0000;
const encoder = new TextEncoder();
const lineEnd = encoder.encode(";\n");
/** Of the row of FTS4's %_stat that holds it. */
const automergeId = 2;

/**
 * The database as SQL text, in the format of rqlite's dump: tables by name, each with its rows, then
 * indexes and views, virtual tables, and triggers, each behind what it needs. The caller holds a
 * read transaction.
 */
export async function dumpSql(parts: DumpParts): Promise<void> {
  await new Dump(parts).write();
}

class Dump {
  readonly #database: Database;
  readonly #tables: readonly string[];
  readonly #out: ByteWriter;
  readonly #flush: DumpParts["flush"];
  readonly #encoding: Encoding;

  constructor({ database, tables, out, flush }: DumpParts) {
    this.#database = database;
    this.#tables = tables;
    this.#out = out;
    this.#flush = flush;
    this.#encoding = database.scalar("PRAGMA encoding") as Encoding;
  }

  async write(): Promise<void> {
    // Only of use, and only heeded, where there is no database yet.
    if (this.#encoding !== "UTF-8") this.#line(`PRAGMA encoding='${this.#encoding}'`);
    this.#line("PRAGMA foreign_keys=OFF");
    this.#line("BEGIN TRANSACTION");
    const dumped = dumpedTables(this.#database, this.#tables);
    const ordinary = dumped.filter(({ virtual }) => virtual === undefined);
    ordinary.sort((a, b) => a.name < b.name ? -1 : 1);
    for (const table of ordinary) await this.#table(table);
    await this.#sequence(ordinary);
    await this.#statistics();
    const virtual = dumped.filter((table) => table.virtual !== undefined);
    // What a virtual table is yet to make may have an index of the user's.
    const later = new Set(
      virtual.filter((table) => table.virtual?.content !== "shadows").flatMap((t) => t.shadows),
    );
    this.#others("index", (table) => !later.has(table));
    this.#others("view");
    await this.#virtualTables(virtual);
    this.#others("index", (table) => later.has(table));
    // Behind all rows: loading them is no change that a trigger is for.
    this.#others("trigger");
    if (this.#tables.length === 0) this.#headerValues();
    this.#line("COMMIT");
    await this.#flush();
  }

  #line(text: string): void {
    this.#out.raw(encoder.encode(text));
    this.#out.raw(lineEnd);
  }

  /** A statement as the schema has it. */
  #stored(sql: string): void {
    this.#line(sql + commentEnd(sql));
  }

  async #table(table: DumpedTable): Promise<void> {
    try {
      this.#stored(table.sql);
      const rows = dumpedRows(this.#database, table);
      if (table.virtual !== undefined) this.#settings(table);
      if (rows !== undefined) await this.#rows(rows);
    } catch (error) {
      if (error instanceof SqliteError) {
        error.message = `Table ${table.name} cannot be dumped: ${error.message}`;
      }
      throw error;
    }
  }

  async #rows(rows: DumpedRows): Promise<void> {
    using writer = new InsertWriter(this.#database, rows, this.#encoding);
    while (writer.write(this.#out)) {
      this.#out.raw(lineEnd);
      if (this.#out.length >= flushBytes) await this.#flush();
    }
  }

  /**
   * Behind the tables, since only one with AUTOINCREMENT makes sqlite_sequence; it stays when such
   * tables are gone. https://www.sqlite.org/autoinc.html
   */
  async #sequence(ordinary: readonly DumpedTable[]): Promise<void> {
    if (!this.#isWanted("sqlite_sequence")) return;
    if (!ordinary.some(hasAutoincrement)) {
      const name = identifier(this.#unusedName("autoincrement"));
      this.#line(`CREATE TABLE ${name}(id INTEGER PRIMARY KEY AUTOINCREMENT)`);
      this.#line(`DROP TABLE ${name}`);
    }
    this.#line('DELETE FROM "sqlite_sequence"');
    await this.#rows(rowsOf("sqlite_sequence", ["name", "seq"]));
  }

  async #statistics(): Promise<void> {
    if (!this.#isWanted("sqlite_stat1")) return;
    this.#line('ANALYZE "sqlite_master"');
    await this.#rows(rowsOf("sqlite_stat1", ["tbl", "idx", "stat"]));
  }

  /** Whether there is such a table of SQLite's own, and it is asked for. */
  #isWanted(name: string): boolean {
    return (this.#tables.length === 0 || this.#tables.includes(name)) &&
      this.#database.scalar("SELECT 1 FROM sqlite_master WHERE name = ?1", name) !== undefined;
  }

  #unusedName(base: string): string {
    const taken = "SELECT 1 FROM sqlite_master WHERE name = ?1 COLLATE NOCASE";
    let name = base;
    while (this.#database.scalar(taken, name) !== undefined) name += "_";
    return name;
  }

  #others(type: "index" | "view" | "trigger", isMeant = (_table: string) => true): void {
    using statement = this.#database.prepare(
      "SELECT sql, tbl_name FROM sqlite_master WHERE sql NOT NULL AND type = ?1 ORDER BY rowid",
    );
    for (const [sql, table] of statement.values<[string, string]>(type)) {
      if (isMeant(table)) this.#stored(sql);
    }
  }

  /** Behind the views, as they may be an index of one. */
  async #virtualTables(tables: readonly DumpedTable[]): Promise<void> {
    const withContent = (content: VirtualContent) =>
      tables.filter(({ virtual }) => virtual?.content === content);
    const whole = withContent("shadows");
    for (const table of tables) if (!whole.includes(table)) await this.#table(table);
    for (const { name } of withContent("index")) {
      const index = identifier(name);
      this.#line(`INSERT INTO ${index}(${index}) VALUES('rebuild')`);
    }
    this.#withShadows(whole);
  }

  /** As sqlite3's .dump does: their shadow tables are there already, and must not be made by them. */
  #withShadows(tables: readonly DumpedTable[]): void {
    if (tables.length === 0) return;
    this.#line("PRAGMA writable_schema=ON");
    const columns = "type,name,tbl_name,rootpage,sql";
    for (const { name, sql } of tables) {
      const row = [name, name, sql].map((text) => `'${text.replaceAll("'", "''")}'`);
      const [table, tableName, statement] = row;
      this.#line(
        `INSERT INTO sqlite_master(${columns})VALUES('table',${table},${tableName},0,${statement})`,
      );
    }
    this.#line("PRAGMA writable_schema=OFF");
  }

  /**
   * What a full-text table was told to keep to:
   * https://www.sqlite.org/fts5.html#configuration_options_config_table_ and
   * https://www.sqlite.org/fts3.html#the_automerge_n_command
   */
  #settings({ name, shadows }: DumpedTable): void {
    const index = identifier(name);
    for (const shadow of shadows) {
      const source = identifier(shadow);
      if (/_config$/i.test(shadow)) {
        using rows = this.#database.prepare(
          `SELECT quote(k), quote(v) FROM ${source} WHERE k <> 'version'`,
        );
        for (const [key, value] of rows.values<[string, string]>()) {
          this.#line(`INSERT INTO ${index}(${index},rank) VALUES(${key},${value})`);
        }
      } else if (/_stat$/i.test(shadow)) {
        const automerge = `SELECT CAST(value AS INTEGER) FROM ${source} WHERE id = ${automergeId}`;
        const value = this.#database.scalar(automerge) ?? null;
        if (value !== null) {
          this.#line(`INSERT INTO ${index}(${index}) VALUES('automerge=${value}')`);
        }
      }
    }
  }

  #headerValues(): void {
    for (const name of ["user_version", "application_id"]) {
      const value = this.#database.scalar(`PRAGMA ${name}`);
      if (value !== 0) this.#line(`PRAGMA ${name}=${value}`);
    }
  }
}

function rowsOf(table: string, columns: readonly string[]): DumpedRows {
  return { table, columns, named: false, rowId: undefined };
}
