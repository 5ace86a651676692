import { createHiddenTable, type Database } from "../../sqlite/mod.ts";
import { noPragmas, noRequestPragmas, type PragmaState, samePragmas } from "../request_pragmas.ts";

/** Only there once a PRAGMA has been set; README.md describes it. */
export const pragmaTable = "sqlite_raft_pragma";

export const pragmaColumns =
  "id INTEGER PRIMARY KEY, foreign_keys INTEGER, request_foreign_keys INTEGER, " +
  "request_defer_foreign_keys INTEGER, request_legacy_alter_table INTEGER";

/** Creates the table where there is none; not inside a transaction. */
export function createPragmaTable(database: Database): void {
  createHiddenTable(database, pragmaTable, pragmaColumns);
}

export function hasPragmaTable(database: Database): boolean {
  return database.scalar(
    "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?",
    pragmaTable,
  ) !== undefined;
}

export function readPragmas(database: Database): PragmaState {
  if (!hasPragmaTable(database)) return noPragmas;
  using statement = database.prepare(
    "SELECT foreign_keys, request_foreign_keys, request_defer_foreign_keys, " +
      `request_legacy_alter_table FROM ${pragmaTable}`,
  );
  const [row] = statement.values<[number | null, number | null, number, number]>();
  if (row === undefined) return noPragmas;
  const [setting, foreignKeys, deferForeignKeys, legacyAlterTable] = row;
  const state = {
    foreignKeys: setting === null ? undefined : setting === 1,
    request: {
      foreign_keys: foreignKeys === null ? undefined : foreignKeys === 1,
      defer_foreign_keys: deferForeignKeys === 1,
      legacy_alter_table: legacyAlterTable === 1,
    },
  };
  const isOver = samePragmas(state, { ...state, request: noRequestPragmas });
  return isOver ? { ...state, request: noRequestPragmas } : state;
}

/** In a transaction that the caller holds; the table must be there. */
export function writePragmas(database: Database, { foreignKeys, request }: PragmaState): void {
  const number = (on: boolean | undefined) => on === undefined ? null : Number(on);
  database.exec(
    `INSERT OR REPLACE INTO ${pragmaTable} VALUES (1, ?, ?, ?, ?)`,
    number(foreignKeys),
    number(request.foreign_keys),
    number(request.defer_foreign_keys),
    number(request.legacy_alter_table),
  );
}
