import { type Parameter, Real } from "@raftlite/client";
import { messageOf } from "../../base/message_of.ts";
import {
  ColumnType,
  Database,
  findLibrary,
  openLibrary,
  type Statement,
} from "../../sqlite/mod.ts";
import { identifier } from "../../sqlite/identifier.ts";
import { ImportError, rowsAtATime, type Source, type SourceRow } from "./types.ts";

/** Opens a table of a SQLite file: the one named, or the only one that there is. */
export async function openSqlite(path: string, from: string | undefined): Promise<Source> {
  const wal = await Deno.stat(`${path}-wal`).catch(() => undefined);
  if (wal !== undefined && wal.size > 0) {
    throw new ImportError(
      `File ${path} is not whole, there is a ${path}-wal beside it: end who writes it, or run PRAGMA wal_checkpoint(TRUNCATE) in it`,
    );
  }
  const library = openLibrary(await findLibrary({ build: false }));
  let database: Database | undefined;
  try {
    database = new Database(path, { library, readonly: true });
    return sourceOf(database, tableIn(database, from), path);
  } catch (error) {
    database?.close();
    throw error instanceof ImportError
      ? error
      : new ImportError(`File ${path} cannot be read: ${messageOf(error)}`);
  }
}

function tableIn(database: Database, from: string | undefined): string {
  const tables = database.prepare(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
  ).values<[string]>().map(([name]) => name);
  const [only] = tables;
  if (from !== undefined) {
    const found = tables.find((name) => name.toLowerCase() === from.toLowerCase());
    if (found !== undefined) return found;
    throw new ImportError(`The file has no table ${from}: ${tables.join(", ")}`);
  }
  if (only !== undefined && tables.length === 1) return only;
  throw new ImportError(
    only === undefined
      ? "The file has no table"
      : `The file has several tables: name one by -from: ${tables.join(", ")}`,
  );
}

function sourceOf(database: Database, table: string, path: string): Source {
  // Hidden and generated columns are not to be written.
  const columns = database.prepare(
    "SELECT name, type, pk FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid",
  ).values<[string, string, number]>(table);
  const list = columns.map(([name]) => identifier(name)).join(", ");
  const { size } = Deno.statSync(path);
  const rows = Number(database.scalar(`SELECT count(*) FROM ${identifier(table)}`));
  return {
    format: `SQLite, table ${table}`,
    columns: columns.map(([name, type]) => ({ name, type })),
    primaryKey: columns.filter(([, , pk]) => pk > 0).sort(([, , a], [, , b]) => a - b).map((
      [name],
    ) => name),
    notes: ["Indexes, triggers and constraints other than the primary key stay behind"],
    isText: false,
    rows: () =>
      read(database, `SELECT ${list} FROM ${identifier(table)}`, size / Math.max(1, rows)),
    [Symbol.dispose]: () => database.close(),
  };
}

/** `rowBytes`: how much of the file one is, about. */
async function* read(
  database: Database,
  sql: string,
  rowBytes: number,
): AsyncGenerator<readonly SourceRow[]> {
  using statement = database.prepare(sql);
  const width = statement.columnCount;
  let group: SourceRow[] = [];
  for (let row = 1; statement.step(); row++) {
    const place = `Row ${row}`;
    const values = Array.from({ length: width }, (_, column) => valueAt(statement, column, place));
    group.push({ values, place, bytes: row * rowBytes });
    if (group.length < rowsAtATime) continue;
    yield await Promise.resolve(group);
    group = [];
  }
  if (group.length > 0) yield group;
}

function valueAt(statement: Statement, column: number, place: string): Parameter {
  switch (statement.columnType(column)) {
    case ColumnType.integer:
      return statement.columnInteger(column);
    case ColumnType.float:
      return new Real(statement.columnDouble(column));
    case ColumnType.text:
      return textAt(statement, column, place);
    case ColumnType.blob:
      return statement.columnBlob(column);
    default:
      return null;
  }
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textAt(statement: Statement, column: number, place: string): string {
  const text = statement.columnText(column);
  if (!text.includes("\ufffd")) return text;
  try {
    return strict.decode(statement.columnTextBytes(column));
  } catch {
    const name = statement.columnName(column);
    throw new ImportError(`${place}, column ${JSON.stringify(name)}: a text that is no UTF-8`);
  }
}
