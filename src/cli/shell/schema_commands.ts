import type { DotCommand, DotCommands } from "./dot_commands.ts";

function queryCommand(help: string, sql: string): DotCommand {
  return { help, run: (session, _argument, signal) => session.query(sql, signal) };
}

/** Leaves out the tables of SQLite and of the server, as the sqlite3 shell does. */
const ownTables = "tbl_name NOT LIKE 'sqlite^_%' ESCAPE '^'";

/** Commands that show what is in the database. */
export const schemaCommands: DotCommands = {
  indexes: queryCommand(
    "Show names of all indexes",
    `SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index' AND ${ownTables} ORDER BY name`,
  ),
  schema: queryCommand(
    "Show CREATE statements for all tables",
    `SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND ${ownTables} ORDER BY rowid`,
  ),
  tables: queryCommand(
    "List names of tables",
    `SELECT name FROM sqlite_master WHERE type = 'table' AND ${ownTables} ORDER BY name`,
  ),
};
