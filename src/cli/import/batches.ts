import type { Statement } from "@raftlite/client";
import { identifier } from "../../sqlite/identifier.ts";
import { stored } from "./column_types.ts";
import type { TablePlan } from "./table_plan.ts";
import { ImportError, type Source, type SourceRow } from "./types.ts";

const rowsMax = 5_000;
const bytesMax = 1024 * 1024;
/** Of a statement; SQLite takes 32,766 parameters. */
const statementRowsMax = 100;
const parametersMax = 32_000;

/** Rows that are added together, or not at all. */
export interface Batch {
  /** Rows of the source before its first one. */
  readonly from: number;
  readonly rows: readonly SourceRow[];
}

/**
 * The rows of a source in batches, but for the first `skip`. Throws an ImportError. Another build may
 * make others: who goes on asks for each that was added where it ends.
 */
export async function* batchesOf(
  source: Source,
  plan: TablePlan,
  skip: number,
): AsyncGenerator<Batch> {
  let toSkip = skip;
  let from = skip;
  let rows: SourceRow[] = [];
  let bytes = 0;
  for await (const group of source.rows()) {
    for (const row of group) {
      if (toSkip > 0) {
        toSkip--;
        continue;
      }
      const one = asStored(row, plan);
      rows.push(one);
      bytes += sizeOf(one);
      if (rows.length < rowsMax && bytes < bytesMax) continue;
      yield { from, rows };
      from += rows.length;
      rows = [];
      bytes = 0;
    }
  }
  if (rows.length > 0) yield { from, rows };
}

/** About, in bytes. */
function sizeOf({ values }: SourceRow): number {
  let size = 0;
  for (const value of values) {
    if (typeof value === "string") size += value.length + 3;
    else size += value instanceof Uint8Array ? 4 * value.length : 12;
  }
  return size;
}

/** The row as its columns take it. */
function asStored(row: SourceRow, { columns }: TablePlan): SourceRow {
  const values = row.values.map((value, i) => {
    const column = columns[i];
    if (column === undefined) return value;
    const one = stored(column.affinity, value);
    if (one !== undefined) return one;
    const [name, text] = [JSON.stringify(column.name), JSON.stringify(value)];
    throw new ImportError(
      `${row.place}, column ${name}: ${text} is no ${column.affinity}, as its column is`,
    );
  });
  return { ...row, values };
}

/** What adds rows, in one transaction. */
export function inserts(rows: readonly SourceRow[], plan: TablePlan): Statement[] {
  const { table, columns, onConflict } = plan;
  const verb = onConflict === "fail" ? "INSERT" : `INSERT OR ${onConflict.toUpperCase()}`;
  const names = columns.map(({ name }) => identifier(name)).join(", ");
  const one = `(${columns.map(() => "?").join(",")})`;
  const size = Math.max(1, Math.min(statementRowsMax, Math.floor(parametersMax / columns.length)));
  const statements: Statement[] = [];
  for (let at = 0; at < rows.length; at += size) {
    const some = rows.slice(at, at + size);
    statements.push({
      sql: `${verb} INTO ${identifier(table)} (${names}) VALUES ${
        Array(some.length).fill(one).join(",")
      }`,
      params: some.flatMap(({ values }) => values),
    });
  }
  return statements;
}
