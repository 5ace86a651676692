/** Options of `Database.config` that are used here: https://www.sqlite.org/c3ref/c_dbconfig_defensive.html */
export const DbConfig = {
  enableForeignKeys: 1002,
  /** SQL can change neither shadow tables nor, with writable_schema, sqlite_schema. */
  defensive: 1010,
  writableSchema: 1011,
} as const;
