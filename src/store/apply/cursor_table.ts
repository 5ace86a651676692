import { createHiddenTable, type Database, hasTable } from "../../sqlite/mod.ts";

/** Only there once changes have been delivered; README.md describes it. */
export const cursorTable = "sqlite_raft_cursor";
export const cursorColumns = "id INTEGER PRIMARY KEY, delivered INTEGER";

/** Creates the table where there is none; not inside a transaction. */
export function createCursorTable(database: Database): void {
  createHiddenTable(database, cursorTable, cursorColumns);
}

/** Up to which index changes are delivered; undefined before any were. */
export function readCursor(database: Database): number | undefined {
  if (!hasTable(database, cursorTable)) return undefined;
  const delivered = database.scalar(`SELECT delivered FROM ${cursorTable}`);
  return delivered === undefined ? undefined : Number(delivered);
}

/** In a transaction that the caller holds; the table must be there. A cursor only goes on. */
export function writeCursor(database: Database, delivered: number): void {
  database.exec(
    `INSERT INTO ${cursorTable} VALUES (1, ?) ` +
      "ON CONFLICT (id) DO UPDATE SET delivered = max(delivered, excluded.delivered)",
    delivered,
  );
}
