import type { Database } from "./database.ts";

/**
 * Creates the table `name`, which must start with "sqlite_", where there is none. `columns` is
 * what stands in the parentheses of CREATE TABLE.
 *
 * SQLite reserves such names: no SQL can create, drop or alter the table, and tools leave it out
 * of lists and dumps. It is created under another name and renamed in sqlite_schema.
 */
export function createHiddenTable(_database: Database, _name: string, _columns: string): void {
  throw new Error("Not written yet");
}
