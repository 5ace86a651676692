import type { Database } from "../sqlite/mod.ts";
import type { ChangedColumn, ChangedTable } from "./types.ts";

/** A table, with what is needed to read its rows. */
export interface TableShape {
  readonly table: ChangedTable;
  /** Of each of its columns: its number in SQLite, and whether it stores whole reals as integers. */
  readonly places: readonly { readonly column: number; readonly isReal: boolean }[];
}

type ColumnRow = [
  cid: number,
  name: string,
  type: string,
  notNull: number,
  defaultValue: unknown,
  primaryKey: number,
  hidden: number,
];

/**
 * The shapes of a connection's tables in its schema as it is, read when first asked for: also by
 * what is told of a row, in the middle of a statement.
 */
export class TableShapes {
  readonly #database: Database;
  /** Runs the store's own SQL within a statement of a client's. */
  readonly #within: <Result>(body: () => Result) => Result;
  readonly #shapes = new Map<string, TableShape>();

  constructor(database: Database, within: <Result>(body: () => Result) => Result) {
    this.#database = database;
    this.#within = within;
  }

  of(name: string): TableShape {
    const known = this.#shapes.get(name);
    if (known !== undefined) return known;
    const shape = this.#within(() => readShape(this.#database, name));
    this.#shapes.set(name, shape);
    return shape;
  }

  /** To be called before and after whatever may change the schema. */
  forget(): void {
    this.#shapes.clear();
  }
}

function readShape(database: Database, name: string): TableShape {
  const columns: ChangedColumn[] = [];
  const places: TableShape["places"][number][] = [];
  using statement = database.prepare(`PRAGMA main.table_xinfo(${quoted(name)})`);
  for (const row of statement.values<ColumnRow>()) {
    const [column, columnName, type, , , primaryKey, hidden] = row;
    // A VIRTUAL column has no value until somebody asks for it, and SQLite does not tell it here.
    if (hidden === 2) continue;
    const generated = hidden === 3 ? "stored" : "no";
    columns.push({ name: columnName, type, primaryKey, generated });
    places.push({ column, isReal: hasRealAffinity(type) });
  }
  return { table: { name, hasRowId: hasRowId(database, name), columns }, places };
}

/**
 * A table without row ids is the index of its primary key: that has all columns and, unlike every
 * other index, no row id at its end.
 */
function hasRowId(database: Database, table: string): boolean {
  using indexes = database.prepare(`PRAGMA main.index_list(${quoted(table)})`);
  const own = indexes.values<[number, string, number, string, number]>()
    .find(([, , , origin]) => origin === "pk");
  if (own === undefined) return true;
  using columns = database.prepare(`PRAGMA main.index_xinfo(${quoted(own[1])})`);
  return columns.values<[number, number]>().some(([, column]) => column === -1);
}

/** https://www.sqlite.org/datatype3.html#determination_of_column_affinity */
function hasRealAffinity(type: string): boolean {
  return !/INT|CHAR|CLOB|TEXT|BLOB/i.test(type) && /REAL|FLOA|DOUB/i.test(type);
}

/** A name as SQL takes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
