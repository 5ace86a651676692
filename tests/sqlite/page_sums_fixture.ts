import { Database, DbConfig, findLibrary, openLibrary } from "../../src/sqlite/mod.ts";

/** The library that is built: only it has sums of pages. */
export const library = openLibrary(await findLibrary({}));

/** As the store opens a database, but that only the test checkpoints it. */
export function open(path: string): Database {
  const database = new Database(path, { library });
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = NORMAL");
  database.setAutoCheckpoint(0);
  return database;
}

/** Closes it as a kill does: the WAL stays as it is. */
export function leave(database: Database): void {
  database.config(DbConfig.noCheckpointOnClose, true);
  database.close();
}
