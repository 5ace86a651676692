import type { Database } from "./database.ts";

/** Options of `Database.config` that are used here: https://www.sqlite.org/c3ref/c_dbconfig_defensive.html */
export const DbConfig = {
  enableForeignKeys: 1002,
  /** The last connection to a file that is closed leaves the WAL as it is. */
  noCheckpointOnClose: 1006,
  /** sqlite3_load_extension() alone, not the SQL function. */
  enableLoadExtension: 1005,
  /** SQL can change neither shadow tables nor, with writable_schema, sqlite_schema. */
  defensive: 1010,
  writableSchema: 1011,
} as const;

/** Has `body` change sqlite_schema, and shadow tables, by SQL; afterwards they are kept as before. */
export function withWritableSchema<Result>(database: Database, body: () => Result): Result {
  const defensive = database.config(DbConfig.defensive);
  database.config(DbConfig.defensive, false);
  database.config(DbConfig.writableSchema, true);
  try {
    return body();
  } finally {
    database.config(DbConfig.writableSchema, false);
    database.config(DbConfig.defensive, defensive);
  }
}
