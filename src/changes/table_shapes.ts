import type { Database } from "../sqlite/mod.ts";
import { affinityOf } from "../sqlite/affinity.ts";
import { identifier } from "../sqlite/identifier.ts";
import { VirtualColumns } from "./virtual_columns.ts";
import type { ChangedColumn, ChangedTable } from "./types.ts";

/** A table, with what is needed to read its rows. */
export interface TableShape {
  readonly table: ChangedTable;
  /** Of each of its columns that is stored: its number in SQLite, and whether it stores whole reals as integers. */
  readonly places: readonly { readonly column: number; readonly isReal: boolean }[];
  /** Works out those that are not; undefined where there are none. */
  readonly virtual: VirtualColumns | undefined;
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
    for (const { virtual } of this.#shapes.values()) virtual?.[Symbol.dispose]();
    this.#shapes.clear();
  }
}

function readShape(database: Database, name: string): TableShape {
  using statement = database.prepare(`PRAGMA main.table_xinfo(${identifier(name)})`);
  const all = statement.values<ColumnRow>().map((row): ChangedColumn => {
    const [, name, type, , , primaryKey, hidden] = row;
    return { name, type, primaryKey, generated: generatedKinds.get(hidden) ?? "no" };
  });
  const places = all.flatMap(({ type, generated }, column) =>
    generated === "virtual" ? [] : [{ column, isReal: affinityOf(type) === "REAL" }]
  );
  const virtual = virtualColumns(database, name, all);
  const columns = virtual === undefined
    ? all.filter(({ generated }) => generated !== "virtual")
    : all;
  return { table: { name, hasRowId: hasRowId(database, name), columns }, places, virtual };
}

/** By what table_xinfo says of a column. https://www.sqlite.org/pragma.html#pragma_table_xinfo */
const generatedKinds: ReadonlyMap<number, ChangedColumn["generated"]> = new Map([
  [2, "virtual"],
  [3, "stored"],
]);

/** Undefined without any, and where they call what only an extension has: then they are left out. */
function virtualColumns(
  database: Database,
  name: string,
  columns: readonly ChangedColumn[],
): VirtualColumns | undefined {
  if (!columns.some(({ generated }) => generated === "virtual")) return undefined;
  const sql = database.scalar(
    "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?",
    name,
  );
  if (typeof sql !== "string") return undefined;
  try {
    return new VirtualColumns(database.library, { name, sql, columns });
  } catch {
    return undefined;
  }
}

/**
 * A table without row ids is the index of its primary key: that has all columns and, unlike every
 * other index, no row id at its end.
 */
function hasRowId(database: Database, table: string): boolean {
  using indexes = database.prepare(`PRAGMA main.index_list(${identifier(table)})`);
  const own = indexes.values<[number, string, number, string, number]>()
    .find(([, , , origin]) => origin === "pk");
  if (own === undefined) return true;
  using columns = database.prepare(`PRAGMA main.index_xinfo(${identifier(own[1])})`);
  return columns.values<[number, number]>().some(([, column]) => column === -1);
}
