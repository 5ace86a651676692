import type { NodeProcess } from "../cluster/harness.ts";
import { freeRowIdName, identifier } from "../../src/sqlite/identifier.ts";
import { RequestFailed, run, type StatementResult } from "./request.ts";

/** A value with SQLite's type of it, as text: equal for equal values only. */
export type Cell = string;

/** The cells of one row by the names of their columns. */
export type Row = ReadonlyMap<string, Cell>;

/** What a table looks like, and its rows by their row id or primary key. */
export interface Table {
  readonly hasRowId: boolean;
  /** In the order of the primary key, where rows are known by that. */
  readonly keyColumns: readonly string[];
  readonly rows: Map<string, Row>;
}

export type Tables = Map<string, Table>;

/** How each kind of value is written as a cell. */
export const cells = {
  integer: (digits: string): Cell => `integer:${digits}`,
  real: (value: number): Cell => `real:${value}`,
  text: (hex: string): Cell => `text:${hex}`,
  blob: (hex: string): Cell => `blob:${hex}`,
  none: "null:" as Cell,
} as const;

/** The key of a row of a table without row ids. */
export function keyOf({ keyColumns }: Pick<Table, "keyColumns">, row: Row): string {
  return keyColumns.map((name) => row.get(name) ?? "?").join(" ");
}

export interface ReadTables {
  readonly tables: Tables;
  /** An index of the log that the read had seen for sure; 0 when the level promises none. */
  readonly seen: number;
  /** One that it has seen nothing behind. */
  readonly latest: number;
}

interface Shape {
  readonly name: string;
  readonly withoutRowId: boolean;
  readonly columns: readonly { readonly name: string; readonly primaryKey: number }[];
}

/** JSON whose numbers stay as they are written. */
export function parseExactly(text: string): unknown {
  const keep = (_: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === "number" ? new ExactNumber(context?.source ?? String(value)) : value;
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown);
}

/** A number of JSON by its digits. */
export class ExactNumber {
  constructor(readonly source: string) {}

  get isInteger(): boolean {
    return /^-?\d+$/.test(this.source);
  }
}

/** Reads all rows of all tables at one moment, which is not before `minIndex`. */
export async function readTables(
  node: NodeProcess,
  level: string,
  minIndex = 0,
): Promise<ReadTables> {
  const path = `/db/query?level=${level}&linearizable_timeout=5s&timeout=5s&min_index=${minIndex}`;
  const { results: [schema] } = await run(node, path, [shapesQuery]);
  const shapes = shapesOf(schema);
  const { results, reply } = await run(node, `${path}&transaction&exact&raft_index`, [
    ...shapes.map(selectOf),
    shapesQuery,
  ]);
  // Columns and tables that have come meanwhile would be missing without a word.
  if (JSON.stringify(shapesOf(results.at(-1))) !== JSON.stringify(shapes)) {
    throw new RequestFailed("The schema has changed meanwhile", "refused");
  }
  const tables: Tables = new Map();
  const parsed = parseExactly(reply.text) as {
    readonly results: readonly { readonly values?: readonly (readonly unknown[])[] }[];
    readonly raft_index?: ExactNumber;
  };
  shapes.forEach((shape, at) => {
    const error = results[at]?.error;
    if (error !== undefined) throw new RequestFailed(`${shape.name}: ${error}`, "refused");
    tables.set(shape.name, tableOf(shape, parsed.results[at]?.values ?? []));
  });
  const seen = Number(parsed.raft_index?.source ?? 0);
  return { tables, seen, latest: Math.max(seen, reply.index ?? 0) };
}

const shapesQuery =
  "SELECT t.name, t.wr, c.name, c.pk FROM pragma_table_list t, pragma_table_xinfo(t.name) c " +
  "WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' " +
  "ORDER BY t.name, c.cid";

function shapesOf(result: StatementResult | undefined): Shape[] {
  if (result?.error !== undefined) throw new RequestFailed(result.error, "refused");
  const shapes = new Map<string, Shape & { readonly columns: Shape["columns"][number][] }>();
  for (const [table, withoutRowId, column, primaryKey] of result?.values ?? []) {
    const name = String(table);
    const shape = shapes.get(name) ?? { name, withoutRowId: withoutRowId === 1, columns: [] };
    shapes.set(name, shape);
    shape.columns.push({ name: String(column), primaryKey: Number(primaryKey) });
  }
  return [...shapes.values()];
}

/** Each value by its type, and texts and blobs by their bytes. */
function selectOf({ name, withoutRowId, columns }: Shape): string {
  const rowId = withoutRowId ? undefined : freeRowIdName(columns.map(({ name }) => name));
  const values = columns.flatMap(({ name }) => {
    const column = identifier(name);
    const value = `CASE WHEN typeof(${column}) IN ('text', 'blob') THEN ` +
      `hex(CAST(${column} AS BLOB)) ELSE ${column} END`;
    return [`typeof(${column})`, value];
  });
  return `SELECT ${rowId ?? "0"}, ${values.join(", ")} FROM main.${identifier(name)}`;
}

function tableOf(
  { withoutRowId, columns }: Shape,
  values: readonly (readonly unknown[])[],
): Table {
  const keyColumns = columns.filter(({ primaryKey }) => primaryKey > 0)
    .toSorted((a, b) => a.primaryKey - b.primaryKey).map(({ name }) => name);
  const table: Table = { hasRowId: !withoutRowId, keyColumns, rows: new Map() };
  for (const [rowId, ...cells] of values) {
    const row = new Map(columns.map(({ name }, at) => {
      return [name, cellOf(String(cells[2 * at]), cells[2 * at + 1])];
    }));
    const key = withoutRowId ? keyOf(table, row) : (rowId as ExactNumber).source;
    table.rows.set(key, row);
  }
  return table;
}

function cellOf(type: string, value: unknown): Cell {
  const source = value instanceof ExactNumber ? value.source : String(value);
  switch (type) {
    case "integer":
      return cells.integer(source);
    case "real":
      return cells.real(Number(source));
    case "text":
      return cells.text(source);
    case "blob":
      return cells.blob(source);
    default:
      return cells.none;
  }
}

/** The first difference between two databases, as text; undefined when there is none. */
export function differenceOf(one: Tables, other: Tables): string | undefined {
  const names = [...one.keys()].sort().join();
  const others = [...other.keys()].sort().join();
  if (names !== others) return `tables ${names} and ${others}`;
  for (const [name, { rows }] of one) {
    const found = differentRow(rows, other.get(name)?.rows ?? new Map());
    if (found !== undefined) return `table ${name}, ${found}`;
  }
  return undefined;
}

export function differentRow(
  one: ReadonlyMap<string, Row>,
  other: ReadonlyMap<string, Row>,
): string | undefined {
  for (const key of new Set([...one.keys(), ...other.keys()])) {
    const [mine, its] = [one.get(key), other.get(key)].map(rowText);
    if (mine !== its) {
      return `of ${one.size} and ${other.size} rows that of key ${key}: ${mine} and ${its}`;
    }
  }
  return undefined;
}

export function rowText(row: Row | undefined): string {
  if (row === undefined) return "none";
  return [...row].map(([name, cell]) => `${name}=${cell.slice(0, 200)}`).sort().join(", ");
}
