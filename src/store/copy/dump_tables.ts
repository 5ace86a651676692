import { type Database, SqlTokens } from "../../sqlite/mod.ts";
import { freeRowIdName } from "../../sqlite/identifier.ts";
import type { DumpedRows } from "./dump_rows.ts";
import { isShadow, type VirtualTable, virtualTable } from "./dump_virtual.ts";

/** A table of the user's, as it is to be made again. */
export interface DumpedTable {
  readonly name: string;
  readonly sql: string;
  readonly withoutRowId: boolean;
  /** Undefined for an ordinary one. */
  readonly virtual: VirtualTable | undefined;
  /** Names of the tables that it keeps what it holds in. */
  readonly shadows: readonly string[];
}

interface SchemaTable {
  readonly name: string;
  readonly sql: string;
  readonly type: string;
  readonly wr: number;
}

/**
 * The user's tables in the order in which they were made; `tables` keeps only those.
 *
 * A virtual table makes the shadow tables that it keeps what it holds in, and SQL may not write
 * them: it gets its own rows back, where it tells them, and else comes with its shadow tables.
 * SQLite calls any table of such a name one of them.
 * https://www.sqlite.org/vtab.html#the_xshadowname_method
 */
export function dumpedTables(database: Database, tables: readonly string[]): DumpedTable[] {
  const all = schemaTables(database);
  const virtual = new Map<string, VirtualTable>();
  for (const { name, sql, type } of all) {
    if (type === "virtual") virtual.set(name.toLowerCase(), virtualTable(database, name, sql));
  }
  /** By the name of their virtual table. */
  const shadows = new Map<string, string[]>([...virtual.keys()].map((name) => [name, []]));
  for (const { name, sql, type } of all) {
    const parent = parentOf(name);
    const table = virtual.get(parent);
    if (type !== "shadow" || table === undefined || !isShadow(name, sql, table)) continue;
    shadows.get(parent)?.push(name);
  }
  const names = new Set(all.map(({ name }) => name.toLowerCase()));
  const givenBackOf = (name: string): VirtualTable | undefined => {
    const table = virtual.get(name.toLowerCase());
    if (table === undefined || !/^fts[34]$/.test(table.module)) return table;
    // FTS3 and FTS4 take a user's table of this name for their own, and cannot be written then.
    const own = shadows.get(name.toLowerCase())?.some((shadow) => /_stat$/i.test(shadow));
    const isSpoilt = !own && names.has(`${name.toLowerCase()}_stat`);
    return isSpoilt ? { ...table, content: "shadows" } : table;
  };
  const isWanted = (name: string) => tables.length === 0 || tables.includes(name);
  return all
    .filter(({ name }) => {
      if (!shadows.get(parentOf(name))?.includes(name)) return isWanted(name);
      const parent = name.slice(0, name.lastIndexOf("_"));
      return givenBackOf(parent)?.content === "shadows" && isWanted(parent);
    })
    .filter(({ name }) => !/^sqlite_/i.test(name))
    .map(({ name, sql, type, wr }) => ({
      name,
      sql,
      withoutRowId: wr === 1,
      virtual: type === "virtual" ? givenBackOf(name) : undefined,
      shadows: shadows.get(name.toLowerCase()) ?? [],
    }));
}

/** The name of the virtual table whose shadow table SQLite takes this name for. */
function parentOf(name: string): string {
  return name.slice(0, name.lastIndexOf("_")).toLowerCase();
}

function schemaTables(database: Database): SchemaTable[] {
  using statement = database.prepare(
    "SELECT m.name, m.sql, coalesce(l.type, 'table') AS type, coalesce(l.wr, 0) AS wr " +
      "FROM sqlite_master AS m " +
      "LEFT JOIN pragma_table_list AS l ON l.schema = 'main' AND l.name = m.name " +
      "WHERE m.sql NOT NULL AND m.type = 'table' ORDER BY m.rowid",
  );
  return statement.all<SchemaTable>();
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly pk: number;
  readonly hidden: number;
}

/** What is to be written of a table's rows; undefined for a virtual table that does not tell any. */
export function dumpedRows(database: Database, table: DumpedTable): DumpedRows | undefined {
  const { name, virtual, withoutRowId } = table;
  const isKeyed = virtual?.content === "keyed_rows";
  if (virtual !== undefined && !isKeyed && virtual.content !== "rows") return undefined;
  using info = database.prepare(
    "SELECT name, type, pk, hidden FROM pragma_table_xinfo(?1, 'main')",
  );
  const all = info.bind(name).all<Column>();
  const columns = all.filter(({ hidden }) => hidden === 0).map((column) => column.name);
  if (virtual !== undefined) {
    const language = languageColumn(virtual, all);
    return {
      table: name,
      columns: [...columns, ...language],
      named: true,
      rowId: isKeyed ? undefined : rowIdName(virtual, columns),
    };
  }
  const hasOwnId = withoutRowId || isRowIdAlias(database, name, all);
  return {
    table: name,
    columns,
    named: false,
    rowId: hasOwnId ? undefined : freeRowIdName(all.map((column) => column.name)),
  };
}

/** The row id of FTS3 and FTS4 has a name of its own. */
function rowIdName({ module }: VirtualTable, columns: readonly string[]): string | undefined {
  return module === "fts3" || module === "fts4" ? "docid" : freeRowIdName(columns);
}

/** https://www.sqlite.org/fts3.html#the_languageid_option: the last column, hidden. */
function languageColumn({ arguments: list }: VirtualTable, all: readonly Column[]): string[] {
  if (!list.some((argument) => /^languageid=/i.test(argument))) return [];
  return all.slice(-1).filter(({ hidden }) => hidden === 1).map(({ name }) => name);
}

/** Whether a column is the row id: INTEGER PRIMARY KEY. https://www.sqlite.org/lang_createtable.html#rowid */
function isRowIdAlias(database: Database, table: string, columns: readonly Column[]): boolean {
  const keys = columns.filter(({ pk }) => pk > 0);
  if (keys.length !== 1 || keys[0]?.type.toUpperCase() !== "INTEGER") return false;
  const index = database.scalar(
    "SELECT 1 FROM pragma_index_list(?1, 'main') WHERE origin = 'pk'",
    table,
  );
  return index === undefined;
}

export function hasAutoincrement({ sql, virtual }: DumpedTable): boolean {
  if (virtual !== undefined) return false;
  const tokens = SqlTokens.of(sql);
  while (tokens.nextMeaning()) if (tokens.keyword === "AUTOINCREMENT") return true;
  return false;
}
