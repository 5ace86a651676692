import type { Database } from "./database.ts";
import { withWritableSchema } from "./db_config.ts";

/**
 * Creates the table `name`, which must start with "sqlite_", where there is none. `columns` is
 * what stands in the parentheses of CREATE TABLE; it must not need an index of its own (UNIQUE, or
 * a PRIMARY KEY other than INTEGER). Not inside a transaction.
 *
 * SQLite reserves such names: no SQL can create, drop, alter or index the table or put a trigger
 * on it, and tools leave it out of lists and dumps. So it is created under another name and renamed
 * in sqlite_schema. Reading and writing it is ordinary SQL, which an authorizer has to keep for
 * the store itself.
 */
export function createHiddenTable(database: Database, name: string, columns: string): void {
  if (!/^sqlite_[a-z_]+$/.test(name)) throw new RangeError(`Not a hidden table's name: ${name}`);
  if (database.inTransaction) throw new Error(`Table ${name} can't be created in a transaction`);
  if (hasTable(database, name)) return;
  withWritableSchema(database, () => {
    try {
      database.transaction(() => {
        const temporary = `raft_${crypto.randomUUID().replaceAll("-", "")}`;
        database.exec(`CREATE TABLE main.${temporary}(${columns})`);
        database.exec(
          "UPDATE main.sqlite_schema SET name = :name, tbl_name = :name, sql = :sql " +
            "WHERE name = :temporary",
          { name, sql: `CREATE TABLE ${name}(${columns})`, temporary },
        );
      });
    } finally {
      // Reads the new name.
      database.reloadSchema();
    }
  });
}

/** Whether there is a table of that name, hidden or not. */
export function hasTable(database: Database, name: string): boolean {
  return database.scalar(
    "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?",
    name,
  ) !== undefined;
}
