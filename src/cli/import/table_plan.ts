import type { Client } from "@raftlite/client";
import { identifier } from "../../sqlite/identifier.ts";
import { type Affinity, affinityOf } from "../../sqlite/affinity.ts";
import { ImportError, type OnConflict, type Source } from "./types.ts";

/** Where rows go, and how. */
export interface TablePlan {
  readonly table: string;
  /** Makes it; undefined when it is there. */
  readonly create: string | undefined;
  /** Of the file, in its order. */
  readonly columns: readonly { readonly name: string; readonly affinity: Affinity }[];
  readonly onConflict: OnConflict;
}

interface Wish {
  readonly table: string;
  /** In place of those that were guessed, by the columns' names. */
  readonly types: ReadonlyMap<string, string>;
  readonly onConflict: OnConflict;
  /** The columns of CSV are those of the table, in their order, whatever they are called. */
  readonly byPosition: boolean;
}

/** Looks whether the table is there, and whether the file's columns fit it. Throws an ImportError. */
export async function planTable(db: Client, source: Source, wish: Wish): Promise<TablePlan> {
  const { table, onConflict } = wish;
  const found = await columnsOf(db, table);
  if (found.length > 0) {
    return { table, create: undefined, columns: matched(source, found, wish), onConflict };
  }
  const columns = source.columns.map(({ name, type }) => ({
    name,
    type: wish.types.get(name) ?? type,
  }));
  checkNames(columns.map(({ name }) => name));
  const parts = columns.map(({ name, type }) => `${identifier(name)} ${type}`.trim());
  if (source.primaryKey.length > 0) {
    parts.push(`PRIMARY KEY (${source.primaryKey.map(identifier).join(", ")})`);
  }
  return {
    table,
    create: `CREATE TABLE ${identifier(table)} (\n  ${parts.join(",\n  ")}\n)`,
    columns: columns.map(({ name, type }) => ({ name, affinity: affinityOf(type) })),
    onConflict,
  };
}

/** Whether there is such a table. */
export async function hasTable(db: Client, table: string): Promise<boolean> {
  return (await columnsOf(db, table)).length > 0;
}

interface TableColumn {
  readonly name: string;
  readonly type: string;
}

/** Those that can be written; none when there is no such table. */
async function columnsOf(db: Client, table: string): Promise<readonly TableColumn[]> {
  const sql = "SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid";
  const { values } = await db.query(sql, [table], { level: "linearizable" });
  return values.map(([name, type]) => ({ name: String(name), type: String(type) }));
}

function matched(source: Source, found: readonly TableColumn[], wish: Wish): TablePlan["columns"] {
  const { table } = wish;
  if (wish.byPosition && source.isText) {
    if (source.columns.length !== found.length) {
      throw new ImportError(
        `Table ${table} has ${found.length} columns, and the file ${source.columns.length}`,
      );
    }
    return found.map(({ name, type }) => ({ name, affinity: affinityOf(type) }));
  }
  const byName = new Map(found.map((column) => [column.name.toLowerCase(), column]));
  const columns = source.columns.map(({ name }) => {
    const column = byName.get(name.toLowerCase());
    if (column !== undefined) return { name: column.name, affinity: affinityOf(column.type) };
    throw new ImportError(
      `Table ${table} has no column ${JSON.stringify(name)}, which the file has: ${
        found.map((each) => each.name).join(", ")
      }`,
    );
  });
  checkNames(columns.map(({ name }) => name));
  return columns;
}

function checkNames(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names.map((name) => name.toLowerCase())) {
    if (seen.has(name)) throw new ImportError(`Two columns are called ${JSON.stringify(name)}`);
    seen.add(name);
  }
}
