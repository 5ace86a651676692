import {
  type ChangedTable,
  type ChangedValue,
  type ChangeGroup,
  type ChangeLog,
  type ChangePosition,
  RawText,
  type RowChange,
} from "../../src/changes/types.ts";
import { freeRowIdName, identifier } from "../../src/sqlite/identifier.ts";
import { Backup, Database, DbConfig, type Library, type Statement } from "../../src/sqlite/mod.ts";

const enableTriggers = 1003;

/**
 * A database that is made of a change log alone: of rows, one after the other, and where that says to
 * read everything again, of a copy.
 */
export class RebuiltCopy {
  readonly path: string;
  readonly #library: Library;
  readonly #source: string;
  #next: ChangePosition = { index: 1, change: 0 };
  /** Copies that were taken, and rows that were changed. */
  copies = 0;
  rows = 0;

  constructor(library: Library, source: string, path: string) {
    this.#library = library;
    this.#source = source;
    this.path = path;
    using database = this.#open();
    database.exec("VACUUM");
  }

  /** Begins with a schema, which the entry before `index` has made. */
  begin(schema: readonly string[], index: number): void {
    using database = this.#open();
    for (const sql of schema) database.exec(sql);
    this.#next = { index, change: 0 };
  }

  #open(): Database {
    const database = new Database(this.path, { library: this.#library });
    database.config(enableTriggers, false);
    database.config(DbConfig.enableForeignKeys, false);
    database.exec("PRAGMA ignore_check_constraints = ON");
    return database;
  }

  /** Reads on up to the log's end; `applied` is what a copy of the source holds. */
  follow(log: ChangeLog, applied: number, bytesMax?: number): void {
    for (;;) {
      const { groups, next } = log.read(this.#next, bytesMax);
      if (groups.some(({ changes }) => changes.some(({ type }) => type === "read_again"))) {
        this.#copy();
        this.#next = { index: applied + 1, change: 0 };
        continue;
      }
      this.#apply(groups);
      if (next.index === this.#next.index && next.change === this.#next.change) return;
      this.#next = next;
    }
  }

  #copy(): void {
    this.copies++;
    using from = new Database(this.#source, { library: this.#library });
    using to = new Database(this.path, { library: this.#library });
    using backup = new Backup(to, from);
    while (!backup.step(-1));
  }

  #apply(groups: readonly ChangeGroup[]): void {
    if (groups.length === 0) return;
    using database = this.#open();
    database.transaction(() => {
      for (const { index, changes } of groups) {
        for (const change of changes) {
          if (change.type !== "row") continue;
          this.rows++;
          try {
            applyRow(database, change);
          } catch (error) {
            throw new Error(`Entry ${index}: ${describeRow(change)}: ${error}`, { cause: error });
          }
        }
      }
    });
  }
}

function describeRow({ operation, table, oldRowId, newRowId, before, after }: RowChange): string {
  const shown = (values: readonly ChangedValue[] | undefined) => values?.map(String).join(",");
  return `${operation} ${table.name} ${oldRowId} ${newRowId} ${shown(before)} -> ${shown(after)}`;
}

function applyRow(database: Database, change: RowChange): void {
  const { operation, table, before, after } = change;
  const name = `main.${identifier(table.name)}`;
  const given = table.columns.flatMap(({ name, generated }, place) =>
    generated === "no" ? [{ name, place }] : []
  );
  const id = rowIdName(table);
  const columns = given.map(({ name }) => identifier(name));
  if (id !== undefined) columns.unshift(id);
  const newValues = given.map(({ place }) => after?.[place] ?? null);
  if (id !== undefined) newValues.unshift(change.newRowId ?? null);
  if (operation === "insert") {
    const places = columns.map(() => "?").join(", ");
    return run(
      database,
      `INSERT INTO ${name} (${columns.join(", ")}) VALUES (${places})`,
      newValues,
    );
  }
  const keys = table.columns.flatMap(({ name, primaryKey }, place) =>
    primaryKey > 0 ? [{ name, place }] : []
  );
  const where = id !== undefined
    ? `${id} = ?`
    : keys.map(({ name }) => `${identifier(name)} IS ?`).join(" AND ");
  const oldKey = id !== undefined
    ? [change.oldRowId ?? null]
    : keys.map(({ place }) => before?.[place] ?? null);
  if (operation === "delete") return run(database, `DELETE FROM ${name} WHERE ${where}`, oldKey);
  const set = columns.map((column) => `${column} = ?`).join(", ");
  run(database, `UPDATE ${name} SET ${set} WHERE ${where}`, [...newValues, ...oldKey]);
}

function run(database: Database, sql: string, values: readonly ChangedValue[]): void {
  using statement = database.prepare(sql);
  values.forEach((value, i) => bind(statement, i + 1, value));
  while (statement.step());
  if (database.changes !== 1) throw new Error(`${database.changes} rows changed by ${sql}`);
}

function bind(statement: Statement, parameter: number, value: ChangedValue): void {
  if (value instanceof RawText) statement.bindTextBytes(parameter, value.bytes);
  else if (typeof value === "number") statement.bindDouble(parameter, value);
  else statement.bindValue(parameter, value);
}

function rowIdName({ hasRowId, columns }: ChangedTable): string | undefined {
  if (!hasRowId) return undefined;
  return freeRowIdName(columns.map(({ name }) => name));
}
